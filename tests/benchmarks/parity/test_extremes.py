"""What the order of ties can do to a figure: worked by hand, and against all orders."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics.ranks import Positives, best_ranks
from benchmarks.metrics.retrieval import recall_at
from benchmarks.parity.extremes import Asked, extreme_ranks

AXES = np.eye(3, dtype=np.float32)


def test_a_picture_and_its_copy():
    gallery = AXES[[0, 1, 0]]
    positives = Positives.of([[0], [2], [1]])
    worst, best = extreme_ranks(AXES[[0, 0, 1]], gallery, positives, 0.0)
    assert (worst.tolist(), best.tolist()) == ([2, 2, 1], [1, 1, 1])
    figures = {"t2i_r@1": lambda ranks: recall_at(ranks, 1)}
    between = Asked(AXES[[0, 0, 1]], gallery, positives, figures).between(0.0)
    assert between == {"t2i_r@1": (1 / 3, 1.0)}


def test_right_answers_do_not_count_against_each_other():
    worst, best = extreme_ranks(AXES[:1], AXES[[0, 0, 1]], Positives.of([[0, 1]]), 0.0)
    assert worst.tolist() == best.tolist() == [1]


def test_slack_makes_ties_of_what_is_near():
    near = np.array([[1.0, 0, 0], [0.9999, 0, 0]], np.float32)
    for slack, expected in ((0.0, ([1], [1])), (1e-3, ([2], [1]))):
        worst, best = extreme_ranks(AXES[:1], near, Positives.of([[0]]), slack)
        assert (worst.tolist(), best.tolist()) == expected
        worst, best = extreme_ranks(AXES[:1], near, Positives.of([[1]]), slack)
        assert (worst.tolist(), best.tolist()) == ([2], [2 if slack == 0.0 else 1])


@settings(deadline=None)
@given(st.data())
def test_they_are_what_any_order_gives(data):
    numbers = st.lists(st.integers(0, 2), min_size=2, max_size=5)
    gallery = AXES[data.draw(numbers)]
    query = AXES[[data.draw(st.integers(0, 2))]]
    right = data.draw(st.sets(st.integers(0, len(gallery) - 1), min_size=1))
    scores = (query @ gallery.T)[0]
    ranks = []
    for order in itertools.permutations(range(len(gallery))):
        placed = sorted(order, key=lambda item: -scores[item])  # stable: ties as in `order`
        ranks.append(1 + min(placed.index(item) for item in right))
    worst, best = extreme_ranks(query, gallery, Positives.of([sorted(right)]), 0.0)
    assert best[0] == min(ranks)
    assert worst[0] == max(ranks)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 30))
def test_the_harness_lies_between_them(seed, n_queries, n_items):
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(7, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries, gallery = (
        rows[chance.integers(7, size=n_queries)],
        rows[chance.integers(7, size=n_items)],
    )
    positives = Positives.of(chance.integers(n_items, size=(n_queries, 2)).tolist())
    ranks = best_ranks(queries, gallery, positives)
    worst, best = extreme_ranks(queries, gallery, positives, 1e-6)
    assert (best <= ranks.best).all()
    assert (ranks.pessimistic <= worst).all()
