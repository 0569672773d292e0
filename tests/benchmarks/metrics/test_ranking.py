import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics.ranking import average_precision_at_k


def slow_average_precision(relevant, n_relevant):
    found, total = 0, 0.0
    for place, is_relevant in enumerate(relevant, start=1):
        if is_relevant:
            found += 1
            total += found / place
    return total / min(n_relevant, len(relevant))


def test_by_hand():
    relevant = np.array([[True, False, True], [False, False, False], [True, True, True]])
    found = average_precision_at_k(relevant, np.array([2, 1, 7]))
    # (1 + 2/3) / 2; nothing; (1 + 1 + 1) / 3
    assert found == pytest.approx([5 / 6, 0.0, 1.0])


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 5))
def test_it_is_that_of_the_slow_sum(flags, more):
    n_relevant = max(1, sum(flags) + more)
    found = average_precision_at_k(np.array([flags]), np.array([n_relevant]))
    assert found[0] == pytest.approx(slow_average_precision(flags, n_relevant))
    assert 0 <= found[0] <= 1


def test_a_query_without_an_answer_is_refused():
    with pytest.raises(ValueError, match="without a right answer"):
        average_precision_at_k(np.array([[False]]), np.array([0]))
