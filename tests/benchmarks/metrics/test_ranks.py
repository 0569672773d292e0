"""Ranks of the best right answer: worked examples, a slow oracle, laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics import counting
from benchmarks.metrics.counting import exact_scores
from benchmarks.metrics.ranks import (
    Positives,
    Ranks,
    best_ranks,
    positive_ranks,
)
from benchmarks.metrics.retrieval import figures_of_ranks, median_rank, recall_at


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def lists_of(positives):
    bounds = zip(positives.offsets[:-1], positives.offsets[1:], strict=True)
    return [positives.items[first:last].tolist() for first, last in bounds]


def by_hand(queries, gallery, positives, excluded, candidates=None):
    """A stable sort of all scores, one query after the other: ranks of all, and pessimistic."""
    ranks, worst = [], []
    for number, query in enumerate(queries):
        right = lists_of(positives)[number]
        scores = exact_scores(np.repeat(query[None], len(gallery), axis=0), gallery)
        order = [
            item
            for item in np.argsort(-scores, kind="stable").tolist()
            if item not in excluded[number]
            and (candidates is None or item in lists_of(candidates)[number])
        ]
        ranks.append([order.index(item) + 1 for item in right if item in order])
        best = next(item for item in order if item in right)
        worst.append(1 + sum(scores[item] >= scores[best] and item not in right for item in order))
    return ranks, worst


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


@st.composite
def questions(draw):
    """Rows of few values, so that ties abound; some items are left out."""
    n_queries, n_items = draw(st.integers(1, 5)), draw(st.integers(3, 12))
    n_rows = n_queries + n_items
    rows = draw(
        st.lists(st.tuples(small, small, small).filter(any), min_size=n_rows, max_size=n_rows)
    )
    queries, gallery = np.split(unit(np.array(rows)), [n_queries])
    numbers = st.integers(0, n_items - 1)
    lists = [draw(st.lists(numbers, min_size=1, max_size=n_items - 2)) for _ in range(n_queries)]
    excluded = np.array(
        [
            [draw(st.sampled_from([-1, *sorted(set(range(n_items)) - set(each))])) for _ in "ab"]
            for each in lists
        ]
    )
    return queries, gallery, Positives.of(lists), excluded


@settings(deadline=None, max_examples=80)
@given(questions(), st.data())
def test_as_a_stable_sort_has_it(asked, data):
    """Blocks of every size give the same, worked out in part or all of them."""
    queries, gallery, positives, excluded = asked
    ranks, worst = by_hand(*asked)
    with pytest.MonkeyPatch.context() as patch:
        shape = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
        patch.setattr(counting, "shape_of_blocks", lambda *_: shape)
        patch.setattr(counting, "_DENSE", data.draw(st.sampled_from([0, 1, 8, 1_000])))
        patch.setattr(counting, "_TILE", data.draw(st.integers(1, 5)))
        best = best_ranks(queries, gallery, positives, excluded)
        every = positive_ranks(queries, gallery, positives, excluded)
    for found in (best, every.best):
        assert found.best.tolist() == [min(each) for each in ranks]
        assert found.pessimistic.tolist() == worst
    assert every.ranks.tolist() == [each for own in ranks for each in own]


@settings(deadline=None, max_examples=80)
@given(questions(), st.data())
def test_some_of_the_right_answers_are_ranked_as_all_are(asked, data):
    """The best of some is as if the others had never been right."""
    queries, gallery, positives, excluded = asked
    kept = [data.draw(st.lists(st.sampled_from(own), min_size=1)) for own in lists_of(positives)]
    some = Positives.of(kept)
    among = positive_ranks(queries, gallery, positives, excluded).among(some).best
    alone = best_ranks(queries, gallery, some, excluded)
    assert among.best.tolist() == alone.best.tolist()
    assert among.pessimistic.tolist() == alone.pessimistic.tolist()


def test_the_order_of_the_gallery_changes_nothing_where_nothing_ties():
    rng = np.random.default_rng(4)
    gallery, queries = unit(rng.standard_normal((200, 32))), unit(rng.standard_normal((80, 32)))
    lists = rng.integers(0, 200, (80, 3)).tolist()
    order = rng.permutation(200)
    place = np.argsort(order)
    straight = best_ranks(queries, gallery, Positives.of(lists))
    mixed = best_ranks(queries, gallery[order], Positives.of(place[np.array(lists)].tolist()))
    assert straight.best.tolist() == mixed.best.tolist() == straight.pessimistic.tolist()


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
    figures = figures_of_ranks(Ranks(ranks, ranks), (1, 5, 10), "i2t")
    assert figures == {
        "i2t_r@1": 0.25,
        "i2t_r@5": 0.75,
        "i2t_r@10": 0.75,
        "i2t_median_rank": 3.0,
        "i2t_mean_rank": 4.5,
        "i2t_mrr": pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 11) / 4),
    }
    assert median_rank(np.array([1, 2])) == 1.0  # of 0 and 1 the median is 0.5, its floor 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positives": Positives.of([[0], [1]])}, "3 queries, answers of 2"),
        ({"positives": Positives.of([[0], [1], [3]])}, "not among the gallery's 3"),
        ({"positives": Positives(np.array([0, 1, 1, 2]), np.array([0, 1]))}, "no right answer"),
        ({"gallery": unit(np.ones((3, 2)))}, r"gallery \(3, 2\)"),
        ({"excluded": np.array([-1, 1, -1])}, "a right answer is left out"),
        ({"excluded": np.array([[-1, 0], [-1, -1], [0, 2]])}, "a right answer is left out"),
        ({"excluded": np.array([-1, 1])}, "items left out of 2"),
        ({"gallery": np.diag(np.float32([1, np.nan, 1]))}, "not finite"),
        ({"queries": np.diag(np.float32([1, 1, np.inf]))}, "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    rows = unit(np.eye(3))
    given = {"queries": rows, "gallery": rows, "positives": Positives.of([[0], [1], [2]])}
    for ranked in (best_ranks, positive_ranks):
        with pytest.raises(ValueError, match=message):
            ranked(**(given | changes))


def test_a_strange_row_is_refused_though_nobody_seeks_it():
    gallery = np.concatenate([np.eye(2), np.full((1, 2), np.nan)]).astype(np.float32)
    with pytest.raises(ValueError, match="not finite"):
        best_ranks(unit(np.eye(2)), gallery, Positives.of([[0], [1]]))


def test_right_answers_come_in_lists_or_pairs():
    with pytest.raises(ValueError, match="no right answer"):
        Positives.of([[0], []])
    pairs = np.array([[2, 5], [0, 7], [2, 5], [0, 1]])
    found = Positives.of_pairs(pairs[:, 0], pairs[:, 1], 4)
    assert lists_of(found) == [[1, 7], [], [5], []]
    ranked = positive_ranks(unit(np.eye(2)), unit(np.eye(2)), Positives.of([[0], [0, 1]]))
    assert ranked.among(Positives.of_pairs(np.array([1]), np.array([0]), 2)).ranks.tolist() == [2]
    with pytest.raises(ValueError, match="was not ranked"):
        ranked.among(Positives.of([[1], [0]]))
