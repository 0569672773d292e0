"""Recall against exact search, by hand and against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmarks.metrics.ann import MeanRecall, recall_per_query

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75])


def test_a_worked_example_by_hand():
    rows = np.array([[4, 2, 7], [1, -1, -1], [5, 5, 6]])
    scores = np.array([[0.9, 0.8, 0.1], [0.9, 0.9, 0.9], [0.9, 0.9, 0.7]], np.float32)
    cuts = np.array([0.8, 0.5, 0.7], np.float32)
    # The third of the first is below the cut; missing answers and a row named twice count nothing.
    assert recall_per_query(rows, scores, cuts, 3).tolist() == [2 / 3, 1 / 3, 2 / 3]


def test_only_the_first_k_count_and_any_of_a_tie_will_do():
    rows, scores = np.array([[8, 3, 1]]), np.array([[0.5, 0.5, 0.9]], np.float32)
    assert recall_per_query(rows, scores, np.array([0.5], np.float32), 2).tolist() == [1.0]


def slow_recall(answers, exact, k):
    """Reads like the definition: how many distinct answers are as good as the k-th best."""
    cut = sorted(exact, reverse=True)[k - 1]
    return len({row for row in answers[:k] if row >= 0 and exact[row] >= cut}) / k


@given(data=st.data())
def test_equals_the_definition(data):
    n_queries, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    k = data.draw(st.integers(1, n))
    exact = data.draw(hnp.arrays(np.float32, (n_queries, n), elements=LEVELS))
    rows = data.draw(hnp.arrays(np.int64, (n_queries, k), elements=st.integers(-1, n - 1)))
    scores = np.take_along_axis(exact, np.maximum(rows, 0), axis=1)
    cuts = np.sort(exact, axis=1)[:, n - k]
    expected = [
        slow_recall(answers, scored, k)
        for answers, scored in zip(rows.tolist(), exact.tolist(), strict=True)
    ]
    assert recall_per_query(rows, scores, cuts, k).tolist() == expected


@pytest.mark.parametrize("k", [0, 4])
def test_wrong_shapes_are_refused(k):
    three = np.zeros((2, 3))
    with pytest.raises(ValueError, match="k "):
        recall_per_query(three.astype(int), three.astype("f4"), np.zeros(2, np.float32), k)


def test_the_standard_error_is_that_of_the_sample_mean():
    mean = MeanRecall.of(np.array([1.0, 0.5, 0.0, 0.5]))
    assert mean.mean == 0.5
    assert mean.standard_error == pytest.approx(math.sqrt((0.25 + 0.25) / 3) / 2)
    with pytest.raises(ValueError, match="two queries"):
        MeanRecall.of(np.array([1.0]))
