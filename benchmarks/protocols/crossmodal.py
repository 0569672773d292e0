"""Texts find pictures, and pictures find texts: recall at 1, 5 and 10 both ways.

The score is the cosine of float32 unit rows; every picture (every text) of the split is in the
gallery; a picture is answered by any of its texts. Definitions: docs/benchmarks.md.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.datasets.base import Crossmodal
from benchmarks.datasets.subset import only
from benchmarks.metrics.ranks import Positives, best_ranks
from benchmarks.metrics.retrieval import figures_of_ranks
from benchmarks.protocols.evaluation import KS, Evaluation
from retrieval.model import Float32Array, Int64Array


def evaluate_crossmodal(
    data: Crossmodal, pictures: Float32Array, texts: Float32Array
) -> Evaluation:
    """Rank everything for everything.

    Args:
        data: n pictures, m texts.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
    """
    asked = {
        "t2i": (texts, pictures, Positives.of([[row] for row in data.picture_of.tolist()])),
        "i2t": (pictures, texts, Positives.of(texts_of(data))),
    }
    figures: dict[str, float] = {}
    ranks: dict[str, Int64Array] = {}
    for direction, (queries, gallery, positives) in asked.items():
        found = best_ranks(queries, gallery, positives)
        ranks[direction] = found.best
        figures |= figures_of_ranks(found, KS, direction)
    figures["rsum"] = 100 * sum(figures[f"{way}_r@{k}"] for way in asked for k in KS)
    counts = {f"{way}_queries": len(each) for way, each in ranks.items()}
    return Evaluation(figures, counts, ranks, pictures={"t2i": data.picture_of})


def evaluate_padded(data: Crossmodal, pictures: Float32Array, texts: Float32Array) -> Evaluation:
    """Texts find their pictures among others that belong to no text.

    Args:
        data: n pictures, m texts.
        pictures: (more than n, dim) unit rows, its own first.
        texts: (m, dim) unit rows.
    """
    own = Positives.of([[row] for row in data.picture_of.tolist()])
    found = best_ranks(texts, pictures, own)
    figures = figures_of_ranks(found, KS, "t2i")
    counts, pictures_of = {"t2i_queries": len(texts)}, {"t2i": data.picture_of}
    return Evaluation(figures, counts, {"t2i": found.best}, pictures=pictures_of)


def evaluate_folds(data: Crossmodal, pictures: Float32Array, texts: Float32Array) -> Evaluation:
    """The same in each of the folds of the pictures, consecutive and equal; then the mean.

    Args:
        data: a number of pictures that its folds divide.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
    """
    found: list[Evaluation] = []
    asked_of: list[Int64Array] = []
    for rows, part in _folds(data):
        own = np.isin(data.picture_of, rows)
        found.append(evaluate_crossmodal(part, pictures[rows], texts[own]))
        asked_of.append(data.picture_of[own])
    names = found[0].figures
    figures = {name: float(np.mean([each.figures[name] for each in found])) for name in names}
    ranks = {way: np.concatenate([each.ranks[way] for each in found]) for way in found[0].ranks}
    counts = {f"{way}_queries": len(each) for way, each in ranks.items()}
    return Evaluation(figures, counts, ranks, pictures={"t2i": np.concatenate(asked_of)})


def texts_of(data: Crossmodal) -> list[list[int]]:
    """The rows of each picture's texts."""
    own: list[list[int]] = [[] for _ in data.pictures]
    for text, picture in enumerate(data.picture_of.tolist()):
        own[picture].append(text)
    return own


def _folds(data: Crossmodal) -> Iterator[tuple[Int64Array, Crossmodal]]:
    for rows in np.split(np.arange(len(data.pictures)), data.folds):
        kept = np.zeros(len(data.pictures), np.bool_)
        kept[rows] = True
        yield rows, only(data, kept)
