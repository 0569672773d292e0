"""COCO-CN: pictures of COCO with captions that were written in Chinese.

    coco-cn_{train,val,test}.txt          an image a line: COCO_val2014_000000316323
    imageid.human-written-caption.txt     COCO_train2014_000000000101#0<tab>CAPTION
    images/, train2014/, val2014/         pictures, here or below coco/ beside this folder

The test split has 1,000 pictures and 1,053 captions. Results are published on the captions that
people wrote; those that people translated from English are another set (Chinese-CLIP, issue 175).

Source: X. Li et al., "COCO-CN for Cross-Lingual Image Tagging, Captioning and Retrieval", IEEE
Transactions on Multimedia 2019.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.choices import chosen_languages, one_of, refuse
from benchmarks.datasets.files import find
from benchmarks.datasets.places import coco2014
from benchmarks.datasets.texts import read_lines

SPLITS = ("test", "val", "train")

_CAPTIONS = "imageid.human-written-caption.txt"


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """The one language, Chinese.

    Raises:
        DatasetError: files are missing, a line is of another form, or an image has no caption.
    """
    refuse(options, "coco-cn", "captions", "gallery")
    chosen_languages(options.languages, ("zh",), "coco-cn")
    split = one_of(options.split, SPLITS, "split", "coco-cn")
    listed = find(folder, (f"coco-cn_{split}.txt",), f"images of {split}")
    written = find(folder, (_CAPTIONS,), "captions of COCO-CN")
    names, of_names = read_lines(listed)
    captions, of_captions = read_captions(written)
    hashes = {listed.name: of_names, written.name: of_captions}
    origin = Origin("coco-cn", split, "all", hashes)
    said = [(Picture(name, coco2014(folder, f"{name}.jpg")), captions[name]) for name in names]
    return (crossmodal_of(origin, said, language="zh"),)


def read_captions(path: Path) -> tuple[dict[str, list[tuple[str, str]]], str]:
    """Names and words of the captions of each image, and the sha256 (hex) of the file.

    Raises:
        DatasetError: a line is of another form.
    """
    lines, sha256 = read_lines(path)
    captions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        key, tab, text = line.partition("\t")
        if not tab or not text.strip() or "#" not in key:
            raise DatasetError(
                f"{path}: line {number} is no image with its caption: {line[:40]!r}",
                hint="a line is COCO_train2014_000000000101#0<tab>CAPTION",
            )
        captions[key.partition("#")[0]].append((key, text.strip()))
    return captions, sha256


SPEC = DatasetSpec(
    "coco-cn", "crossmodal", "COCO-CN: 1,000 pictures, 1,053 Chinese captions", load, "coco_cn"
)
