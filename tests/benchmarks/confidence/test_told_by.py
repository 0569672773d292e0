"""Statistics that might tell a match: by hand, and what holds of all of them."""

import numpy as np
import pytest

from benchmarks.confidence.told_by import STATISTICS, Scene, area, rejected_at


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def scene():
    """Forty items; texts of the bank and queries that lie near to some of them."""
    chance = np.random.default_rng(0)
    gallery = unit(chance.standard_normal((40, 16)))
    bank = unit(gallery[:20] + 0.2 * chance.standard_normal((20, 16)))
    queries = unit(np.concatenate([gallery[20:30], chance.standard_normal((10, 16))]))
    return Scene(queries, gallery, bank)


def test_the_area_is_how_often_answered_ones_are_above():
    assert area(np.array([3.0, 2.0]), np.array([1.0, 2.5])) == 0.75
    assert area(np.array([1.0]), np.array([1.0])) == 0.5


def test_absent_ones_are_rejected_below_what_loses_a_tenth():
    answered = np.arange(11.0)
    assert rejected_at(answered, np.array([0.5, 1.5, -3.0])) == pytest.approx(2 / 3)


def test_by_hand():
    rows = np.eye(12, dtype=np.float32)
    scene = Scene(rows[:1], rows, rows[:2])
    assert STATISTICS["best cosine"](scene).tolist() == [1.0]
    assert STATISTICS["less mean of gallery"](scene) == pytest.approx(11 / 12)
    assert STATISTICS["z in gallery"](scene) == pytest.approx(11**0.5)
    assert STATISTICS["less next nine"](scene).tolist() == [1.0]
    assert STATISTICS["rank in bank"](scene).tolist() == [0.0]


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_finds_queries_that_are_items(scene, name):
    found = STATISTICS[name](scene)
    assert found.shape == (20,)
    assert np.isfinite(found).all()
    assert area(found[:10], found[10:]) > 0.8


@pytest.mark.parametrize("name", STATISTICS)
def test_a_query_is_told_alike_alone_and_among_others(scene, name):
    alone = STATISTICS[name](Scene(scene.queries[3:4], scene.gallery, scene.bank))
    assert alone == pytest.approx(STATISTICS[name](scene)[3:4], rel=1e-5, abs=1e-6)
