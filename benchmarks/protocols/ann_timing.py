"""Ratios of speed from interleaved rounds, so that load from outside hits both sides alike."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.protocols.ann_baseline import Baseline, BaselineLostError
from benchmarks.systems.base import Setting
from benchmarks.systems.process import WorkerProcess

_ROUND_S = 0.3
"""Seconds that one side of a round may take, as far as its fewest calls allow."""

_FEWEST_CALLS, _MOST_CALLS = 3, 64


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison.

    Attributes:
        worker: an open system, or a baseline.
        queries: .npy file of float32 queries.
        k: answers to a query.
        batch: queries in one call.
        setting: of the search.
        parts: .npy file of what composed queries are the sums of.
    """

    worker: WorkerProcess | Baseline
    queries: Path
    k: int
    batch: int
    setting: Setting
    parts: Path | None = None

    def durations_ms(self, start: int, calls: int) -> list[float]:
        """Of so many calls, from a query on."""
        answer = self.worker.ask(
            "search",
            asked={
                "queries": str(self.queries),
                "parts": None if self.parts is None else str(self.parts),
                "k": self.k,
                "batch": self.batch,
                "modality": self.setting.modality,
                "value": self.setting.value,
                "start": start,
                "calls": calls,
            },
        )
        return [ns / 1e6 for ns in answer["ns"]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much faster one system is than another.

    Attributes:
        ratio: median over rounds of (its median time / our median time); None of a lost baseline.
        quartiles: first and third of that ratio over rounds; None likewise.
        ours_ms: median of all our calls.
    """

    ratio: float | None
    quartiles: tuple[float, float] | None
    ours_ms: float


def compare(baseline: Arm, ours: Arm, rounds: int) -> Comparison:
    """Time both in turns, in an order that changes each round; ours alone if the other is lost.

    Before, ours answers once all that it will be asked: pages are mapped and blocks checked, as in
    a process that has been serving for a while.

    Args:
        baseline: that ours is divided into.
        ours: the system.
        rounds: at least 1.

    Raises:
        BenchmarkError: ours failed.
    """
    try:
        return _in_turns(baseline, ours, rounds)
    except BaselineLostError:
        return _alone(ours, rounds)


def _in_turns(baseline: Arm, ours: Arm, rounds: int) -> Comparison:
    calls = {arm: _calls(arm) for arm in (baseline, ours)}
    ours.durations_ms(0, rounds * calls[ours])
    ratios, times = [], []
    for number in range(rounds):
        medians = {}
        for arm in (baseline, ours) if number % 2 else (ours, baseline):
            start = number * calls[arm] * arm.batch
            durations = arm.durations_ms(start, calls[arm])
            medians[arm] = float(np.median(durations))
            if arm is ours:
                times += durations
        ratios.append(medians[baseline] / medians[ours])
    low, middle, high = np.percentile(ratios, [25, 50, 75]).tolist()
    return Comparison(middle, (low, high), float(np.median(times)))


def _alone(ours: Arm, rounds: int) -> Comparison:
    calls = _calls(ours)
    ours.durations_ms(0, rounds * calls)
    times: list[float] = []
    for number in range(rounds):
        times += ours.durations_ms(number * calls * ours.batch, calls)
    return Comparison(None, None, float(np.median(times)))


def _calls(arm: Arm) -> int:
    """Calls a round that fill its time, by the second of two."""
    ms = arm.durations_ms(0, 2)[1]
    return max(_FEWEST_CALLS, min(_MOST_CALLS, int(1000 * _ROUND_S / ms)))
