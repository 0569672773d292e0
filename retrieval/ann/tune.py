"""Choose how far an IVF-PQ search must look to find enough of what exact search finds.

Each kind of query has settings of its own: lists trained on images route texts badly (the modality
gap), and an average over both would hide it.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.recall import QuerySet, Recall, mean_visits
from retrieval.model import Int64Array

TARGET_RECALL = 0.95
"""What is aimed at where nobody says otherwise."""

CANDIDATE_STEPS = (
    *(20, 25, 30, 35, 40, 50, 60, 70, 80, 90),
    *(100, 120, 140, 160, 180, 200, 240, 280, 320, 360),
    *(400, 480, 560, 640, 720, 800, 960, 1120, 1280, 1440),
    *(1600, 1920, 2240, 2560, 2880, 3200),
)
"""Each at most 1.25 times the one before: wider steps overshoot the target, at a price."""

_FEW_CANDIDATES = 800

_NS_PER_CODE_BYTE = {True: 0.09, False: 0.45}
_NS_PER_CANDIDATE_DIMENSION = 2.0
_NS_PER_LIST = 500.0
"""What a search spends, on one core: scanning a byte of a code in registers (True) or through a
table, fetching and re-scoring a candidate, starting on a list (benchmarks/perf/search_ratio.py,
docs/design/index.md). Only their ratios matter, and settings that cost about the same are equally
good: a model keeps the choice the same on every machine, a stopwatch would not."""

FLOOR_STEPS = tuple(2.0 ** (-step / 2) for step in range(6, 48))
"""Shares of the softmax over lists, descending: a list that falls below is not visited."""

_CAP_WITH_FLOOR = 2
"""Times the lists that a fixed number would take: a query that is unsure of its way may visit so
many. More change the mean nothing, and lengthen the slowest searches (docs/design/index.md)."""

CHEAP_NS = 250_000.0
"""What a search may cost by the model without a thought: less than encoding its text takes."""

HIGHER_TARGETS = (0.998, 0.99, 0.98)


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings, and what a search with them costs.

    Attributes:
        settings: of the search.
        cost_ns: by the model above, to be compared with others only; infinite where the target is
            out of reach.
    """

    settings: SearchSettings
    cost_ns: float


def choose_settings(index: FanOut, queries: QuerySet, target: float = TARGET_RECALL) -> Choice:
    """The cheapest settings that reach a recall on these queries, with the router or without.

    Reached means by one standard error, so that other queries are likely to confirm it. Where a
    higher recall costs next to nothing (CHEAP_NS), it is aimed at instead: a small gallery is
    searched nearly exactly. Where no settings reach the target, the widest are returned: all lists,
    the most candidates.

    Args:
        index: every part coded.
        queries: at least two, of one kind.
        target: in (0, 1].
    """
    wanted = queries.answers(index)
    for higher in HIGHER_TARGETS:
        if higher > target:
            best = _best(index, queries, wanted, higher, most_ns=CHEAP_NS)
            if best.cost_ns < CHEAP_NS:
                return best
    return _best(index, queries, wanted, target, most_ns=np.inf)


def _can_be_routed(index: FanOut, queries: QuerySet) -> bool:
    return index.has_router and any(any(each.is_foreign) for each in queries.parts)


def _best(
    index: FanOut, queries: QuerySet, wanted: Int64Array, target: float, *, most_ns: float
) -> Choice:
    """The cheapest settings that reach a target for less than `most_ns`; else the widest."""
    best = Choice(SearchSettings(index.nlist, CANDIDATE_STEPS[-1]), most_ns)
    for routed in (True, False) if _can_be_routed(index, queries) else (False,):
        best = _cheapest(index, queries, wanted, target, best, routed=routed)
    return best if best.cost_ns == most_ns else _with_floor(index, queries, wanted, target, best)


def _cheapest(
    index: FanOut,
    queries: QuerySet,
    wanted: Int64Array,
    target: float,
    best: Choice,
    *,
    routed: bool,
) -> Choice:
    """The best choice so far, or a cheaper one that reaches the target."""
    visits = _Visits.of(index, queries, wanted, routed=routed)
    per_candidate = _NS_PER_CANDIDATE_DIMENSION * queries.vectors.shape[1]
    per_code = _NS_PER_CODE_BYTE[index.is_fast] * index.code_bytes
    for nprobe in _nprobe_steps(index.nlist):
        if not visits.can_reach(target, nprobe):
            continue
        fixed = per_code * visits.mean_scanned(nprobe) + _NS_PER_LIST * nprobe
        if fixed + per_candidate * CANDIDATE_STEPS[0] >= best.cost_ns:
            break
        asked = SearchSettings(nprobe, CANDIDATE_STEPS[-1], routed)
        ranked = index.ranked_lists(queries.vectors, asked, queries.parts)
        lists = [each.above(0.0) for each in ranked]
        candidates = _fewest_candidates(index, queries, wanted, target, lists)
        if candidates is None:
            continue
        cost = fixed + per_candidate * candidates
        if cost < best.cost_ns:
            best = Choice(SearchSettings(nprobe, candidates, routed), cost)
    return best


@dataclass(frozen=True, slots=True)
class _Visits:
    """In which order queries visit the lists, and what they meet there; no codes are looked at.

    Attributes:
        places: (Q, k) place in a query's order of the list that holds each wanted item.
        scanned: (nlist,) codes in the first lists of the order, mean over queries.
    """

    places: Int64Array
    scanned: npt.NDArray[np.float64]

    @classmethod
    def of(cls, index: FanOut, queries: QuerySet, wanted: Int64Array, *, routed: bool) -> "_Visits":
        lists = index.lists_of(index.positions_of(wanted.ravel())).reshape(wanted.shape)
        every = SearchSettings(index.nlist, 1, routed)
        sizes = index.list_sizes()
        places = np.empty(wanted.shape, np.int64)
        scanned = np.zeros(index.nlist)
        ranked = index.ranked_lists(queries.vectors, every, queries.parts)
        for number, order in enumerate(each.above(0.0) for each in ranked):
            place = np.empty(index.nlist, np.int64)
            place[order] = np.arange(index.nlist)
            places[number] = place[lists[number]]
            scanned += np.cumsum(sizes[order])
        return cls(places, scanned / len(wanted))

    def can_reach(self, target: float, nprobe: int) -> bool:
        """Whether the wanted items lie in the first lists at all."""
        return _is_reached(self.places < nprobe, target)

    def mean_scanned(self, nprobe: int) -> float:
        """Codes in the first lists."""
        return float(self.scanned[nprobe - 1])


def _fewest_candidates(
    index: FanOut, queries: QuerySet, wanted: Int64Array, target: float, lists: list[Int64Array]
) -> int | None:
    """The fewest candidates that reach the target in each query's lists; None if none do.

    Few are asked for first: gathering thousands of codes takes longer than the scan.
    """
    for depth in (_FEW_CANDIDATES, CANDIDATE_STEPS[-1]):
        candidates = _fewest(index, queries, wanted, target, lists, depth)
        if candidates is not None:
            return candidates
    return None


def _fewest(
    index: FanOut,
    queries: QuerySet,
    wanted: Int64Array,
    target: float,
    lists: list[Int64Array],
    depth: int,
) -> int | None:
    """The same, of at most `depth`."""
    places = _places(index.candidate_ids(queries.vectors, lists, depth), wanted)
    return next(
        (
            candidates
            for candidates in CANDIDATE_STEPS
            if candidates <= depth and _is_reached(places < candidates, target)
        ),
        None,
    )


def _with_floor(
    index: FanOut, queries: QuerySet, wanted: Int64Array, target: float, best: Choice
) -> Choice:
    """The best choice so far, or a cheaper one: more lists at most, but only those that are likely.

    A fixed number of lists is too many for a query that is sure of its way, too few for another.
    From the highest floor on that reaches the target each lower one needs fewer candidates: they
    are tried until the scan alone costs more than the best choice.
    """
    depth = best.settings.candidates
    cap = min(index.nlist, _CAP_WITH_FLOOR * best.settings.nprobe)
    asked = replace(best.settings, nprobe=cap)
    ranked = index.ranked_lists(queries.vectors, asked, queries.parts)
    low, high = 0, len(FLOOR_STEPS)  # the first step that reaches the target lies in between
    while low < high:
        step = (low + high) // 2
        lists = [each.above(FLOOR_STEPS[step]) for each in ranked]
        if _fewest(index, queries, wanted, target, lists, depth) is None:
            low = step + 1
        else:
            high = step
    for floor in FLOOR_STEPS[high:]:
        lists = [each.above(floor) for each in ranked]
        if _cost_ns(index, queries, lists, CANDIDATE_STEPS[0]) >= best.cost_ns:
            break
        candidates = _fewest(index, queries, wanted, target, lists, depth)
        if candidates is None:
            continue
        cost = _cost_ns(index, queries, lists, candidates)
        if cost < best.cost_ns:
            best = Choice(replace(asked, floor=floor, candidates=candidates), cost)
    return best


def _cost_ns(index: FanOut, queries: QuerySet, lists: list[Int64Array], candidates: int) -> float:
    scanned, visited = mean_visits(index, lists)
    per_candidate = _NS_PER_CANDIDATE_DIMENSION * queries.vectors.shape[1]
    per_code = _NS_PER_CODE_BYTE[index.is_fast] * index.code_bytes
    return float(per_code * scanned + _NS_PER_LIST * visited + per_candidate * candidates)


def _nprobe_steps(nlist: int) -> list[int]:
    """From one list to all of them, each step about 1.2 times the one before."""
    quarters = 4 * nlist.bit_length()
    return sorted({min(nlist, round(2 ** (step / 4))) for step in range(quarters + 1)})


def _places(candidates: Int64Array, wanted: Int64Array) -> Int64Array:
    """Place of each wanted id among the candidates of its query, their number if absent, (Q, k)."""
    places = np.full(wanted.shape, np.iinfo(np.int64).max)
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
