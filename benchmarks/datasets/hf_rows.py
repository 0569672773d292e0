"""Rows of Hugging Face's sets of captions, as tables or as the CSV files they were made from.

    flickr_annotations_30k.csv    columns `raw` and `sentids` are lists in JSON
    test_5k_mscoco_2014.csv       likewise

A row is of the split that its column `split` says; without that column, of the one asked for.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, Captioned, annotations, numbered
from benchmarks.datasets.files import first_there

_CELLS = ("raw", "sentids")


def read_csv(folder: Path, split: str, *, files: Sequence[str]) -> Annotations | None:
    """The rows of a split of a CSV file; None where there is none.

    Args:
        folder: of the data set.
        split: its name; no file has "all".
        files: relative paths.

    Raises:
        DatasetError: the file lacks a column or is cut off, or a cell is of another kind.
    """
    path = first_there(folder, files)
    if path is None or split == "all":
        return None
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}", hint="get the file again") from error
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if absent := {"filename", *_CELLS}.difference(table.fieldnames or ()):
            raise DatasetError(f"{path} has no column {min(absent)!r}", hint="get the file again")
        rows = [_row(path, row) for row in table]
    except csv.Error as error:
        raise DatasetError(
            f"{path} is no CSV, or is cut off: {error}", hint="get the file again"
        ) from error
    sha256 = {path.name: hashlib.sha256(content).hexdigest()}
    return annotations(path, captioned_rows(path, rows, split), sha256)


def captioned_rows(path: Path, rows: Iterable[Mapping[str, Any]], split: str) -> list[Captioned]:
    """The pictures of a split.

    Args:
        path: of the file, for errors.
        rows: with `filename` and `caption`, and perhaps `split` and `sentids`.
        split: its name.

    Raises:
        DatasetError: a cell is of another kind.
    """
    return [_captioned(path, row) for row in rows if row.get("split", split) == split]


def _row(path: Path, row: Mapping[str, str]) -> dict[str, Any]:
    try:
        raw, keys = (orjson.loads(row[name]) for name in _CELLS)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise DatasetError(
            f"{path}: the captions of {row['filename']} are no JSON list, or the file is cut off",
            hint="get the file again",
        ) from error
    found = {"filename": row["filename"], "caption": raw, "sentids": keys}
    return found | ({"split": row["split"]} if "split" in row else {})


def _captioned(path: Path, row: Mapping[str, Any]) -> Captioned:
    name, texts, keys = row["filename"], row["caption"], row.get("sentids")
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise DatasetError(f"{path}: {name!r} is no name of a picture")
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise DatasetError(f"{path}: the captions of {name} are no list of texts")
    if keys is None:
        return Captioned(name, numbered(name, texts))
    if not isinstance(keys, list) or len(keys) != len(texts):
        raise DatasetError(f"{path}: {name} has {len(texts)} captions and other sentids")
    return Captioned(
        name, tuple((str(key), text.strip()) for key, text in zip(keys, texts, strict=True))
    )
