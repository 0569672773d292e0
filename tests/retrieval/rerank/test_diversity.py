import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.rerank.diversity import diverse_order


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def candidates(seed, n):
    rng = np.random.default_rng(seed)
    return np.sort(rng.random(n).astype(np.float32))[::-1], unit(rng.normal(size=(n, 4)))


def slow_order(relevance, rows, share, k):
    """The formula, candidate by candidate."""
    n = len(rows)
    usual = np.mean([rows[i] @ rows[j] for i in range(n) for j in range(n)])
    worth = [(each - min(relevance)) / (max(relevance) - min(relevance)) for each in relevance]
    chosen = []
    while len(chosen) < min(k, n):
        best, at = -np.inf, None
        for i in range(n):
            if i in chosen:
                continue
            alike = [max(0, (rows[i] @ rows[j] - usual) / (1 - usual)) for j in chosen]
            value = (1 - share) * worth[i] - share * max(alike, default=0)
            if value > best + 1e-9:
                best, at = value, i
        chosen.append(at)
    return chosen


@given(st.integers(0, 500), st.integers(2, 12), st.sampled_from([0.1, 0.3, 0.7]))
def test_it_is_the_slow_search(seed, n, share):
    relevance, rows = candidates(seed, n)
    found = diverse_order(relevance, rows, share, 5).tolist()
    assert found == slow_order(relevance, rows, share, 5)


@given(st.integers(0, 500), st.integers(0, 12), st.integers(1, 15))
def test_no_diversity_is_the_plain_ranking(seed, n, k):
    relevance, rows = candidates(seed, n)
    assert diverse_order(relevance, rows, 0.0, k).tolist() == list(range(min(k, n)))


@given(st.integers(0, 500), st.integers(1, 12), st.floats(0, 0.99), st.integers(1, 15))
def test_candidates_are_chosen_once_and_the_best_goes_first(seed, n, share, k):
    relevance, rows = candidates(seed, n)
    found = diverse_order(relevance, rows, share, k).tolist()
    assert found[0] == 0
    assert len(set(found)) == len(found) == min(k, n)


def test_a_copy_of_the_best_gives_way_to_another_kind():
    rows = unit(np.array([[1, 0.0], [1, 0.01], [0, 1]]))
    relevance = np.array([0.30, 0.29, 0.25], np.float32)
    assert diverse_order(relevance, rows, 0.3, 2).tolist() == [0, 1]
    assert diverse_order(relevance, rows, 0.6, 2).tolist() == [0, 2]


def test_equal_candidates_stay_in_their_order():
    rows = np.tile(unit(np.ones((1, 3))), (4, 1))
    assert diverse_order(np.ones(4, np.float32), rows, 0.5, 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(QueryError, match="between 0 and 1"):
        diverse_order(*candidates(0, 3), share, 2)
