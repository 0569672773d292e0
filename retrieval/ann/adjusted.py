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
from retrieval.ann.rescoring import fitted
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

    @property
    def low(self) -> np.float32:
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


def stacked(found: Sequence[Adjusted]) -> Adjusted:
    """One ranking of the queries of several, one after the other, as wide as the widest."""
    width = max(each.ids.shape[1] for each in found)
    rankings = [fitted((each.scores, each.ids), width) for each in found]
    adjusted = [fitted((each.adjusted, each.ids), width)[0] for each in found]
    scores, ids = (np.vstack(each) for each in zip(*rankings, strict=True))
    return Adjusted(scores, ids, np.vstack(adjusted))


def adjust(ranking: Ranking, penalties: Penalties, k: int) -> Adjusted:
    """The k best of each row of a ranking by cosine, by adjusted score.

    Args:
        ranking: scores and ids, (Q, c), of items that all have a penalty.
        penalties: to take off.
        k: at least 1.

    Returns:
        The ranking, (Q, min(k, c)).
    """
    scores, ids = ranking
    adjusted = scores - penalties.of(ids)
    order = np.lexsort((ids, -adjusted))[:, :k]
    return Adjusted(
        np.take_along_axis(scores, order, 1),
        np.take_along_axis(ids, order, 1),
        np.take_along_axis(adjusted, order, 1),
    )


def search_adjusted(
    search: Search, n_queries: int, k: int, penalties: Penalties, *, is_exact: bool
) -> Adjusted:
    """The k best items for each query by adjusted score; a query's answer depends on itself alone.

    Args:
        search: that finds by cosine.
        n_queries: how many queries there are.
        k: at least 1.
        penalties: of all items that `search` can find; at least one.
        is_exact: whether `search` scores every item; then the answer is the ranking of all. One
            that goes by codes is asked for OVER_FETCH times k, and for twice as many, up to
            MOST_OVER_FETCH times k, while an item of a low penalty could still be among the best.
    """
    depth = OVER_FETCH * k
    ranking = search(np.arange(n_queries), depth)
    best = adjust(ranking, penalties, k)
    least = penalties.values.min() if is_exact else penalties.low
    numbers = _undecided(ranking, best, depth, least)
    while numbers.size and (is_exact or depth < MOST_OVER_FETCH * k):
        depth *= 2
        ranking = search(numbers, depth)
        found = adjust(ranking, penalties, k)
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
