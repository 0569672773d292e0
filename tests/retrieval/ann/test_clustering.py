import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ann.clustering import spherical_kmeans, subspace_kmeans
from tests.retrieval.ann.arrays import unit_rows


def by_hand(points, values):
    """One round of Lloyd's algorithm for one sub-space, as the textbook has it."""
    nearest = ((points[:, None] - values[None]) ** 2).sum(axis=2).argmin(axis=1)
    return np.stack([points[nearest == number].mean(axis=0) for number in range(len(values))])


def test_each_of_three_directions_gets_a_centroid():
    directions = np.eye(3, 8, dtype=np.float32)
    points = np.repeat(directions, 5, axis=0)
    rng = np.random.default_rng(0)
    points += 0.01 * rng.standard_normal(points.shape, np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)

    centroids = spherical_kmeans(points, 3, seed=1)

    assert np.allclose(np.sort(centroids @ directions.T, axis=None)[-3:], 1, atol=1e-3)
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)


def test_centroids_come_nearer_with_every_round():
    points = unit_rows(np.random.default_rng(2), 3_000, 16)
    nearness = [
        float((points @ spherical_kmeans(points, 40, shares=(1,) * n, seed=3).T).max(axis=1).mean())
        for n in (0, 1, 3, 10)
    ]
    assert nearness == sorted(nearness)
    assert nearness[-1] > nearness[0] + 0.02


def test_a_round_over_a_part_of_the_points_counts_these_alone():
    points = unit_rows(np.random.default_rng(1), 800, 16)
    few = spherical_kmeans(points, 4, shares=(8,), seed=3)
    assert np.allclose(np.linalg.norm(few, axis=1), 1, atol=1e-6)
    assert not np.allclose(few, spherical_kmeans(points, 4, shares=(1,), seed=3))
    # So few points are all seen in every round.
    of_all = [spherical_kmeans(points[:30], 4, shares=(each,), seed=3) for each in (1, 8)]
    assert np.array_equal(*of_all)


def test_the_same_seed_gives_the_same_centroids_and_another_gives_others():
    points = unit_rows(np.random.default_rng(4), 500, 8)
    first, again, other = (spherical_kmeans(points, 9, seed=n) for n in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_equal_points_leave_no_centroid_undefined():
    points = np.repeat(unit_rows(np.random.default_rng(7), 2, 8), 50, axis=0)
    centroids = spherical_kmeans(points, 20, seed=8)
    assert np.isfinite(centroids).all()
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)
    assert np.allclose((points @ centroids.T).max(axis=1), 1, atol=1e-3)


def test_more_centroids_than_points_are_refused():
    with pytest.raises(ValueError, match="5 centroids of 4 points"):
        spherical_kmeans(np.eye(4, dtype=np.float32), 5, seed=0)


@given(seed=st.integers(0, 99), n_spaces=st.integers(1, 5), dim=st.integers(1, 4))
def test_one_round_is_that_of_the_textbook_in_every_sub_space(seed, n_spaces, dim):
    points = np.random.default_rng(seed).standard_normal((60, n_spaces, dim)).astype(np.float32)
    start = subspace_kmeans(points, 4, iterations=0, seed=seed)
    moved = subspace_kmeans(points, 4, iterations=1, seed=seed)
    for number in range(n_spaces):
        expected = by_hand(points[:, number], start[number])
        assert np.allclose(moved[number], expected, atol=1e-5)


def test_values_of_a_sub_space_do_not_depend_on_the_others():
    points = np.random.default_rng(9).standard_normal((400, 6, 2)).astype(np.float32)
    together = subspace_kmeans(points, 16, iterations=5, seed=1)
    for number in range(6):
        alone = subspace_kmeans(points[:, number : number + 1], 16, iterations=5, seed=1)
        assert np.allclose(together[number], alone[0], atol=1e-5)


def test_few_distinct_points_leave_no_value_undefined():
    points = np.repeat(np.array([[[0.0, 1.0]], [[1.0, 0.0]]], np.float32), 20, axis=0)
    values = subspace_kmeans(points, 16, iterations=5, seed=0)
    assert np.isfinite(values).all()


def test_values_do_not_depend_on_how_many_products_are_taken_at_a_time():
    points = np.random.default_rng(7).standard_normal((200, 3, 2), np.float32)
    whole = subspace_kmeans(points, 16, iterations=3, seed=0)
    pieces = subspace_kmeans(points, 16, iterations=3, seed=0, products=16 * 37)
    assert np.allclose(pieces, whole, atol=1e-5)
