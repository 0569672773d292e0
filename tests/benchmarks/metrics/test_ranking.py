"""Measures of a ranking: worked examples, slow sums, ir-measures, laws."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, R, Rprec, nDCG

from benchmarks.metrics.ranking import (
    Found,
    average_precision_at_k,
    average_precision_at_r,
    average_precision_of_k,
    fraction_recall,
    ndcg,
    r_precision,
    reciprocal_rank,
)

K = 5


def slow_average_precision(relevant, n_relevant):
    found, total = 0, 0.0
    for place, is_relevant in enumerate(relevant, start=1):
        if is_relevant:
            found += 1
            total += found / place
    return total / min(n_relevant, len(relevant))


def found_of(*lists):
    sizes = [len(each) for each in lists]
    ranks = np.array([rank for each in lists for rank in each], np.int64)
    return Found.of(ranks, np.concatenate([[0], np.cumsum(sizes)]))


def test_average_precision_of_marks_by_hand():
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


def test_all_by_hand():
    """Three right answers at 1, 3 and 9, in any order; one at 2; one at 1."""
    found = found_of([9, 1, 3], [2], [1])
    assert fraction_recall(found, 1) == pytest.approx([1 / 3, 0, 1])
    assert fraction_recall(found, 5) == pytest.approx([2 / 3, 1, 1])
    assert r_precision(found) == pytest.approx([2 / 3, 0, 1])
    # (1 + 2/3) / 3: of three places the first and the third are right
    assert average_precision_at_r(found) == pytest.approx([5 / 9, 0, 1])
    # of ten places all three: (1 + 2/3 + 3/9) / 3; of two the first: 1 / 2
    assert average_precision_of_k(found, 10) == pytest.approx([2 / 3, 1 / 2, 1])
    assert average_precision_of_k(found, 2) == pytest.approx([1 / 2, 1 / 2, 1])
    assert reciprocal_rank(found) == pytest.approx([1, 1 / 2, 1])
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg(found, 3) == pytest.approx([1.5 / ideal, 1 / math.log2(3), 1])
    assert ndcg(found, 1) == pytest.approx([1, 0, 1])


def test_gains_count_as_they_stand():
    """3 at rank 2 and 1 at rank 1, where 3 should be first."""
    found = found_of([2, 1])
    reached, most = 1 + 3 / math.log2(3), 3 + 1 / math.log2(3)
    assert ndcg(found, 10, np.array([3.0, 1.0])) == pytest.approx([reached / most])
    assert ndcg(found, 1, np.array([3.0, 1.0])) == pytest.approx([1 / 3])


rankings = st.lists(
    st.lists(
        st.tuples(st.integers(1, 14), st.integers(1, 3)), min_size=1, unique_by=lambda x: x[0]
    ),
    min_size=1,
    max_size=4,
)


@given(rankings)
def test_as_ir_measures_has_it(given_ranks):
    """Documents d1 ... d14 in this order; those at the ranks are right, with their gains."""
    run = [
        ir_measures.ScoredDoc(str(query), f"d{place}", -float(place))
        for query in range(len(given_ranks))
        for place in range(1, 15)
    ]
    right = [
        ir_measures.Qrel(str(query), f"d{rank}", gain)
        for query, own in enumerate(given_ranks)
        for rank, gain in own
    ]
    asked = [Rprec, RR, nDCG @ K, R @ K, AP]
    told = {str(measure): np.zeros(len(given_ranks)) for measure in asked}
    for each in ir_measures.iter_calc(asked, right, run):
        told[str(each.measure)][int(each.query_id)] = each.value
    found = found_of(*([rank for rank, _ in own] for own in given_ranks))
    gains = np.array([float(gain) for own in given_ranks for _, gain in own])
    assert r_precision(found) == pytest.approx(told["Rprec"])
    assert reciprocal_rank(found) == pytest.approx(told["RR"])
    assert ndcg(found, K, gains) == pytest.approx(told[f"nDCG@{K}"])
    assert fraction_recall(found, K) == pytest.approx(told[f"R@{K}"])
    assert average_precision_of_k(found, 14) == pytest.approx(told["AP"])


@given(rankings)
def test_from_ranks_as_from_marks(given_ranks):
    """mAP@R is mAP@K at K = R."""
    lists = [[rank for rank, _ in own] for own in given_ranks]
    found = found_of(*lists)
    for query, own in enumerate(lists):
        for k, told in (
            (K, average_precision_of_k(found, K)),
            (len(own), average_precision_at_r(found)),
        ):
            marks = [place in own for place in range(1, k + 1)]
            assert told[query] == pytest.approx(slow_average_precision(marks, len(own)))


def test_a_query_without_an_answer_is_left_out_or_refused():
    found = Found.of(np.array([4, 2, 1]), np.array([0, 0, 2, 2, 3, 3]))
    assert (found.counts.tolist(), found.best.tolist()) == ([2, 1], [2, 1])
    with pytest.raises(ValueError, match="without a right answer"):
        average_precision_at_k(np.array([[False]]), np.array([0]))
    with pytest.raises(ValueError, match="0 ranks"):
        Found.of(np.array([], np.int64), np.array([0, 0]))


@pytest.mark.parametrize(
    ("ranks", "message"),
    [([0, 1], "one below 1"), ([1, 2, 3], "3 ranks of 2"), ([2, 2], "the same rank")],
)
def test_ranks_that_cannot_be_are_refused(ranks, message):
    with pytest.raises(ValueError, match=message):
        Found.of(np.array(ranks), np.array([0, 2]))


@pytest.mark.parametrize("gains", [[1.0], [1.0, 0.0]])
def test_gains_that_cannot_be_are_refused(gains):
    with pytest.raises(ValueError, match="gains"):
        ndcg(found_of([1, 2]), 5, np.array(gains))
