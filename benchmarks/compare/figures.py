"""One figure of two sides: the difference, its interval, and whether it is more than noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from benchmarks.compare.values import KeptRanks, PerQuery
from benchmarks.metrics.bootstrap import PairedDifference, paired_difference
from benchmarks.metrics.seeds import MIN_SEEDS, Spread, seed_interval

Finding: TypeAlias = Literal["differs", "noise", "undecided", "no interval"]
"""differs: the interval does not hold 0. noise: it does. undecided: too few seeds. no interval: the
figure is not a mean over queries that are known."""

_RANKS = ("_median_rank", "_mean_rank")


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """A figure of two sides.

    Attributes:
        name: as in records.
        unit: "points" (shares times 100, rsum), or "ranks".
        a: of the first side, in the unit.
        b: of the second.
        difference: b less a.
        interval: of the difference, 95 %, over the choice of pictures; None where there is none.
        seed_interval: likewise, over the choice of seeds; None where nothing was trained.
        p_like: of the bootstrap, at least 2 / resamples; 1 where seeds say noise; None where
            nothing may be concluded.
        finding: what it comes to.
        reason: why nothing can be concluded; "" where something is.
    """

    name: str
    unit: str
    a: Spread
    b: Spread
    difference: float
    interval: tuple[float, float] | None
    seed_interval: tuple[float, float] | None
    p_like: float | None
    finding: Finding
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The records of one side of a pair: one, or one for each seed.

    Attributes:
        kept: their ranks.
        is_trained: whether they name the training that they come from.
    """

    kept: tuple[KeptRanks, ...]
    is_trained: bool

    def spread(self, name: str, factor: float) -> Spread:
        """A figure over the records."""
        return Spread.of([factor * each.record.figures[name] for each in self.kept])

    def per_query(self, name: str, factor: float) -> PerQuery | str:
        """What each query adds to a figure, in the mean over records; else why it is not known."""
        found: list[PerQuery] = []
        for each in self.kept:
            own = each.per_query(name)
            if isinstance(own, str):
                return own
            found.append(own)
        values = factor * np.mean([each.values for each in found], axis=0)
        return PerQuery(values, found[0].pictures)


def difference_of(name: str, a: Side, b: Side, resamples: int) -> FigureDifference:
    """One figure that both sides have.

    Args:
        name: of the figure.
        a: what is subtracted.
        b: what it is subtracted from.
        resamples: of the bootstrap.
    """
    factor = 1.0 if name.endswith(_RANKS) or name == "rsum" else 100.0
    unit = "ranks" if name.endswith(_RANKS) else "points"
    spreads = a.spread(name, factor), b.spread(name, factor)
    by_seeds = seed_interval(*spreads)
    drawn = _drawn(a.per_query(name, factor), b.per_query(name, factor), resamples)
    finding, reason, p_like = _finding(drawn, by_seeds)
    if lacking := _lacking_seeds(a, b):
        finding, reason, p_like = "undecided", lacking, None
    interval = None if isinstance(drawn, str) else (drawn.low, drawn.high)
    return FigureDifference(
        name,
        unit,
        *spreads,
        spreads[1].mean - spreads[0].mean,
        interval,
        by_seeds,
        p_like,
        finding,
        reason,
    )


def _drawn(a: PerQuery | str, b: PerQuery | str, resamples: int) -> PairedDifference | str:
    """What the bootstrap says; else why it cannot be asked."""
    if isinstance(a, str) or isinstance(b, str):
        return a if isinstance(a, str) else str(b)
    if not np.array_equal(a.pictures, b.pictures):
        return "the queries are not the same"
    if len(np.unique(a.pictures)) < 2:
        return "an interval needs two pictures"
    return paired_difference(a.values, b.values, a.pictures, resamples=resamples)


def _finding(
    drawn: PairedDifference | str, by_seeds: tuple[float, float] | None
) -> tuple[Finding, str, float | None]:
    """What a figure comes to, why not more, and what goes into Holm's steps."""
    if isinstance(drawn, str):
        return "no interval", drawn, None
    if _holds_zero(by_seeds):
        return "noise", "", 1.0
    p_like = max(drawn.p_like, 2 / drawn.resamples)
    return ("noise" if drawn.is_noise else "differs"), "", p_like


def _holds_zero(interval: tuple[float, float] | None) -> bool:
    return interval is not None and interval[0] <= 0 <= interval[1]


def _lacking_seeds(*sides: Side) -> str:
    """Why no difference of trained methods is called real; "" where it may be."""
    few: Sequence[int] = [
        len(each.kept) for each in sides if each.is_trained and len(each.kept) < MIN_SEEDS
    ]
    return f"needs {MIN_SEEDS} seeds, has {min(few)}" if few else ""
