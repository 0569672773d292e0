"""Ranks of the best right answer: worked examples, a slow oracle, laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics import ranks as module
from benchmarks.metrics.ranks import Positives, best_ranks, exact_scores
from benchmarks.metrics.retrieval import figures_of_ranks, median_rank, recall_at


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def by_hand(queries, gallery, positives, excluded=None):
    """A stable sort of all scores, one query after the other."""
    found = []
    for number, query in enumerate(queries):
        right = set(positives.items[positives.offsets[number] : positives.offsets[number + 1]])
        scores = exact_scores(np.repeat(query[None], len(gallery), axis=0), gallery)
        order = [
            item
            for item in np.argsort(-scores, kind="stable")
            if excluded is None or item != excluded[number]
        ]
        best = next(item for item in order if item in right)
        rank = order.index(best) + 1
        ties = sum(scores[item] == scores[best] and item not in right for item in order)
        above = sum(scores[item] > scores[best] for item in order)
        found.append((rank, 1 + above + ties))
    return found


def test_by_hand():
    gallery = unit(np.array([[1, 0], [0, 1], [1, 1], [1, 1]]))
    queries = unit(np.array([[1, 0], [0, 1], [1, 1]]))
    found = best_ranks(queries, gallery, Positives.of([[1], [0, 2], [3]]))
    # to the first query: item 0, then 2 and 3, then 1; to the third 2 and 3 tie
    assert found.best.tolist() == [4, 2, 2]
    assert found.pessimistic.tolist() == [4, 3, 2]
    without = best_ranks(queries, gallery, Positives.of([[1], [0, 2], [3]]), np.array([0, 1, 2]))
    assert without.best.tolist() == [3, 1, 1]
    assert without.pessimistic.tolist() == [3, 2, 1]


small = st.integers(-2, 2)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_as_a_stable_sort_has_it(data):
    """Rows of few values, so that ties abound; blocks of every size give the same."""
    n_queries, n_items = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 12))
    rows = data.draw(
        st.lists(
            st.tuples(small, small, small).filter(any),
            min_size=n_queries + n_items,
            max_size=n_queries + n_items,
        )
    )
    queries, gallery = np.split(unit(np.array(rows)), [n_queries])
    lists = [
        data.draw(st.lists(st.integers(0, n_items - 1), min_size=1, max_size=n_items - 1))
        for _ in range(n_queries)
    ]
    positives = Positives.of(lists)
    excluded = np.array(
        [
            data.draw(st.sampled_from([-1, *sorted(set(range(n_items)) - set(each))]))
            for each in lists
        ]
    )
    expected = by_hand(queries, gallery, positives, excluded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_QUERIES", data.draw(st.integers(1, 4)))
        patch.setattr(module, "_ITEMS", data.draw(st.integers(1, 9)))
        found = best_ranks(queries, gallery, positives, excluded)
    assert list(zip(found.best, found.pessimistic, strict=True)) == expected


def test_blocks_of_every_size_give_the_same_on_real_sizes(monkeypatch):
    rng = np.random.default_rng(0)
    gallery = unit(rng.standard_normal((900, 64)))
    gallery[450:] = gallery[:450]  # every item twice
    queries = unit(gallery[rng.integers(0, 900, 300)] + rng.standard_normal((300, 64)) / 8)
    positives = Positives.of([[each] for each in rng.integers(0, 900, 300).tolist()])
    whole = best_ranks(queries, gallery, positives)
    for n_queries, n_items in [(7, 13), (300, 1), (1, 900), (64, 64)]:
        monkeypatch.setattr(module, "_QUERIES", n_queries)
        monkeypatch.setattr(module, "_ITEMS", n_items)
        again = best_ranks(queries, gallery, positives)
        np.testing.assert_array_equal(again.best, whole.best)
        np.testing.assert_array_equal(again.pessimistic, whole.pessimistic)
    assert (whole.pessimistic > whole.best).any()


def test_an_encoder_that_says_one_thing_of_all_is_no_good():
    same = np.tile(unit(np.ones((1, 8))), (50, 1))
    found = best_ranks(same, same, Positives.of([[each] for each in range(50)]))
    assert found.best.tolist() == list(range(1, 51))
    assert set(found.pessimistic) == {50}
    figures = figures_of_ranks(found, (1, 5), "t2i")
    assert (figures["t2i_r@1"], figures["t2i_r@1_pessimistic"]) == (0.02, 0.0)


def test_chance_is_one_in_n():
    rng = np.random.default_rng(1)
    queries, gallery = unit(rng.standard_normal((4_000, 16))), unit(rng.standard_normal((100, 16)))
    positives = Positives.of([[each] for each in rng.integers(0, 100, 4_000).tolist()])
    found = best_ranks(queries, gallery, positives)
    for k in (1, 5, 10):
        assert recall_at(found.best, k) == pytest.approx(k / 100, abs=0.02)


def test_figures_by_hand():
    ranks = np.array([1, 2, 4, 11])
    figures = figures_of_ranks(module.Ranks(ranks, ranks), (1, 5, 10), "i2t")
    assert figures == {
        "i2t_r@1": 0.25,
        "i2t_r@5": 0.75,
        "i2t_r@10": 0.75,
        "i2t_median_rank": 3.0,
        "i2t_mean_rank": 4.5,
        "i2t_mrr": pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 11) / 4),
    }
    assert median_rank(np.array([1, 2])) == 1.0  # of 0 and 1 the median is 0.5, its floor 0


def test_what_does_not_fit_is_refused():
    rows = unit(np.eye(3))
    with pytest.raises(ValueError, match="no right answer"):
        Positives.of([[0], []])
    with pytest.raises(ValueError, match="answers of 2"):
        best_ranks(rows, rows, Positives.of([[0], [1]]))
    with pytest.raises(ValueError, match="is left out"):
        best_ranks(rows, rows, Positives.of([[0], [1], [2]]), np.array([-1, 1, -1]))
