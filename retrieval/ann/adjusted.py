"""Rank by cosine minus a penalty for each item, where searches find by cosine.

A search brings the best by cosine, more than were asked for; they are ranked again. Where every
item was scored, the answer is the ranking of all items: an item that was not brought has at most
the cosine of the last one that was, and at least the least penalty, so that it is known when none
of them can be among the k best, and otherwise twice as many are brought.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from retrieval.ann.exact import NO_ID, Ranking
from retrieval.model import Float32Array, Int64Array

OVER_FETCH = 5
"""Candidates by cosine for each hit by adjusted score. Codes have to find these, so a search that
goes by them costs as if five times as many hits had been asked for."""

MOST_OVER_FETCH = 40
"""As many at most, for queries that fewer may leave without a hit (see `search_adjusted`)."""

_LOW_SHARE = 0.01
_SAMPLED = 4_096
"""A search by codes reckons with the penalty that one in a hundred items falls below, in a sample:
with the least of all, nearly every query would go to the end."""

Search: TypeAlias = Callable[[Int64Array, int], Ranking]
"""Numbers of queries and a depth -> their best items by cosine; fewer than depth if no more are."""

PenaltyOf: TypeAlias = Callable[[Int64Array, Int64Array], Float32Array]
"""Numbers of queries, (q,), and ids, (q, w) -> what is taken off each; 0 for NO_ID."""


@dataclass(frozen=True, slots=True)
class Penalties:
    """What is taken off the cosine of each item.

    Attributes:
        ids: (n,) ascending.
        values: (n,) float32, finite.
    """

    ids: Int64Array
    values: Float32Array

    def of(self, ids: Int64Array) -> Float32Array:
        """The penalties of known items, in the shape of `ids`; 0 for NO_ID."""
        places = np.searchsorted(self.ids, np.where(ids == NO_ID, self.ids[0], ids))
        penalties: Float32Array = np.where(ids == NO_ID, np.float32(0), self.values[places])
        return penalties

    def least(self, *, is_exact: bool) -> np.float32:
        """What to reckon with for an item that a search has not brought, see `search_adjusted`."""
        return self.values.min() if is_exact else self._low()

    def _low(self) -> np.float32:
        """A penalty that about one item in a hundred falls below, from a sample."""
        sample = self.values[:: max(1, len(self.values) // _SAMPLED)]
        place = int(_LOW_SHARE * len(sample))
        return np.float32(np.partition(sample, place)[place])


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A ranking by adjusted score, descending, ties by id ascending.

    Attributes:
        scores: (Q, w) cosines, in the order of the adjusted scores.
        ids: (Q, w); NO_ID where there are no more.
        adjusted: (Q, w) scores less penalties, -inf where there is no item; NaN for queries that
            are ranked by score alone.
    """

    scores: Float32Array
    ids: Int64Array
    adjusted: Float32Array


def by_score(ranking: Ranking) -> Adjusted:
    """A ranking by score alone, of which nothing is adjusted."""
    scores, ids = ranking
    return Adjusted(scores, ids, np.full_like(scores, np.nan))


def assembled(found: Sequence[tuple[Int64Array, Adjusted]], n_queries: int) -> Adjusted:
    """One ranking of the queries from rankings of some of them, by their numbers."""
    width = max(each.ids.shape[1] for _, each in found)
    scores = np.full((n_queries, width), -np.inf, np.float32)
    ids = np.full((n_queries, width), NO_ID, np.int64)
    adjusted = np.full((n_queries, width), np.nan, np.float32)
    for numbers, each in found:
        own = each.ids.shape[1]
        scores[numbers, :own], ids[numbers, :own] = each.scores, each.ids
        adjusted[numbers, :own] = each.adjusted
    return Adjusted(scores, ids, adjusted)


def adjust(ranking: Ranking, penalties: Float32Array, k: int) -> Adjusted:
    """The k best of each row of a ranking by cosine, by adjusted score.

    Args:
        ranking: scores and ids, (Q, c).
        penalties: to take off, (Q, c).
        k: at least 1.

    Returns:
        The ranking, (Q, min(k, c)).
    """
    scores, ids = ranking
    adjusted = scores - penalties
    order = np.lexsort((ids, -adjusted))[:, :k]
    return Adjusted(
        np.take_along_axis(scores, order, 1),
        np.take_along_axis(ids, order, 1),
        np.take_along_axis(adjusted, order, 1),
    )


def search_adjusted(
    search: Search,
    n_queries: int,
    k: int,
    penalty_of: PenaltyOf,
    *,
    least: np.float32,
    is_exact: bool,
) -> Adjusted:
    """The k best items for each query by adjusted score; a query's answer depends on itself alone.

    Args:
        search: that finds by cosine.
        n_queries: how many queries there are.
        k: at least 1.
        penalty_of: any item that `search` can find.
        least: of all penalties, or of nearly all: `Penalties.least`.
        is_exact: whether `search` scores every item; then the answer is the ranking of all. One
            that goes by codes is asked for OVER_FETCH times k, and for twice as many, up to
            MOST_OVER_FETCH times k, while an item of a low penalty could still be among the best.
    """
    depth = OVER_FETCH * k
    every = np.arange(n_queries)
    ranking = search(every, depth)
    best = adjust(ranking, penalty_of(every, ranking[1]), k)
    numbers = _undecided(ranking, best, depth, least)
    while numbers.size and (is_exact or depth < MOST_OVER_FETCH * k):
        depth *= 2
        ranking = search(numbers, depth)
        found = adjust(ranking, penalty_of(numbers, ranking[1]), k)
        width = found.ids.shape[1]  # of these queries alone, it may be less than that of all
        best.scores[numbers, :width] = found.scores
        best.ids[numbers, :width] = found.ids
        best.adjusted[numbers, :width] = found.adjusted
        numbers = numbers[_undecided(ranking, found, depth, least)]
    return best


def _undecided(ranking: Ranking, best: Adjusted, depth: int, least: np.float32) -> Int64Array:
    """Rows in which an item of the penalty `least` that was not brought could be among the best.

    Rounding keeps order: of float32 numbers a <= b and p >= q, a - p is never above b - q.
    """
    scores, ids = ranking
    if ids.shape[1] < depth or not ids.size:
        return np.empty(0, np.int64)  # nothing was left out
    most = scores[:, -1] - least
    undecided: Int64Array = np.flatnonzero((ids[:, -1] != NO_ID) & (best.adjusted[:, -1] <= most))
    return undecided
