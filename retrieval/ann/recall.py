"""Sets of queries, and what an approximate search finds and costs for them.

Recall here is the share of the exact k best that the search returns, mean over queries.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrieval.ann.fanout import RECALL_DEPTH, FanOut, SearchSettings
from retrieval.ann.rescoring import fitted
from retrieval.ann.routing import QueryParts
from retrieval.model import Float32Array, Int64Array

_TIMED_QUERIES = 50

_A_PASS = 512
"""Queries that one pass over the gallery answers exactly: of all at once, scores and copies would
take 15 MB more."""


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries of one kind.

    Attributes:
        vectors: (Q, dim) unit rows.
        excluded: for each query the ids that do not count, e.g. the item it was made from; or ().
        parts: for each query what decides which lists it visits; or ().
        wanted: (Q, k) ids of the exact k best, where `with_answers` has looked; else None.
    """

    vectors: Float32Array
    excluded: tuple[Int64Array, ...] = ()
    parts: tuple[QueryParts, ...] = ()
    wanted: Int64Array | None = None

    def halves(self) -> "tuple[QuerySet, QuerySet]":
        """The queries at even and at odd places: one half to tune on, one to measure on."""
        return self._every_second(0), self._every_second(1)

    def _every_second(self, first: int) -> "QuerySet":
        here = slice(first, None, 2)
        wanted = None if self.wanted is None else self.wanted[here]
        return QuerySet(self.vectors[here], self.excluded[here], self.parts[here], wanted)

    def answers(self, index: FanOut) -> Int64Array:
        """The exact k best of each query, (Q, k), k = RECALL_DEPTH or less in a small gallery."""
        if self.wanted is not None:
            return self.wanted
        blocks = (slice(at, at + _A_PASS) for at in range(0, max(1, len(self.vectors)), _A_PASS))
        found = [
            index.search(self.vectors[own], RECALL_DEPTH, None, self.excluded[own])
            for own in blocks
        ]
        width = max(ids.shape[1] for _, ids in found)
        return np.vstack([fitted(ranking, width)[1] for ranking in found])


def with_answers(index: FanOut, sets: Mapping[str, QuerySet]) -> dict[str, QuerySet]:
    """The same sets with their exact answers."""
    return {name: replace(each, wanted=each.answers(index)) for name, each in sets.items()}


@dataclass(frozen=True, slots=True)
class Recall:
    """Mean recall at RECALL_DEPTH over queries, and the standard error of that mean."""

    mean: float
    standard_error: float
    n_queries: int

    @classmethod
    def of(cls, per_query: npt.NDArray[np.float64]) -> "Recall":
        """From the recall of each query, at least two."""
        n_queries = len(per_query)
        deviation = float(per_query.std(ddof=1))
        return cls(float(per_query.mean()), deviation / n_queries**0.5, n_queries)


def measure_recall(index: FanOut, settings: SearchSettings, queries: QuerySet) -> Recall:
    """Recall of `index.search` with these settings against exact search.

    Raises:
        ValueError: fewer than two queries.
    """
    if len(queries.vectors) < 2:
        raise ValueError("recall needs at least two queries")
    wanted = queries.answers(index)
    _, found = index.search(
        queries.vectors, RECALL_DEPTH, settings, queries.excluded, queries.parts
    )
    hits = (found[:, :, None] == wanted[:, None, :]).any(axis=1)
    return Recall.of(hits.mean(axis=1))


def mean_visits(index: FanOut, visited: Sequence[Int64Array]) -> tuple[float, float]:
    """Codes that searches of these lists look at, and lists; means over queries."""
    sizes = index.list_sizes()
    scanned = [sizes[lists].sum() for lists in visited]
    return float(np.mean(scanned)), float(np.mean([len(lists) for lists in visited]))


def measure_ms(index: FanOut, settings: SearchSettings, queries: QuerySet) -> float:
    """Median time of a search for one query, in milliseconds, on this machine as it is now."""
    taken_ns = []
    for number in range(min(_TIMED_QUERIES, len(queries.vectors))):
        here = slice(number, number + 1)
        started_ns = time.perf_counter_ns()
        index.search(
            queries.vectors[here],
            RECALL_DEPTH,
            settings,
            queries.excluded[here],
            queries.parts[here],
        )
        taken_ns.append(time.perf_counter_ns() - started_ns)
    return float(np.median(taken_ns)) / 1e6
