"""Choose how far an IVF-PQ search must look to find enough of what exact search finds.

Each kind of query has settings of its own: lists trained on images route texts badly (the modality
gap), and an average over both would hide it.
"""

from dataclasses import dataclass, replace

import numpy as np

from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.recall import QuerySet, mean_visits
from retrieval.ann.trials import CANDIDATE_STEPS, Trials
from retrieval.model import Int64Array

TARGET_RECALL = 0.95
"""What is aimed at where nobody says otherwise."""

_NS_PER_CODE_BYTE = {True: 0.09, False: 0.45}
_NS_PER_CANDIDATE_DIMENSION = 2.0
_NS_PER_LIST = 500.0
"""What a search spends, on one core: scanning a byte of a code in registers (True) or through a
table, fetching and re-scoring a candidate, starting on a list (benchmarks/perf/search_ratio.py,
docs/design/index.md). Only their ratios matter, and settings that cost about the same are equally
good: a model keeps the choice the same on every machine, a stopwatch would not."""

FLOOR_STEPS = tuple(2.0 ** (-step / 2) for step in range(6, 48))
"""Shares of the softmax over lists, descending: a list that falls below is not visited."""

_PATIENCE = 4
"""Floors in turn that are no gain, before no more are tried."""

_CAP_WITH_FLOOR = 2
"""Times the lists that a fixed number would take: a query that is unsure of its way may visit so
many. More change the mean nothing, and lengthen the slowest searches (docs/design/index.md)."""

CHEAP_NS = 450_000.0
"""What a search may cost by the model without a thought: less than encoding its text takes."""

_BEFORE_FLOORS = 1.5
"""Times of that that a fixed number of lists may cost: a floor may save the rest."""

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
    trials = Trials(index, queries)
    for higher in HIGHER_TARGETS:
        if higher > target:
            best = _best(trials, higher, most_ns=_BEFORE_FLOORS * CHEAP_NS)
            if best.cost_ns < CHEAP_NS:
                return best
    return _best(trials, target, most_ns=np.inf)


def _can_be_routed(trials: Trials) -> bool:
    return trials.index.has_router and any(any(each.is_foreign) for each in trials.queries.parts)


def _best(trials: Trials, target: float, *, most_ns: float) -> Choice:
    """The cheapest settings that reach a target for less than `most_ns`; else the widest."""
    best = Choice(SearchSettings(trials.index.nlist, CANDIDATE_STEPS[-1]), most_ns)
    for routed in (True, False) if _can_be_routed(trials) else (False,):
        best = _cheapest(trials, target, best, routed=routed)
    return best if best.cost_ns == most_ns else _with_floor(trials, target, best)


def _cheapest(trials: Trials, target: float, best: Choice, *, routed: bool) -> Choice:
    """The best choice so far, or a cheaper one that reaches the target."""
    visits = trials.visits(routed=routed)
    for nprobe in _nprobe_steps(trials.index.nlist):
        if not visits.can_reach(target, nprobe):
            continue
        fixed = _scan_ns(trials, visits.mean_scanned(nprobe), nprobe)
        if fixed + _rescoring_ns(trials, CANDIDATE_STEPS[0]) >= best.cost_ns:
            break
        asked = SearchSettings(nprobe, CANDIDATE_STEPS[-1], routed)
        lists = [each.above(0.0) for each in trials.ranked_lists(asked)]
        candidates = trials.fewest_candidates(target, asked, lists)
        if candidates is None:
            continue
        cost = fixed + _rescoring_ns(trials, candidates)
        if cost < best.cost_ns:
            best = Choice(replace(asked, candidates=candidates), cost)
    return best


def _with_floor(trials: Trials, target: float, best: Choice) -> Choice:
    """The best choice so far, or a cheaper one: more lists at most, but only those that are likely.

    A fixed number of lists is too many for a query that is sure of its way, too few for another.
    From the highest floor on that reaches the target each lower one needs fewer candidates, and
    scans more: they are tried until several in turn cost more than the best choice.
    """
    most = best.settings.candidates
    cap = min(trials.index.nlist, _CAP_WITH_FLOOR * best.settings.nprobe)
    asked = replace(best.settings, nprobe=cap)
    ranked = trials.ranked_lists(asked)

    def candidates_above(floor: float, lists: list[Int64Array]) -> int | None:
        return trials.fewest_candidates(target, replace(asked, floor=floor), lists, (most,))

    low, high = 0, len(FLOOR_STEPS)  # the first step that reaches the target lies in between
    while low < high:
        step = (low + high) // 2
        lists = [each.above(FLOOR_STEPS[step]) for each in ranked]
        if candidates_above(FLOOR_STEPS[step], lists) is None:
            low = step + 1
        else:
            high = step
    in_vain = 0
    for floor in FLOOR_STEPS[high:]:
        in_vain += 1
        lists = [each.above(floor) for each in ranked]
        fixed = _scan_ns(trials, *mean_visits(trials.index, lists))
        if in_vain > _PATIENCE or fixed + _rescoring_ns(trials, CANDIDATE_STEPS[0]) >= best.cost_ns:
            break
        candidates = candidates_above(floor, lists)
        if candidates is None:
            continue
        cost = fixed + _rescoring_ns(trials, candidates)
        if cost < best.cost_ns:
            best, in_vain = Choice(replace(asked, floor=floor, candidates=candidates), cost), 0
    return best


def _scan_ns(trials: Trials, scanned: float, visited: float) -> float:
    per_code = _NS_PER_CODE_BYTE[trials.index.is_fast] * trials.index.code_bytes
    return float(per_code * scanned + _NS_PER_LIST * visited)


def _rescoring_ns(trials: Trials, candidates: int) -> float:
    return float(_NS_PER_CANDIDATE_DIMENSION * trials.queries.vectors.shape[1] * candidates)


def _nprobe_steps(nlist: int) -> list[int]:
    """From one list to all of them, each step about 1.2 times the one before."""
    quarters = 4 * nlist.bit_length()
    return sorted({min(nlist, round(2 ** (step / 4))) for step in range(quarters + 1)})
