"""Encoders whose figures are known: one that knows all, one that says one thing, a random one."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.base import Choices, Origin, Picture
from benchmarks.protocols.choices import evaluate_choices
from benchmarks.reference.chance import chance_of


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def choices(n, aspects=("even", "odd")):
    """Items of pictures and texts of their own, of two aspects in turn."""
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(2 * n))
    rows = np.arange(2 * n).reshape(-1, 2)
    own = tuple((aspects[number % 2],) for number in range(n))
    texts = tuple(f"text {row}" for row in range(2 * n))
    return Choices(Origin("toy", "test"), pictures, texts, rows, rows, own)


def test_by_hand():
    """Of two items the first is right; in the second both pictures prefer the first text."""
    texts = unit(np.array([[1, 0], [0, 1], [1, 0], [0, 1]]))
    pictures = unit(np.array([[2, 1], [1, 2], [3, 1], [2, 1]]))
    found = evaluate_choices(choices(2), pictures, texts)
    assert found.figures == {
        "text_score": 0.5, "image_score": 1.0, "group_score": 0.5,
        "text_score/even": 1.0, "image_score/even": 1.0, "group_score/even": 1.0,
        "text_score/odd": 0.0, "image_score/odd": 1.0, "group_score/odd": 0.0,
    }  # fmt: skip
    assert found.counts == {"items": 2, "items/even": 1, "items/odd": 1}
    assert found.ranks["text_score"].tolist() == [1, 0]
    assert found.ranks["items/odd"].tolist() == [0, 1]


def test_every_figure_is_computed_again_from_what_is_kept():
    rng = np.random.default_rng(0)
    pictures, texts = (unit(rng.standard_normal((80, 6))) for _ in range(2))
    found = evaluate_choices(choices(40), pictures, texts)
    for name, value in found.figures.items():
        score, _, aspect = name.partition("/")
        among = found.ranks[f"items/{aspect}"] == 1 if aspect else np.ones(40, np.bool_)
        assert found.ranks[score][among].mean() == value


def test_who_says_one_thing_of_everything_gets_nothing():
    rows = unit(np.full((20, 7), 0.3))
    assert set(evaluate_choices(choices(10), rows, rows).figures.values()) == {0.0}


def test_who_knows_the_answer_gets_all():
    rows = unit(np.eye(20))
    assert set(evaluate_choices(choices(10), rows, rows).figures.values()) == {1.0}


def test_random_features_get_chance():
    n = 4_000
    rng = np.random.default_rng(1)
    pictures, texts = (unit(rng.standard_normal((2 * n, 64))) for _ in range(2))
    found = evaluate_choices(choices(n), pictures, texts)
    for name, value in found.figures.items():
        floor = chance_of(name, found.counts)
        error = np.sqrt(floor.share * (1 - floor.share) / floor.n_queries)
        assert abs(value - floor.share) < 4 * error, name


def test_a_blind_encoder_with_a_favourite_text_gets_less_than_chance():
    """It sees all pictures alike: of both it says the same text, and prefers neither picture."""
    rng = np.random.default_rng(2)
    pictures = np.tile(unit(rng.standard_normal((1, 8))), (20, 1))
    texts = unit(rng.standard_normal((20, 8)))
    assert set(evaluate_choices(choices(10), pictures, texts).figures.values()) == {0.0}


@pytest.mark.parametrize("metric", ["group_score/blue", "group_rank", "other_score"])
def test_what_was_not_counted_has_no_chance(metric):
    assert chance_of(metric, {"items": 10, "items/red": 4}) is None
    assert chance_of("group_score/red", {"items": 10, "items/red": 4}).n_queries == 4
