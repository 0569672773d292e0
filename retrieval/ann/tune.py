"""Choose how far an IVF-PQ search must look, and measure what it then finds, against exact search.

Recall here is the share of the exact k best that the search returns, mean over queries. Text
queries count on their own: lists trained on images route them badly (the modality gap), and an
average over both would hide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.ann.fanout import RECALL_DEPTH, FanOut, SearchSettings
from retrieval.model import Float32Array, Int64Array

TARGET_RECALL = 0.95

CANDIDATE_STEPS = (20, 30, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200)

_CODES_PER_CANDIDATE = 7
"""Fetching and re-scoring a vector takes as long as scanning about seven codes of a quarter of its
dimension (measured at 384 dimensions on one core: 0.3 us against 0.04 us)."""


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries of one modality.

    Attributes:
        vectors: (Q, dim) unit rows.
        excluded: for each query the ids that do not count, e.g. the item it was made from; or ().
    """

    vectors: Float32Array
    excluded: tuple[Int64Array, ...] = ()

    def halves(self) -> "tuple[QuerySet, QuerySet]":
        """The queries at even and at odd places: one half to tune on, one to measure on."""
        return (
            QuerySet(self.vectors[::2], self.excluded[::2]),
            QuerySet(self.vectors[1::2], self.excluded[1::2]),
        )


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


def choose_settings(index: FanOut, query_sets: Sequence[QuerySet]) -> SearchSettings:
    """The cheapest settings that reach TARGET_RECALL on every set of queries.

    Reached means by one standard error, so that other queries are likely to confirm it. Where no
    settings reach it, the widest are returned: all lists, the most candidates.

    Args:
        index: every part coded.
        query_sets: one for each modality.
    """
    wanted = [
        index.search(each.vectors, RECALL_DEPTH, None, each.excluded)[1] for each in query_sets
    ]
    codes_per_list = len(index.ids) / index.nlist
    best, best_cost = SearchSettings(index.nlist, CANDIDATE_STEPS[-1]), np.inf
    for nprobe in _nprobe_steps(index.nlist):
        scanned = nprobe * codes_per_list
        if scanned + _CODES_PER_CANDIDATE * CANDIDATE_STEPS[0] >= best_cost:
            break
        places = [
            _places(index.candidate_ids(each.vectors, CANDIDATE_STEPS[-1], nprobe), ids)
            for each, ids in zip(query_sets, wanted, strict=True)
        ]
        for candidates in CANDIDATE_STEPS:
            if all(_is_reached(each < candidates) for each in places):
                cost = scanned + _CODES_PER_CANDIDATE * candidates
                if cost < best_cost:
                    best, best_cost = SearchSettings(nprobe, candidates), cost
                break
    return best


def measure_recall(index: FanOut, settings: SearchSettings, queries: QuerySet) -> Recall:
    """Recall of `index.search` with these settings against exact search.

    Raises:
        ValueError: fewer than two queries.
    """
    if len(queries.vectors) < 2:
        raise ValueError("recall needs at least two queries")
    _, wanted = index.search(queries.vectors, RECALL_DEPTH, None, queries.excluded)
    _, found = index.search(queries.vectors, RECALL_DEPTH, settings, queries.excluded)
    hits = (found[:, :, None] == wanted[:, None, :]).any(axis=1)
    return Recall.of(hits.mean(axis=1))


def _nprobe_steps(nlist: int) -> list[int]:
    """From one list to all of them, each step about 1.4 times the one before."""
    halvings = 2 * nlist.bit_length()
    return sorted({min(nlist, round(2 ** (step / 2))) for step in range(halvings + 1)})


def _places(candidates: Int64Array, wanted: Int64Array) -> Int64Array:
    """Place of each wanted id among the candidates of its query, their number if absent, (Q, k)."""
    places = np.full(wanted.shape, candidates.shape[1])
    for row, (row_candidates, row_wanted) in enumerate(zip(candidates, wanted, strict=True)):
        order = np.argsort(row_candidates, kind="stable")
        at = np.searchsorted(row_candidates, row_wanted, sorter=order)
        at = order[np.minimum(at, len(order) - 1)]
        is_there = row_candidates[at] == row_wanted
        places[row, is_there] = at[is_there]
    return places


def _is_reached(is_found: npt.NDArray[np.bool_]) -> bool:
    recall = Recall.of(is_found.mean(axis=1))
    return recall.mean - recall.standard_error >= TARGET_RECALL
