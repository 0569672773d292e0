"""The tables of open_clip's documentation, as tables of published figures."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.reference.models import model_id
from benchmarks.reference.writing import Row
from retrieval.languages.tags import canonical_tag

RETRIEVAL = "openclip_retrieval_results.csv"
MULTILINGUAL = "openclip_multilingual_retrieval_results.csv"

_DIRECTIONS = {"image": "t2i", "text": "i2t"}
"""open_clip names a direction by what is found."""

_SETS = {"flickr30k": "Flickr", "coco": "MSCOCO"}
_MULTILINGUAL_SETS = {"xm3600": "crossmodal3600", "xtd": "multilingual_mscoco_captions"}
_KS = (1, 5, 10)


def tables(folder: Path) -> Iterator[tuple[str, Sequence[Row]]]:
    """Names and rows of the tables of flickr30k, coco, xm3600 and xtd.

    Args:
        folder: open_clip's docs folder.
    """
    given = _rows(folder / RETRIEVAL)
    for name, column in _SETS.items():
        yield f"{name}.open_clip", [*_once(_english(row, column) for row in given)]
    given = _rows(folder / MULTILINGUAL)
    for name, prefix in _MULTILINGUAL_SETS.items():
        rows = (each for row in given for each in _by_language(row, prefix))
        yield f"{name}.open_clip", [*_once(rows)]


def _english(row: Mapping[str, str], column: str) -> Row:
    figures = {
        f"{way}_r@{k}": row[f"{column} {found} retr. R@{k}"]
        for found, way in _DIRECTIONS.items()
        for k in _KS
    }
    return model_id(row["name"], row["pretrained"])._asdict() | figures


def _by_language(row: Mapping[str, str], prefix: str) -> Iterator[Row]:
    """A row for each direction and depth, with a column for each language."""
    figures: dict[str, dict[str, str]] = defaultdict(dict)
    for column, value in row.items():
        if column.startswith(prefix):
            _, metric, language = column.split()
            if language != "avg":
                figures[metric][canonical_tag(language)] = value
    named = model_id(row["model"], row["version"])._asdict()
    for found, way in _DIRECTIONS.items():
        for k in _KS:
            yield {**named, "metric": f"{way}_r@{k}", **figures[f"{found}_retrieval_recall@{k}"]}


def _once(rows: Iterator[Row]) -> Iterator[Row]:
    """Without repeats: OpenAI's weights stand under two names.

    Raises:
        ValueError: two rows of one model and metric differ.
    """
    seen: dict[tuple[object, ...], Row] = {}
    for row in rows:
        what = (row["model"], row["pretrained"], row.get("metric"))
        if (before := seen.setdefault(what, row)) is row:
            yield row
        elif before != row:
            raise ValueError(f"two rows of {what} differ")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
