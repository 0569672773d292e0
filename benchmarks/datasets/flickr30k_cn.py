"""Flickr30K-CN: 1,000 test pictures of Flickr30K with five Chinese captions each.

    flickr30k_cn_test.txt or flickr30k_test_zh.txt    `image,caption`, then 1007129816.jpg,CAPTION;
                                                      or 1007129816<tab>CAPTION
    images/                                           pictures; or flickr30k/ beside this folder

A file goes round whose captions are cut into words with their parts of speech, such as
"831025550#zhm#4 一个:m 打:v 着:uzhe 石膏:n". Read as captions, they give a recall at 5 of 0.739
where 0.914 is published (CLIP_benchmark, pull request 101). It is refused.

Source: W. Lan, X. Li, J. Dong, "Fluency-Guided Cross-Lingual Image Captioning", ACM MM 2017.
"""

import re
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
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.files import find
from benchmarks.datasets.places import flickr30k
from benchmarks.datasets.texts import read_lines

_FILES = ("flickr30k_cn_test.txt", "flickr30k_test_zh.txt")
_HEADER = "image,caption"
_LINE = re.compile(r"(\d+)(?:\.jpg,|\t)(.*)")
_TAGGED = re.compile(r"(?:\S+:[a-z]+\d?(?:\s+|$)){2,}")


def read_captions(path: Path) -> tuple[dict[str, list[str]], str]:
    """The captions of each image, in the order of the file, and its sha256 (hex).

    Raises:
        DatasetError: a line is of another form, or holds parts of speech.
    """
    lines, sha256 = read_lines(path)
    captions: dict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        if number == 1 and line.strip() == _HEADER:
            continue
        if _TAGGED.search(line):
            raise DatasetError(
                f"{path}: line {number} holds words with their parts of speech, no caption",
                hint="take flickr30k_cn_test.txt of InternVL's release; see CLIP_benchmark PR 101",
            )
        if not (found := _LINE.fullmatch(line)) or not found[2].strip():
            raise DatasetError(
                f"{path}: line {number} is no image with its caption: {line[:40]!r}",
                hint="a line is 1007129816.jpg,CAPTION",
            )
        captions[f"{found[1]}.jpg"].append(found[2].strip())
    return captions, sha256


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """The one language, Chinese."""
    refuse(options, "flickr30k-cn", "split", "captions", "gallery")
    chosen_languages(options.languages, ("zh",), "flickr30k-cn")
    path = find(folder, _FILES, "captions of Flickr30K-CN")
    captions, sha256 = read_captions(path)
    origin = Origin("flickr30k-cn", "test", "all", {path.name: sha256})
    said = [
        (
            Picture(name, flickr30k(folder, name)),
            [(f"{name}#{at}", text) for at, text in enumerate(texts)],
        )
        for name, texts in captions.items()
    ]
    return (crossmodal_of(origin, said, language="zh"),)


SPEC = DatasetSpec(
    "flickr30k-cn",
    "crossmodal",
    "Flickr30K-CN: 1,000 pictures, 5,000 Chinese captions",
    load,
    "flickr30k_cn",
)
