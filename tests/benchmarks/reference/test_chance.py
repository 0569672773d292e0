"""What an encoder that knows nothing reaches."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.reference.chance import Chance, by_chance, chance_of

COCO = {"pictures": 5_000, "texts": 25_010, "t2i_queries": 25_010, "i2t_queries": 5_000}


def test_two_of_four():
    """One of two right answers among the first two of four: 1 - (2/4)(1/3)."""
    assert by_chance(4, 2, 2) == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("metric", "percent"),
    [("t2i_r@1", 0.02), ("i2t_r@1", 0.02), ("t2i_r@10", 0.2), ("i2t_r@5", 0.1)],
)
def test_coco(metric, percent):
    assert 100 * chance_of(metric, COCO).share == pytest.approx(percent, abs=1e-3)


def test_folds_are_small_galleries():
    assert chance_of("t2i_r@1", COCO, folds=5).share == pytest.approx(1 / 1_000)
    assert chance_of("i2t_r@1", COCO, folds=5).share == pytest.approx(5 / 5_002)


def test_classes():
    assert chance_of("top5", {"classes": 50, "queries": 2_500}) == (pytest.approx(0.1), 2_500)


@pytest.mark.parametrize("metric", ["rsum", "t2i_median_rank", "map@10", "t2i_r@5_pessimistic"])
def test_other_figures_have_none(metric):
    assert chance_of(metric, COCO) is None


def test_without_counts_there_is_none():
    assert chance_of("t2i_r@1", {"pictures": 5_000}) is None


def test_chance_explains_what_sampling_allows():
    """At a tenth over 900 queries the standard error is 1 %."""
    floor = Chance(0.1, 900)
    assert floor.explains(0.05)
    assert floor.explains(0.1 + 0.0195)
    assert not floor.explains(0.1 + 0.0197)


@given(st.integers(1, 9), st.data())
def test_it_is_the_share_of_all_choices_that_hold_a_right_one(gallery, data):
    right = data.draw(st.integers(0, gallery))
    k = data.draw(st.integers(1, gallery))
    choices = list(itertools.combinations(range(gallery), k))
    held = sum(min(choice) < right for choice in choices)
    assert by_chance(gallery, right, k) == pytest.approx(held / len(choices))


def test_random_rankings_reach_it():
    rng = np.random.default_rng(0)
    first = np.argsort(rng.random((20_000, 12)), axis=1)[:, :3]
    assert (first < 2).any(axis=1).mean() == pytest.approx(by_chance(12, 2, 3), abs=0.01)


@pytest.mark.parametrize(("gallery", "right", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 0)])
def test_what_cannot_be_is_refused(gallery, right, k):
    with pytest.raises(ValueError, match="right answers"):
        by_chance(gallery, right, k)
