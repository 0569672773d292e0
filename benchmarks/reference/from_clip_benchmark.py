"""CLIP_benchmark's own results, as tables of published figures: a second run of open_clip's models.

Only recall at 5, and not of Flickr8k, whose captions were those of its other splits too
(LAION-AI/CLIP_benchmark issue 48).
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.reference.models import model_id
from benchmarks.reference.writing import Row

FILE = "benchmark.csv"

_SETS = {"flickr30k": "flickr30k", "coco": "mscoco_captions"}
_DIRECTIONS = {"image": "t2i", "text": "i2t"}
_DIGITS = 6


def tables(folder: Path) -> Iterator[tuple[str, Sequence[Row]]]:
    """Names and rows of the tables of flickr30k and coco.

    Args:
        folder: with its `benchmark.csv`.
    """
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    for name, data_set in _SETS.items():
        rows = [
            model_id(row["model"], row["pretrained"])._asdict()
            | {
                f"{way}_r@5": round(float(row[f"{found}_retrieval_recall@5"]), _DIGITS)
                for found, way in _DIRECTIONS.items()
            }
            for row in given
            if row["dataset"] == data_set
        ]
        yield f"{name}.clip_benchmark", sorted(rows, key=str)
