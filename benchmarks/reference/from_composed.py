"""Figures of composed image retrieval, collected by hand, as values with their sources."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.reference.keys import UNSTATED
from benchmarks.reference.writing import Row

FILE = "cir_reference.json"


class _Column(NamedTuple):
    """Where the figures of one data set stand in the collected rows."""

    given: str
    split: str
    metrics: tuple[str, ...]


_COLUMNS = {
    "circo": (
        _Column("circo_test_mAP@5/10/25/50", "test", ("map@5", "map@10", "map@25", "map@50")),
    ),
    "cirr": (
        _Column("cirr_test_R@1/5/10/50", "test1", ("r@1", "r@5", "r@10", "r@50")),
        _Column("cirr_test_Rsubset@1/2/3", "test1", ("subset_r@1", "subset_r@2", "subset_r@3")),
    ),
    "fashioniq": (_Column("fashioniq_val_avg_R@10/50", "val", ("r@10", "r@50")),),
}

_PER_CATEGORY = "fashioniq_val_per_cat_R@10/50"

_SOURCES = {
    "table copied in AutoCIR paper": "autocir",
    "Slerp (arXiv 2405.00571) notes": "slerp",
    "google-deepmind/magiclens README": "magiclens",
    "fuxianghuang1/Multimodal-Composite-Editing-and-Retrieval README": "composing_survey",
    "writer's memory": "memory",
}

_MODELS = {
    "CLIP ViT-B/32": ("ViT-B-32", "openai"),
    "CLIP ViT-B/16": ("ViT-B-16", "openai"),
    "CLIP ViT-L/14": ("ViT-L-14", "openai"),
}
"""The others have weights that the tables do not name."""

_PLAIN = ("image-only", "text-only", "image+text")
"""Methods that ask with the words as they stand; the others put them into a sentence of theirs."""


def values(folder: Path) -> Iterator[tuple[str, str, Sequence[Row]]]:
    """Data set, file it is made from, and rows, of circo, cirr and fashioniq."""
    given = json.loads((folder / FILE).read_text(encoding="utf-8"))
    for data_set in _COLUMNS:
        yield data_set, FILE, [each for row in given for each in _rows(row, data_set)]


def _rows(row: Mapping[str, Any], data_set: str) -> Iterator[Row]:
    model, pretrained = _MODELS.get(row["backbone"], (row["backbone"], ""))
    of_memory = data_set == "circo" and "CIRCO row is from" in row["note"]
    about = {
        "method": row["method"],
        "model": model,
        "pretrained": pretrained,
        "source": "memory" if of_memory else _SOURCES[row["source"]],
        "prompt": "" if row["method"] in _PLAIN else UNSTATED,
        "training": "fine-tuned" if row["setting"] == "supervised" else "zero-shot",
    }
    note = "" if "CIRCO row" in row["note"] else row["note"]
    for split, figures in _figures(row, data_set):
        yield {**about, "split": split, "note": note, "figures": figures}


def _figures(row: Mapping[str, Any], data_set: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Splits and what was measured on them; a category of FashionIQ is a split of its own."""
    columns = _COLUMNS[data_set]
    told = [
        (metric, value)
        for column in columns
        for metric, value in zip(column.metrics, row[column.given] or (), strict=False)
        if value is not None
    ]
    if told:
        yield columns[0].split, dict(told)
    if data_set == "fashioniq":
        for category, pair in (row[_PER_CATEGORY] or {}).items():
            yield f"val {category}", dict(zip(columns[0].metrics, pair, strict=True))
