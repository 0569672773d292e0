"""The one primitive of the harness: the ranks of right answers, with ties that are settled.

Items are ordered by score, descending; of equal scores the item of the smaller number goes first.
This is what a stable sort gives. `pessimistic` puts all that ties before the right answer: where it
differs, a figure rests on the order of a file. What a score is, and why ranks do not depend on the
size of blocks: `counting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.counting import WORK_BYTES, Sought, count, scores_of_pairs
from retrieval.model import Float32Array, Int64Array


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

    @classmethod
    def of_pairs(cls, queries: Int64Array, items: Int64Array, n_queries: int) -> "Positives":
        """From pairs (query, item) in any order, each as often as it likes.

        A query may have none here; what ranks all of them refuses that.
        """
        pairs = np.unique(np.column_stack([queries, items]).reshape(-1, 2), axis=0)
        sizes = np.bincount(pairs[:, 0], minlength=n_queries)
        return cls(np.concatenate([[0], np.cumsum(sizes)]), pairs[:, 1])

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


@dataclass(frozen=True, slots=True, eq=False)
class PositiveRanks:
    """Of every query the rank of each of its right answers, from 1.

    Attributes:
        positives: P right answers of Q queries.
        ranks: (P,) int64, ties by number: no two of a query are equal.
        above: (P,) how many items score more.
        level: (P,) how many others score the same.
    """

    positives: Positives
    ranks: Int64Array
    above: Int64Array
    level: Int64Array

    def among(self, positives: Positives) -> "PositiveRanks":
        """The ranks of some of them, which stay what they are.

        Args:
            positives: of the same queries; a query may have none.

        Raises:
            ValueError: one of them was not ranked.
        """
        width = max(self.positives.items.max(initial=0), positives.items.max(initial=0)) + 1
        known = self.positives.queries * width + self.positives.items
        wanted = positives.queries * width + positives.items
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        if len(positives) != len(self.positives) or (known[places] != wanted).any():
            raise ValueError("a right answer was not ranked")
        return PositiveRanks(positives, self.ranks[places], self.above[places], self.level[places])

    @property
    def best(self) -> Ranks:
        """The best of each query that has any."""
        order = np.lexsort((self.ranks, self.positives.queries))
        owners, heads = np.unique(self.positives.queries, return_index=True)
        best = order[heads]
        highest = np.zeros(len(self.positives), np.int64)
        highest[owners] = self.above[best]
        # Two of a query score the same if as many score more.
        level = self.above == highest[self.positives.queries]
        others = np.bincount(self.positives.queries[level], minlength=len(self.positives))
        worst = 1 + self.above[best] + self.level[best] - (others[owners] - 1)
        return Ranks(self.ranks[best], worst)


def best_ranks(
    queries: Float32Array,
    gallery: Float32Array,
    positives: Positives,
    excluded: Int64Array | None = None,
    *,
    work_bytes: int = WORK_BYTES,
) -> Ranks:
    """Rank the whole gallery for each query, for its best right answer.

    Args:
        queries: (Q, dim) unit rows.
        gallery: (G, dim) unit rows; may be a map of a file.
        positives: of Q queries.
        excluded: (Q,), or (Q, x) for several, items that are left out of each ranking; -1 leaves
            out none.
        work_bytes: what blocks may take; beside them stand some numbers for each right answer.

    Raises:
        ValueError: the shapes do not fit, a query has no right answer, one is left out or not in
            the gallery, or a row is not finite.
    """
    out = _checked(queries, gallery, positives, excluded)
    scores = scores_of_pairs(queries, gallery, positives.queries, positives.items)
    order = np.lexsort((positives.items, -scores, positives.queries))
    best = order[positives.offsets[:-1]]
    sought = Sought(np.arange(len(positives)), positives.items[best], scores[best])
    found = count(queries, gallery, sought, out, work_bytes=work_bytes)
    right = np.bincount(
        positives.queries[scores == sought.scores[positives.queries]], minlength=len(positives)
    )
    worst = 1 + found.above + found.level - (right - 1)
    return Ranks(1 + found.above + found.before, worst)


def positive_ranks(
    queries: Float32Array,
    gallery: Float32Array,
    positives: Positives,
    excluded: Int64Array | None = None,
    *,
    work_bytes: int = WORK_BYTES,
) -> PositiveRanks:
    """Rank the whole gallery for each query, for every one of its right answers.

    What it takes and raises is as in `best_ranks`.
    """
    out = _checked(queries, gallery, positives, excluded)
    owners = positives.queries
    scores = scores_of_pairs(queries, gallery, owners, positives.items)
    sought = Sought(owners, positives.items, scores)
    found = count(queries, gallery, sought, out, work_bytes=work_bytes)
    return PositiveRanks(positives, 1 + found.above + found.before, found.above, found.level)


def _checked(
    queries: Float32Array,
    gallery: Float32Array,
    positives: Positives,
    excluded: Int64Array | None,
) -> Int64Array | None:
    """What is left out, (Q, x), once all fits."""
    if queries.shape[1:] != gallery.shape[1:]:
        raise ValueError(f"queries {queries.shape}, gallery {gallery.shape}")
    _check_items(positives, len(queries), len(gallery))
    if (np.diff(positives.offsets) == 0).any():
        raise ValueError("a query has no right answer")
    if excluded is None:
        return None
    if len(excluded) != len(queries):
        raise ValueError(f"{len(queries)} queries, items left out of {len(excluded)}")
    out = excluded.reshape(len(queries), -1)
    if (out[positives.queries] == positives.items[:, None]).any():
        raise ValueError("a right answer is left out")
    return out


def _check_items(lists: Positives, n_queries: int, n_items: int) -> None:
    if len(lists) != n_queries:
        raise ValueError(f"{n_queries} queries, answers of {len(lists)}")
    if len(lists.items) and not 0 <= lists.items.min() <= lists.items.max() < n_items:
        raise ValueError(f"an item that is not among the gallery's {n_items}")
