"""Spread over seeds, and the interval that seeds leave."""

import math

import numpy as np
import pytest

from benchmarks.metrics.seeds import _T_975, Spread, seed_interval


def test_mean_deviation_and_range():
    found = Spread.of([1.0, 2.0, 6.0])
    assert (found.mean, found.least, found.most, found.n) == (3.0, 1.0, 6.0, 3)
    assert found.sd == pytest.approx(7**0.5)
    assert Spread.of([2.0]) == Spread(2.0, None, 2.0, 2.0, 1)


def test_what_was_not_trained_has_no_interval():
    assert seed_interval(Spread.of([1.0]), Spread.of([2.0])) is None


def test_against_one_figure_it_is_the_interval_of_a_mean():
    """Mean 3, variance 7 / 3, two degrees of freedom: 3 +- 4.303 * sqrt(7 / 3)."""
    half = 4.303 * (7 / 3) ** 0.5
    found = seed_interval(Spread.of([1.0]), Spread.of([1.0, 2.0, 6.0]))
    assert found == pytest.approx((2 - half, 2 + half))


def test_unequal_variances_have_fewer_degrees_of_freedom():
    """Variances 1 / 2 and 4 of a mean, one degree each: (4.5)^2 / (.25 + 16) = 1.2, so one."""
    found = seed_interval(Spread.of([0.0, 2**0.5]), Spread.of([0.0, 4.0]))
    middle, half = 2 - 2**0.5 / 2, 12.706 * 4.5**0.5
    assert found == pytest.approx((middle - half, middle + half))


def test_seeds_that_agree_leave_no_doubt():
    assert seed_interval(Spread.of([1.0, 1.0]), Spread.of([3.0, 3.0])) == (2.0, 2.0)


@pytest.mark.parametrize("freedom", _T_975)
def test_the_table_is_that_of_student(freedom):
    """Half of the density beyond the quantile, by the trapezoidal rule in an angle."""
    angles = np.linspace(0, math.atan(_T_975[freedom] / freedom**0.5), 100_001)
    density = np.cos(angles) ** (freedom - 1)
    gamma = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    share = math.exp(gamma) / math.pi**0.5 * np.trapezoid(density, angles)
    assert share == pytest.approx(0.475, abs=5e-5)
