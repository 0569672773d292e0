"""Ranking by cosine less a penalty, through searches that know the cosine alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ann.adjusted import MOST_OVER_FETCH, Penalties, adjust, by_score, search_adjusted
from retrieval.ann.exact import NO_ID, top_k


def searching(scores, ids, asked=None):
    """A search over all items; notes how deep each query was asked for."""

    def search(numbers, depth):
        if asked is not None:
            asked.append((numbers.tolist(), depth))
        return top_k(scores[numbers], ids, depth)

    return search


def penalised(search, n_queries, k, penalties, *, is_exact):
    return search_adjusted(
        search,
        n_queries,
        k,
        lambda _, found: penalties.of(found),
        least=penalties.least(is_exact=is_exact),
        is_exact=is_exact,
    )


def test_by_hand():
    scores = np.array([[0.9, 0.8, 0.5]], np.float32)
    ids = np.array([[7, 3, 5]])
    penalties = Penalties(np.array([3, 5, 7]), np.array([0.1, 0.0, 0.5], np.float32))
    best = adjust((scores, ids), penalties.of(ids), 2)
    # 0.9 - 0.5, 0.8 - 0.1, 0.5 - 0
    assert best.ids.tolist() == [[3, 5]]
    assert best.adjusted == pytest.approx(np.array([[0.7, 0.5]]))
    assert best.scores == pytest.approx(np.array([[0.8, 0.5]]))


def test_ties_go_to_the_lower_id_and_missing_items_stay_last():
    scores = np.array([[0.75, 0.5, -np.inf]], np.float32)
    ids = np.array([[9, 2, NO_ID]])
    penalties = Penalties(np.array([2, 9]), np.array([0.0, 0.25], np.float32))
    best = adjust((scores, ids), penalties.of(ids), 3)
    assert best.ids.tolist() == [[2, 9, NO_ID]]
    assert best.adjusted[0, 2] == -np.inf


@given(
    n=st.integers(1, 60),
    n_queries=st.integers(1, 4),
    k=st.integers(1, 5),
    spread=st.sampled_from([0.0, 0.1, 3.0]),
    seed=st.integers(0, 10_000),
)
def test_where_all_items_are_scored_the_ranking_is_that_of_all(n, n_queries, k, spread, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-8, 8, (n_queries, n)).astype(np.float32) / 8  # ties among them
    ids = np.sort(rng.choice(1000, n, replace=False))
    values = (rng.integers(0, 8, n) / 8 * spread).astype(np.float32)
    penalties = Penalties(ids, values)
    found = penalised(searching(scores, ids), n_queries, k, penalties, is_exact=True)
    expected_scores, expected_ids = top_k(scores - values, ids, k)
    assert np.array_equal(found.ids, expected_ids)
    assert np.array_equal(found.adjusted, expected_scores)
    places = np.searchsorted(ids, found.ids)
    assert np.array_equal(found.scores, np.take_along_axis(scores, places, 1))


@given(constant=st.sampled_from([-0.5, 0.0, 0.25]), seed=st.integers(0, 1000))
def test_a_bias_that_all_items_share_changes_no_ranking(constant, seed):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(-64, 64, (3, 50)) / 64).astype(np.float32)
    ids = np.arange(1, 51)
    penalties = Penalties(ids, np.full(50, constant, np.float32))
    found = penalised(searching(scores, ids), 3, 7, penalties, is_exact=True)
    plain = top_k(scores, ids, 7)
    assert np.array_equal(found.ids, plain[1])
    assert np.array_equal(found.scores, plain[0])


def test_only_queries_that_are_not_decided_are_asked_for_more():
    ids, values = np.arange(1, 101), np.zeros(100, np.float32)
    values[:20] = 5.0  # twenty hubs, which fill what the first query brings at first
    scores = np.linspace(1, 0, 100, dtype=np.float32)[None].repeat(2, 0)
    scores[1] = scores[1, ::-1]
    asked = []
    found = penalised(searching(scores, ids, asked), 2, 2, Penalties(ids, values), is_exact=True)
    assert found.ids.tolist() == [[21, 22], [100, 99]]
    assert asked == [([0, 1], 10), ([0], 20), ([0], 40)]


def test_a_search_by_codes_is_asked_for_more_too_but_not_without_end():
    ids, values = np.arange(1, 1001), np.zeros(1000, np.float32)
    values[:20] = 5.0
    scores = np.linspace(1, 0, 1000, dtype=np.float32)[None]
    asked = []
    found = penalised(searching(scores, ids, asked), 1, 2, Penalties(ids, values), is_exact=False)
    assert asked == [([0], 10), ([0], 20), ([0], 40)]
    assert found.ids.tolist() == [[21, 22]]
    values[:200] = 5.0
    asked.clear()
    found = penalised(searching(scores, ids, asked), 1, 2, Penalties(ids, values), is_exact=False)
    assert [depth for _, depth in asked] == [10, 20, 40, MOST_OVER_FETCH * 2]
    assert found.ids.tolist() == [[1, 2]], "the candidates are hubs, all of them"


def test_a_search_by_codes_goes_no_deeper_for_one_item_in_a_hundred():
    ids, values = np.arange(1, 1001), np.full(1000, 0.5, np.float32)
    values[900:905] = -5.0
    scores = np.linspace(1, 0, 1000, dtype=np.float32)[None]
    asked = []
    penalties = Penalties(ids, values)
    assert penalties.least(is_exact=False) == 0.5
    penalised(searching(scores, ids, asked), 1, 2, penalties, is_exact=False)
    assert asked == [([0], 10)]


def test_by_score_nothing_is_adjusted():
    scores, ids = np.ones((1, 2), np.float32), np.array([[1, 2]])
    plain = by_score((scores, ids))
    assert np.isnan(plain.adjusted).all()
    assert plain.ids is ids
