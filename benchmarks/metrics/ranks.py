"""The one primitive of the harness: the rank of the best right answer, with ties that are settled.

Items are ordered by score, descending; of equal scores the item of the smaller number goes first.
This is what a stable sort gives. `pessimistic` puts all that ties before the right answer: where it
differs, a figure rests on the order of a file.

Scores are cosines of float32 rows, summed in float64 and rounded to float32. A matrix product gives
most of them a little wrong, and a little otherwise for blocks of another size. So it only says what
is clear; what lies within its error of the right answer's score is worked out. Ranks are therefore
the same for every size of block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.model import Float32Array, Int64Array

_QUERIES, _ITEMS = 512, 8_192
"""A block of scores: 16 MB, and some times that in between."""

_UNSURE = np.float32(2e-5)
"""Twenty times the most that products of unit rows of 64 to 4,096 numbers were seen to be wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Positives:
    """The right answers of queries.

    Attributes:
        offsets: (Q + 1,) where those of each query begin, and where the last end.
        items: numbers of gallery items, ascending for each query.
    """

    offsets: Int64Array
    items: Int64Array

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> "Positives":
        """From one list a query.

        Raises:
            ValueError: a query has no right answer.
        """
        if not all(lists):
            raise ValueError("a query has no right answer")
        own = [sorted(set(each)) for each in lists]
        offsets = np.cumsum([0, *map(len, own)])
        return cls(offsets, np.array([item for each in own for item in each], np.int64))

    def __len__(self) -> int:
        """Queries."""
        return len(self.offsets) - 1

    @property
    def queries(self) -> Int64Array:
        """The query of each of `items`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Of every query the rank of its best right answer, from 1.

    Attributes:
        best: (Q,) int64, ties by number.
        pessimistic: (Q,) int64, what ties goes before, but for other right answers.
    """

    best: Int64Array
    pessimistic: Int64Array


def best_ranks(
    queries: Float32Array,
    gallery: Float32Array,
    positives: Positives,
    excluded: Int64Array | None = None,
) -> Ranks:
    """Rank the whole gallery for each query; memory does not grow with either.

    Args:
        queries: (Q, dim) unit rows.
        gallery: (G, dim) unit rows.
        positives: of Q queries.
        excluded: (Q,) an item that is left out of each ranking; -1 leaves out none.

    Raises:
        ValueError: the shapes do not fit, or a right answer is left out.
    """
    if queries.shape[1:] != gallery.shape[1:] or len(positives) != len(queries):
        raise ValueError(
            f"queries {queries.shape}, gallery {gallery.shape}, answers of {len(positives)}"
        )
    out = np.full(len(queries), -1, np.int64) if excluded is None else excluded
    if (out[positives.queries] == positives.items).any():
        raise ValueError("a right answer is left out")
    best, pessimistic = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    keys = positives.queries * len(gallery) + positives.items
    for start in range(0, len(queries), _QUERIES):
        block = np.arange(start, min(start + _QUERIES, len(queries)))
        items, scores = _best_of(queries, gallery, positives, block)
        above, before, level = _counts(queries, gallery, block, (items, scores, keys, out))
        best[block], pessimistic[block] = 1 + above + before, 1 + above + level
    return Ranks(best, pessimistic)


def exact_scores(queries: Float32Array, items: Float32Array) -> Float32Array:
    """The cosines of pairs of unit rows, (n, dim) and (n, dim) -> (n,), as ranks are made of."""
    sums = np.einsum("nd,nd->n", queries.astype(np.float64), items.astype(np.float64))
    scores: Float32Array = sums.astype(np.float32)
    return scores


def _best_of(
    queries: Float32Array, gallery: Float32Array, positives: Positives, block: Int64Array
) -> tuple[Int64Array, Float32Array]:
    """The right answer that scores most, the first of several, and its score; (b,) each."""
    first, last = positives.offsets[block[0]], positives.offsets[block[-1] + 1]
    items, owners = positives.items[first:last], positives.queries[first:last]
    scores = np.concatenate(
        [
            exact_scores(queries[owners[at : at + _ITEMS]], gallery[items[at : at + _ITEMS]])
            for at in range(0, len(items), _ITEMS)
        ]
    )
    order = np.lexsort((items, -scores, owners))
    heads = order[np.unique(owners[order], return_index=True)[1]]
    return items[heads], scores[heads]


def _counts(
    queries: Float32Array,
    gallery: Float32Array,
    block: Int64Array,
    answers: tuple[Int64Array, Float32Array, Int64Array, Int64Array],
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """How many items score more, tie with a smaller number, and tie without being right; (b,)."""
    items, scores, keys, excluded = answers
    above, before, level = (np.zeros(len(block), np.int64) for _ in range(3))
    rows = np.ascontiguousarray(queries[block])
    for start in range(0, len(gallery), _ITEMS):
        ahead = rows @ gallery[start : start + _ITEMS].T
        ahead -= scores[:, None]
        above += (ahead > _UNSURE).sum(axis=1)
        near, columns = np.nonzero(np.abs(ahead) <= _UNSURE)
        numbers = columns + start
        for at in range(0, len(near), _ITEMS):
            own, number = near[at : at + _ITEMS], numbers[at : at + _ITEMS]
            exact = exact_scores(rows[own], gallery[number])
            is_right = np.isin(block[own] * len(gallery) + number, keys)
            ties = (exact == scores[own]) & (number != items[own])
            _add(above, own, exact > scores[own])
            _add(before, own, ties & (number < items[own]))
            _add(level, own, ties & ~is_right)
        out = excluded[block]
        here = np.flatnonzero((out >= start) & (out < start + _ITEMS))
        if here.size:
            exact = exact_scores(rows[here], gallery[out[here]])
            ties = exact == scores[here]
            above[here] -= exact > scores[here]
            before[here] -= ties & (out[here] < items[here])
            level[here] -= ties
    return above, before, level


def _add(counts: Int64Array, rows: Int64Array, which: "np.typing.NDArray[np.bool_]") -> None:
    """Count the rows of those that are meant."""
    counts += np.bincount(rows[which], minlength=len(counts))
