"""Further positives of COCO's test split: ECCV Caption and Crisscrossed Captions (CxC).

    cxc_image_to_caption.json     {"391895": [770337, ...], ...}: 35,585 pairs of 5,000 pictures
    eccv_image_to_caption.json    22,550 pairs, asked of 1,261 pictures
    eccv_caption_to_image.json    {"770337": [391895, ...], ...}: 11,279 pairs, asked of 1,332 texts
    sits_test.csv                 ratings of CxC, read where the first file is not there:
                                  caption,image,agg_score,sampling_method
                                  COCO_val2014:sentid:732091,COCO_val2014_000000391895.jpg,4.2,...

The first three come with the package eccv_caption. Two captions of its pairs are none of the 25,000
of `coco_test_ids.npy`: a picture may have a sixth.

Sources: S. Chun et al., "ECCV Caption: Correcting False Negatives by Collecting Machine-and-Human-
verified Image-Caption Associations for MS-COCO", ECCV 2022; Z. Parekh et al., "Crisscrossed
Captions: Extended Intramodal and Intermodal Semantic Similarity Judgments for MS-COCO", EACL 2021.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.files import read_json
from benchmarks.datasets.texts import read_lines
from retrieval.model import Int64Array

CXC, ECCV_I2T, ECCV_T2I = "cxc", "eccv_i2t", "eccv_t2i"
"""Names of the pairs; see `Crossmodal.more`."""

RIGHT_FROM = 3.0
"""The mean score, of 0 to 5, from which CxC's retrieval tasks take a pair as right. Of the ratings
of the test split it leaves the 35,585 pairs that ECCV Caption has."""

_FOLDERS = ("", "eccv_caption/")
_CXC_FILE, _RATINGS = "cxc_image_to_caption.json", "sits_test.csv"
_ECCV_I2T_FILE, _ECCV_T2I_FILE = "eccv_image_to_caption.json", "eccv_caption_to_image.json"
_HEADER = "caption,image,agg_score,sampling_method"
_RATING = re.compile(r"COCO_val2014:sentid:(\d+),COCO_val2014_0*(\d+)\.jpg,(\d(?:\.\d+)?),c2i_\w+")
_BEST = 5.0

Pair = tuple[str, str]
"""The names of a text and of a picture: a caption id and an image id of COCO."""


@dataclass(frozen=True, slots=True, eq=False)
class MorePositives:
    """Pairs of rows that belong together.

    Attributes:
        pairs: (p, 2) rows of texts and pictures, in ascending order, each once, by name.
        left_out: how many pairs have a text or a picture that was not given, by name.
        sha256: (hex) of each file that was read, by its name.
    """

    pairs: Mapping[str, Int64Array]
    left_out: Mapping[str, int]
    sha256: Mapping[str, str]


def more_positives(
    folder: Path, text_keys: Sequence[str], picture_keys: Sequence[str]
) -> MorePositives:
    """Read the files that are there, in a folder or in eccv_caption/ below it; there may be none.

    Args:
        folder: of COCO.
        text_keys: m caption ids, each once.
        picture_keys: n image ids, each once.

    Raises:
        DatasetError: a file is cut off or of another form.
    """
    files = {
        CXC: _file(folder, _CXC_FILE) or _file(folder, _RATINGS),
        ECCV_I2T: _file(folder, _ECCV_I2T_FILE),
        ECCV_T2I: _file(folder, _ECCV_T2I_FILE),
    }
    pairs, left_out, hashes = {}, {}, {}
    for name, path in files.items():
        if path is not None:
            named, hashes[path.name] = _read(path)
            pairs[name], left_out[name] = _rows(named, text_keys, picture_keys)
    return MorePositives(pairs, left_out, hashes)


def read_pairs(path: Path) -> tuple[frozenset[Pair], str]:
    """The pairs of a JSON file of ECCV Caption, and its sha256 (hex).

    What is asked is told by the name: `..._image_to_caption.json` or `..._caption_to_image.json`.

    Raises:
        DatasetError: it is cut off or of another form.
    """
    value, sha256 = read_json(path)
    if not isinstance(value, dict) or not all(map(_are_ids, value, value.values())):
        raise DatasetError(
            f'{path} has not the form of ECCV Caption, {{"391895": [770337, ...]}}',
            hint="take it from the package eccv_caption again",
        )
    asked = ((query, str(right)) for query, found in value.items() for right in found)
    is_of_texts = path.stem.endswith("_caption_to_image")
    return frozenset(each if is_of_texts else each[::-1] for each in asked), sha256


def read_ratings(path: Path) -> tuple[frozenset[Pair], str]:
    """The pairs that CxC's raters find right (`RIGHT_FROM`), and the sha256 (hex) of the file.

    A text and its own picture are among them only if they were rated so; of the test split's 25,000
    such pairs 29 were not.

    Raises:
        DatasetError: a line is of another form.
    """
    lines, sha256 = read_lines(path)
    if lines[:1] != [_HEADER]:
        raise DatasetError(
            f"{path} has not the columns {_HEADER}",
            hint="take sits_test.csv of google-research-datasets/Crisscrossed-Captions",
        )
    rated = [_rated(line, f"{path}: line {number}") for number, line in enumerate(lines[1:], 2)]
    return frozenset(pair for pair, score in rated if score >= RIGHT_FROM), sha256


def _file(folder: Path, name: str) -> Path | None:
    paths = (folder / below / name for below in _FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def _read(path: Path) -> tuple[frozenset[Pair], str]:
    return read_ratings(path) if path.name == _RATINGS else read_pairs(path)


def _are_ids(query: str, found: object) -> bool:
    """Whether a query and what is right for it are ids of COCO."""
    return (
        query.isdecimal()
        and isinstance(found, list)
        and all(isinstance(each, int) and not isinstance(each, bool) for each in found)
    )


def _rated(line: str, where: str) -> tuple[Pair, float]:
    """The pair of a line, and its score."""
    found = _RATING.fullmatch(line)
    if found is None or (score := float(found[3])) > _BEST:
        raise DatasetError(f"{where} is no rating of CxC: {line[:80]!r}", hint="get the file again")
    return (found[1], found[2]), score


def _rows(
    named: Iterable[Pair], text_keys: Sequence[str], picture_keys: Sequence[str]
) -> tuple[Int64Array, int]:
    """The rows of pairs in ascending order, and how many pairs have none."""
    text_of = {key: row for row, key in enumerate(text_keys)}
    picture_of = {key: row for row, key in enumerate(picture_keys)}
    every = [*named]
    found = sorted(
        (text_of[text], picture_of[picture])
        for text, picture in every
        if text in text_of and picture in picture_of
    )
    return np.array(found, np.int64).reshape(-1, 2), len(every) - len(found)
