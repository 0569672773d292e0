"""Figures of the same method trained from several seeds: mean, spread, and what they leave open.

Source: Y. Rao et al., "Where Does the Performance Improvement Come From? A Reproducibility Concern
about Image-Text Retrieval", SIGIR 2022: over ten seeds R@1 of one method ranges over 1.2 to 5.9
points, more than most methods gain.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

MIN_SEEDS = 5
"""Of a trained method, before a difference is called one of the method."""

_T_975 = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262,
    10: 2.228, 12: 2.179, 15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980,
}  # fmt: skip
"""97.5 % quantiles of Student's t by degrees of freedom (Student, "The Probable Error of a Mean",
Biometrika 6, 1908; printed in every table of statistics)."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over seeds; of what was not trained, the figure itself.

    Attributes:
        mean: over the seeds, in the figure's unit.
        sd: sample standard deviation (n - 1); None of a single one.
        least: of all.
        most: of all.
        n: seeds, at least 1.
    """

    mean: float
    sd: float | None
    least: float
    most: float
    n: int

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """Of the figure of each seed, at least one."""
        sd = stdev(figures) if len(figures) > 1 else None
        return cls(fmean(figures), sd, min(figures), max(figures), len(figures))


def seed_interval(first: Spread, second: Spread) -> tuple[float, float] | None:
    """The 95 % interval of the second mean less the first, as the choice of seeds leaves it.

    A side with a single figure adds nothing: it was not trained. None where no side has several.

    Source: B. L. Welch, "The Generalization of Student's Problem when Several Different Population
    Variances are Involved", Biometrika 34, 1947; degrees of freedom after F. E. Satterthwaite,
    1946, and those of `_T_975` that are next below.
    """
    parts = [(each.sd**2 / each.n, each.n - 1) for each in (first, second) if each.sd is not None]
    if not parts:
        return None
    difference, variance = second.mean - first.mean, sum(part for part, _ in parts)
    if variance == 0:
        return difference, difference
    freedom = variance**2 / sum(part**2 / own for part, own in parts)
    half = _t_975(freedom) * math.sqrt(variance)
    return difference - half, difference + half


def _t_975(freedom: float) -> float:
    return _T_975[max((each for each in _T_975 if each <= freedom + 1e-9), default=1)]
