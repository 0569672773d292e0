"""Time several ways to do one thing so that their ratio means something on a busy machine.

The arms take turns, call by call, so that load from outside hits all of them alike; the ratio of
medians from one interleaved run is what to report, never times from two runs.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of one arm over all rounds.

    Attributes:
        p50_ms: median.
        p95_ms: 95th percentile.
        rounds: number of timed calls.
    """

    p50_ms: float
    p95_ms: float
    rounds: int

    @classmethod
    def of(cls, durations_ns: list[int]) -> Self:
        """Summarise durations in nanoseconds, at least one."""
        p50, p95 = np.percentile(np.array(durations_ns) / 1e6, [50, 95])
        return cls(float(p50), float(p95), len(durations_ns))


def interleave(
    arms: Mapping[str, Callable[[int], object]],
    *,
    rounds: int,
    warm_up: int = 3,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, Timing]:
    """Call every arm once a round, in an order that turns by one each round.

    Args:
        arms: by name; each is called with the number of the round, so that all arms of a round can
            work on the same input.
        rounds: timed rounds, at least 1.
        warm_up: rounds before them, not timed.
        clock_ns: what times them; `time.process_time_ns` counts the processor time of all threads
            of this process, and leaves out most of what other programs take.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    names = list(arms)
    durations: dict[str, list[int]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            started_ns = clock_ns()
            arms[name](number % rounds)
            elapsed_ns = clock_ns() - started_ns
            if number >= 0:
                durations[name].append(elapsed_ns)
    return {name: Timing.of(durations[name]) for name in names}
