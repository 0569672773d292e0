"""Holm's steps by hand, and their laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics.holm import n_rejected


@pytest.mark.parametrize(
    ("p_values", "n"),
    [
        ([], 0),
        ([0.05], 1),
        ([0.051], 0),
        ([0.01, 0.04, 0.03, 0.005], 2),  # .005 <= .0125, .01 <= .0167, .03 > .025
        ([0.03, 0.03], 0),  # the smaller one has to be below .025
        ([0.0] * 10, 10),
    ],
)
def test_by_hand(p_values, n):
    assert n_rejected(p_values) == n


@given(st.lists(st.floats(0, 1), max_size=30))
def test_it_stands_between_bonferroni_and_nothing(p_values):
    bonferroni = sum(each <= 0.05 / len(p_values) for each in p_values)
    bare = sum(each <= 0.05 for each in p_values)
    assert bonferroni <= n_rejected(p_values) <= bare
    assert n_rejected(p_values) == n_rejected(p_values[::-1])
