"""What recall must be, whatever the pictures and texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.protocols.crossmodal import evaluate_crossmodal
from tests.benchmarks.protocols.crossmodal_kit import crossmodal, noisy, unit


def test_features_of_the_texts_themselves_are_right_but_for_duplicates():
    """Of texts that are equal the first is right, and the others are not."""
    rows = unit(np.random.default_rng(6).standard_normal((50, 16)))
    rows[[10, 20, 30]] = rows[[1, 1, 2]]
    found = evaluate_crossmodal(crossmodal(range(50)), rows, rows).figures
    assert found["t2i_r@1"] == found["i2t_r@1"] == 1 - 3 / 50
    assert found["t2i_r@1_pessimistic"] == 1 - 5 / 50


def test_random_features_are_right_by_chance():
    """Each within four standard errors of k / n, or of one in five being among k of 5 n."""
    rng = np.random.default_rng(7)
    rows, said = unit(rng.standard_normal((300, 32))), unit(rng.standard_normal((1_500, 32)))
    found = evaluate_crossmodal(crossmodal(np.repeat(range(300), 5)), rows, said).figures
    for k in (1, 5, 10):
        for way, n_queries, missed in (
            ("t2i", 1_500, 1 - k / 300),
            ("i2t", 300, np.prod([(1_495 - each) / (1_500 - each) for each in range(k)])),
        ):
            error = np.sqrt(missed * (1 - missed) / n_queries)
            assert found[f"{way}_r@{k}"] == pytest.approx(1 - missed, abs=4 * error)


def test_an_encoder_that_says_one_thing_of_all_finds_nothing():
    rows = np.tile(unit(np.ones((1, 8))), (40, 1))
    data = crossmodal(np.repeat(range(40), 2))
    found = evaluate_crossmodal(data, rows, np.repeat(rows, 2, axis=0)).figures
    assert found["t2i_r@1"] == found["i2t_r@1"] == 1 / 40
    assert found["t2i_r@1_pessimistic"] == found["i2t_r@1_pessimistic"] == 0.0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1_000))
def test_the_order_of_pictures_changes_no_figure_where_nothing_ties(seed):
    rows, said = noisy(12, seed=seed)
    own = np.repeat(range(12), 2)
    more = {"eccv_i2t": np.column_stack([np.arange(24), np.roll(own, 3)])}
    order = np.random.default_rng(seed).permutation(12)
    place = np.argsort(order)
    mixed = {"eccv_i2t": np.column_stack([np.arange(24), place[np.roll(own, 3)]])}
    straight = evaluate_crossmodal(crossmodal(own, more=more), rows, said).figures
    turned = evaluate_crossmodal(crossmodal(place[own], more=mixed), rows[order], said).figures
    assert turned == pytest.approx(straight)
