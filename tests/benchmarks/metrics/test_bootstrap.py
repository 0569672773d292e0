"""The paired bootstrap: by hand, beside the textbook, and what it says of equal runs."""

import numpy as np
import pytest

from benchmarks.metrics import bootstrap
from benchmarks.metrics.bootstrap import paired_difference

PICTURES = np.arange(400)


def test_two_pictures_by_hand():
    """Of two pictures a resample has both (0.5), twice the first (0) or twice the second (1)."""
    found = paired_difference(np.zeros(2), np.array([0.0, 1.0]), np.array([7, 3]))
    assert (found.difference, found.low, found.high) == (0.5, 0.0, 1.0)
    assert found.is_noise
    assert found.p_like == pytest.approx(2 / 4, abs=0.03)  # a quarter is at zero


def test_the_mean_is_over_queries_and_not_over_pictures():
    values = np.array([1.0, 1.0, 1.0, 0.0])
    found = paired_difference(np.zeros(4), values, np.array([0, 0, 0, 1]))
    assert found.difference == 0.75


def test_of_independent_queries_it_is_the_textbooks_interval():
    """Half-width 1.96 standard errors of the mean."""
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 400))
    found = paired_difference(first, second + 0.1, PICTURES)
    change = second + 0.1 - first
    half = 1.96 * change.std() / 20
    assert found.low == pytest.approx(change.mean() - half, abs=0.05 * half)
    assert found.high == pytest.approx(change.mean() + half, abs=0.05 * half)


def test_captions_of_one_picture_count_as_one():
    """Five equal captions a picture say no more than one: the interval stays as wide."""
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 400))
    one = paired_difference(first, second, PICTURES)
    five = paired_difference(np.repeat(first, 5), np.repeat(second, 5), np.repeat(PICTURES, 5))
    assert (five.low, five.high) == pytest.approx((one.low, one.high))
    apart = paired_difference(np.repeat(first, 5), np.repeat(second, 5), np.arange(2_000))
    assert (apart.high - apart.low) * 2 < five.high - five.low


def test_a_run_beside_itself_is_noise_and_a_better_one_is_not():
    values = np.random.default_rng(2).random(400)
    same = paired_difference(values, values, PICTURES)
    assert (same.difference, same.low, same.high, same.p_like) == (0.0, 0.0, 0.0, 1.0)
    assert same.is_noise
    better = paired_difference(values, values + 0.01, PICTURES)
    assert not better.is_noise
    assert better.p_like == 0.0
    worse = paired_difference(values + 0.01, values, PICTURES)
    assert (worse.difference, worse.is_noise) == (pytest.approx(-0.01), False)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        first, second = rng.random((2, 60)) < np.array([[0.4], [0.6]])
        found = paired_difference(first * 1.0, second * 1.0, np.arange(60), resamples=500)
        held += found.low <= 0.2 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_the_seed_decides_and_the_block_does_not(monkeypatch):
    rng = np.random.default_rng(4)
    first, second = rng.random((2, 400))
    once = paired_difference(first, second, PICTURES, resamples=300, seed=5)
    assert once == paired_difference(first, second, PICTURES, resamples=300, seed=5)
    assert once != paired_difference(first, second, PICTURES, resamples=300, seed=6)
    monkeypatch.setattr(bootstrap, "_DRAWS_AT_ONCE", 1)
    assert once == paired_difference(first, second, PICTURES, resamples=300, seed=5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"second": np.zeros(3)}, r"first \(2,\), second \(3,\)"),
        ({"clusters": np.zeros(3, np.int64)}, r"pictures \(3,\)"),
        ({"clusters": np.zeros(2, np.int64)}, "at least two pictures, got 1"),
        ({"second": np.array([0.0, np.nan])}, "not finite"),
        ({"resamples": 0}, "resamples must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    given = {"first": np.zeros(2), "second": np.zeros(2), "clusters": np.array([0, 1])}
    with pytest.raises(ValueError, match=message):
        paired_difference(**(given | changes))
