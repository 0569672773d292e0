import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.query.penalty import Penalty, otsu_threshold


def slow_otsu(values):
    """The cut between neighbours with the greatest variance between classes, one after another."""
    ordered = sorted(values)
    best, at = -1.0, ordered[0]
    for cut in range(1, len(ordered)):
        low, high = ordered[:cut], ordered[cut:]
        apart = len(low) * len(high) * (np.mean(low) - np.mean(high)) ** 2
        if apart > best * (1 + 1e-9):
            best, at = apart, (low[-1] + high[0]) / 2
    return at


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30, unique=True))
def test_the_cut_is_that_of_the_slow_search(values):
    assert otsu_threshold(np.array(values, np.float32)) == pytest.approx(slow_otsu(values))


def test_of_equal_cuts_the_lowest_counts():
    values = np.array([6, 9, -8, 23], np.float32)  # -8 alone is as far from the others as 23
    assert otsu_threshold(values) == -1


def test_two_groups_are_cut_between_them():
    values = np.array([0.1, 0.12, 0.11, 0.3, 0.31], np.float32)
    assert otsu_threshold(values) == pytest.approx((0.12 + 0.3) / 2)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_values_that_do_not_differ_are_their_own_cut(values):
    assert otsu_threshold(np.array(values, np.float32)) == 0.5


def test_a_penalty_by_hand():
    axes = np.eye(3, dtype=np.float32)
    penalty = Penalty(axes[:2], np.array([0.2, 0.5], np.float32), np.array([1, 2], np.float32))
    rows = np.array([[0.6, 0.8, 0], [0.1, 0.4, 0], [0, 0.6, 0.8]], np.float32)
    # 0.6 - 0.2 and twice 0.8 - 0.5; nothing; twice 0.6 - 0.5
    assert penalty.of(rows) == pytest.approx([1.0, 0.0, 0.2])


def test_in_a_gallery_what_most_items_have_of_a_part_costs_nothing():
    axis = np.eye(2, dtype=np.float32)[:1]
    sample = np.array([[0.1, 1], [0.12, 1], [0.6, 0.8]], np.float32)
    penalty = Penalty.among(axis, np.ones(1, np.float32), sample)
    assert penalty.of(sample) == pytest.approx([0, 0, 0.6 - 0.36])
