"""Texts find pictures, and pictures find texts: recall at 1, 5 and 10 both ways, and more.

The score is the cosine of float32 unit rows; every picture (every text) of the split is in the
gallery; a picture is answered by any of its texts. Definitions: docs/benchmarks.md.

Right answers that others found (`Crossmodal.more`) have figures of their own, over the queries that
have such: ECCV Caption's are asked one way each, and with CxC's they stand for themselves, as the
package eccv_caption has it. A picture with the same words as another counts beside one's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.base import Crossmodal
from benchmarks.datasets.subset import only
from benchmarks.metrics.ranks import Positives, positive_ranks
from benchmarks.protocols.answers import Answers, with_bounds
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.figures import WAYS, crossmodal_figures
from retrieval.model import Float32Array, Int64Array

_WHOLE = frozenset({"eccv", "cxc"})
"""Lists that hold all that is right for a query; others are added to its own."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One direction.

    Attributes:
        queries: (Q, dim) unit rows.
        gallery: (G, dim) unit rows.
        own: right answers of the data set.
        further: those that others found, by name; a query may have none.
    """

    queries: Float32Array
    gallery: Float32Array
    own: Positives
    further: Mapping[str, Positives]

    def answers(self) -> tuple[Answers, dict[str, Answers]]:
        """The ranks of all of them; the gallery is gone through once."""
        lists = [self.own, *self.further.values()]
        union = Positives.of_pairs(
            np.concatenate([each.queries for each in lists]),
            np.concatenate([each.items for each in lists]),
            len(self.queries),
        )
        found = positive_ranks(self.queries, self.gallery, union)
        further = {name: Answers.of(found.among(own)) for name, own in self.further.items()}
        return Answers.of(found.among(self.own)), further


def evaluate_crossmodal(
    data: Crossmodal, pictures: Float32Array, texts: Float32Array
) -> Evaluation:
    """Rank everything for everything.

    Args:
        data: n pictures, m texts.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
    """
    ranks: dict[str, Int64Array] = {}
    counts: dict[str, int] = {}
    for way in WAYS:
        own, further = _asked(data, pictures, texts, way).answers()
        ranks |= own.arrays(way)
        counts[f"{way}_queries"] = own.n_queries
        for name, answers in further.items():
            counts[f"{way}_{name}_queries"] = answers.n_queries
            if answers.n_queries:
                ranks |= answers.arrays(f"{way}_{name}", is_own=False)
    return _evaluation(ranks, counts, data.picture_of)


def evaluate_padded(data: Crossmodal, pictures: Float32Array, texts: Float32Array) -> Evaluation:
    """Texts find their pictures among others that belong to no text.

    Args:
        data: n pictures, m texts.
        pictures: (more than n, dim) unit rows, its own first.
        texts: (m, dim) unit rows.
    """
    own = Positives.of_pairs(np.arange(len(texts)), data.picture_of, len(texts))
    found = Answers.of(positive_ranks(texts, pictures, own))
    return _evaluation(found.arrays("t2i"), {"t2i_queries": len(texts)}, data.picture_of)


def evaluate_folds(data: Crossmodal, pictures: Float32Array, texts: Float32Array) -> Evaluation:
    """The same in each of the folds of the pictures, consecutive and equal; then the mean.

    Right answers that others found lie in other folds, too, and are not asked for.

    Args:
        data: a number of pictures that its folds divide.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
    """
    found: dict[str, list[Answers]] = {way: [] for way in WAYS}
    asked_of: list[Int64Array] = []
    for rows, part in _folds(data):
        own = np.isin(data.picture_of, rows)
        for way in WAYS:
            asked = _asked(part, pictures[rows], texts[own], way)
            found[way].append(Answers.of(positive_ranks(asked.queries, asked.gallery, asked.own)))
        asked_of.append(data.picture_of[own])
    ranks: dict[str, Int64Array] = {}
    counts: dict[str, int] = {}
    for way, parts in found.items():
        whole = Answers.joined(parts)
        ranks |= whole.arrays(way) | with_bounds(way, [each.n_queries for each in parts])
        counts[f"{way}_queries"] = whole.n_queries
    return _evaluation(ranks, counts, np.concatenate(asked_of))


def _evaluation(
    ranks: Mapping[str, Int64Array], counts: Mapping[str, int], picture_of: Int64Array
) -> Evaluation:
    return Evaluation(crossmodal_figures(ranks), counts, ranks, pictures={"t2i": picture_of})


def _asked(data: Crossmodal, pictures: Float32Array, texts: Float32Array, way: str) -> _Asked:
    """One direction of a data set."""
    pairs = np.column_stack([np.arange(len(data.texts)), data.picture_of])
    further = {}
    for name, others in data.more.items():
        base, asked = _name_and_way(name)
        if asked in ("", way):
            whole = others if base in _WHOLE else np.concatenate([pairs, others])
            further[base] = _positives(whole, way, data)
    queries, gallery = (texts, pictures) if way == "t2i" else (pictures, texts)
    return _Asked(queries, gallery, _positives(pairs, way, data), further)


def _positives(pairs: Int64Array, way: str, data: Crossmodal) -> Positives:
    """Of pairs (text row, picture row), (p, 2)."""
    if way == "t2i":
        return Positives.of_pairs(pairs[:, 0], pairs[:, 1], len(data.texts))
    return Positives.of_pairs(pairs[:, 1], pairs[:, 0], len(data.pictures))


def _name_and_way(name: str) -> tuple[str, str]:
    """A name of pairs as figures have it, and the one way that it is asked; "" is both."""
    base, _, way = name.rpartition("_")
    whole = (base, way) if way in WAYS else (name, "")
    return whole[0].replace(" ", "_"), whole[1]


def _folds(data: Crossmodal) -> Iterator[tuple[Int64Array, Crossmodal]]:
    for rows in np.split(np.arange(len(data.pictures)), data.folds):
        kept = np.zeros(len(data.pictures), np.bool_)
        kept[rows] = True
        yield rows, only(data, kept)
