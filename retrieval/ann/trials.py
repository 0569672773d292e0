"""What searches find with some settings, for one kind of query: each is tried once.

The tuner aims at one recall after the other, and comes by the same settings each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.recall import QuerySet, Recall
from retrieval.ann.routing import RankedLists
from retrieval.model import Int64Array

CANDIDATE_STEPS = (
    *(20, 25, 30, 35, 40, 50, 60, 70, 80, 90),
    *(100, 120, 140, 160, 180, 200, 240, 280, 320, 360),
    *(400, 480, 560, 640, 720, 800, 960, 1120, 1280, 1440),
    *(1600, 1920, 2240, 2560, 2880, 3200),
)
"""Each at most 1.25 times the one before: wider steps overshoot the target, at a price."""

DEPTHS = (800, CANDIDATE_STEPS[-1])
"""Codes to gather: few at first, since gathering thousands takes longer than the scan."""

_AT_ONCE = 64
"""Queries that candidates are gathered for: of all together they would be 13 MB."""

_ABSENT = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Visits:
    """In which order queries visit the lists, and what they meet there; no codes are looked at.

    Attributes:
        places: (Q, k) place in a query's order of the list that holds each wanted item.
        scanned: (nlist,) codes in the first lists of the order, mean over queries.
    """

    places: Int64Array
    scanned: npt.NDArray[np.float64]

    def can_reach(self, target: float, nprobe: int) -> bool:
        """Whether the wanted items lie in the first lists at all."""
        return _is_reached(self.places < nprobe, target)

    def mean_scanned(self, nprobe: int) -> float:
        """Codes in the first lists."""
        return float(self.scanned[nprobe - 1])


class Trials:
    """Searches of one index for queries of one kind.

    Attributes:
        index: every part coded.
        queries: at least two.
    """

    def __init__(self, index: FanOut, queries: QuerySet) -> None:
        """Find the exact answers, unless they are known."""
        self.index = index
        self.queries = queries
        self._wanted = queries.answers(index)
        self._visits: dict[bool, Visits] = {}
        self._places: dict[SearchSettings, Int64Array] = {}

    def ranked_lists(self, settings: SearchSettings) -> list[RankedLists]:
        """The lists that each query may visit; floor and candidates do not count."""
        return self.index.ranked_lists(self.queries.vectors, settings, self.queries.parts)

    def visits(self, *, routed: bool) -> Visits:
        """The order of all lists, by the router or without."""
        if routed not in self._visits:
            self._visits[routed] = self._visited(routed=routed)
        return self._visits[routed]

    def fewest_candidates(
        self,
        target: float,
        settings: SearchSettings,
        lists: list[Int64Array],
        depths: Sequence[int] = DEPTHS,
    ) -> int | None:
        """The fewest candidates that reach a recall by one standard error; None if none do.

        Args:
            target: in (0, 1].
            settings: that the lists were ranked with, and their floor.
            lists: that each query visits.
            depths: codes to gather, more where these did not do; ascending.
        """
        for depth in depths:
            places = self._found(replace(settings, candidates=depth), lists)
            for candidates in CANDIDATE_STEPS:
                if candidates <= depth and _is_reached(places < candidates, target):
                    return candidates
        return None

    def _found(self, settings: SearchSettings, lists: list[Int64Array]) -> Int64Array:
        """Place of each wanted id among the candidates of its query, (Q, k)."""
        if settings not in self._places:
            blocks = (slice(at, at + _AT_ONCE) for at in range(0, len(lists), _AT_ONCE))
            self._places[settings] = np.vstack(
                [self._found_of(here, lists[here], settings.candidates) for here in blocks]
            )
        return self._places[settings]

    def _found_of(self, some: slice, lists: list[Int64Array], depth: int) -> Int64Array:
        found = self.index.candidate_ids(self.queries.vectors[some], lists, depth)
        return _places(found, self._wanted[some])

    def _visited(self, *, routed: bool) -> Visits:
        index, wanted = self.index, self._wanted
        lists = index.lists_of(index.positions_of(wanted.ravel())).reshape(wanted.shape)
        sizes = index.list_sizes()
        places = np.empty(wanted.shape, np.int64)
        scanned = np.zeros(index.nlist)
        ranked = self.ranked_lists(SearchSettings(index.nlist, 1, routed))
        for number, order in enumerate(each.above(0.0) for each in ranked):
            place = np.empty(index.nlist, np.int64)
            place[order] = np.arange(index.nlist)
            places[number] = place[lists[number]]
            scanned += np.cumsum(sizes[order])
        return Visits(places, scanned / len(wanted))


def _places(candidates: Int64Array, wanted: Int64Array) -> Int64Array:
    """Place of each wanted id among the candidates of its query, (Q, k)."""
    places = np.full(wanted.shape, _ABSENT)
    for row, (row_candidates, row_wanted) in enumerate(zip(candidates, wanted, strict=True)):
        order = np.argsort(row_candidates, kind="stable")
        at = np.searchsorted(row_candidates, row_wanted, sorter=order)
        at = order[np.minimum(at, len(order) - 1)]
        is_there = row_candidates[at] == row_wanted
        places[row, is_there] = at[is_there]
    return places


def _is_reached(is_found: npt.NDArray[np.bool_], target: float) -> bool:
    recall = Recall.of(is_found.mean(axis=1))
    return recall.mean - recall.standard_error >= target
