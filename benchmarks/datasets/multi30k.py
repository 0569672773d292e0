"""Multi30K: pictures of Flickr30K and COCO with one caption in English, German, French or Czech.

    data/task1/raw/SPLIT.{en,de,fr,cs}[.gz]    line i is the caption of image i
    data/task1/image_splits/SPLIT.txt          an image a line; of COCO, NAME.jpg#CAPTION_ID
    images/                                    pictures; or flickr30k/ and coco/ beside this folder

The German captions of task 1 are translations, and so are the French and the Czech ones: where
English fails because a caption is vague, they fail as well.

Source: D. Elliott et al., "Multi30K: Multilingual English-German Image Descriptions", 2016; the
later test sets: WMT 2017 and 2018.
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
from benchmarks.datasets.places import coco_or_flickr
from benchmarks.datasets.texts import read_lines

SPLITS = (
    "test_2016_flickr",
    "test_2017_flickr",
    "test_2017_mscoco",
    "test_2018_flickr",
    "val",
    "train",
)

_LANGUAGES = ("en", "de", "fr", "cs")
_TASK = ("data/task1", "task1", ".")


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language.

    Raises:
        DatasetError: files are missing, or have another number of lines than images.
    """
    refuse(options, "multi30k", "captions", "gallery")
    split = one_of(options.split, SPLITS, "split", "multi30k")
    listed = find(
        folder, [f"{task}/image_splits/{split}.txt" for task in _TASK], f"images of {split}"
    )
    raw = listed.parent.parent / "raw"
    files = {code: path for code in _LANGUAGES if (path := _file(raw, split, code)) is not None}
    codes = chosen_languages(options.languages, tuple(files), f"multi30k {split}")
    names, sha256 = read_lines(listed)
    found = []
    for code in codes:
        said, of_captions = _captions(files[code], names)
        hashes = {listed.name: sha256, files[code].name: of_captions}
        origin = Origin("multi30k", split, sha256=hashes)
        captions = [
            (Picture(name, coco_or_flickr(folder, name)), texts) for name, texts in said.items()
        ]
        found.append(crossmodal_of(origin, captions, language=code))
    return tuple(found)


def _file(raw: Path, split: str, code: str) -> Path | None:
    plain = raw / f"{split}.{code}"
    return next(
        (path for path in (plain, plain.with_name(f"{plain.name}.gz")) if path.is_file()), None
    )


def _captions(path: Path, names: Sequence[str]) -> tuple[dict[str, list[tuple[str, str]]], str]:
    """Names and words of the captions of each image, and the sha256 (hex) of the file.

    Raises:
        DatasetError: there are more or fewer captions than images.
    """
    lines, sha256 = read_lines(path)
    if len(lines) != len(names):
        raise DatasetError(
            f"{path} has {len(lines):,} captions for {len(names):,} images",
            hint="get the files of one version: line i is of image i",
        )
    captions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, line in zip(names, lines, strict=True):
        captions[name.partition("#")[0]].append((name, line))
    return captions, sha256


SPEC = DatasetSpec(
    "multi30k",
    "crossmodal",
    "Multi30K: 1,000 pictures of Flickr30K, 4 languages",
    load,
    "multi30k",
    4,
)
