"""Blocks: the same ranks from every size, and no more memory than they may take."""

import tracemalloc

import numpy as np
import pytest

from benchmarks.metrics import counting
from benchmarks.metrics.ranks import Positives, best_ranks, positive_ranks


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_blocks_of_every_size_give_the_same_on_real_sizes(monkeypatch):
    rng = np.random.default_rng(0)
    gallery = unit(rng.standard_normal((900, 64)))
    gallery[450:] = gallery[:450]  # every item twice
    queries = unit(gallery[rng.integers(0, 900, 300)] + rng.standard_normal((300, 64)) / 8)
    positives = Positives.of([[each] for each in rng.integers(0, 900, 300).tolist()])
    whole = best_ranks(queries, gallery, positives)
    for shape in [(7, 13), (300, 1), (1, 900), (64, 64)]:
        monkeypatch.setattr(counting, "shape_of_blocks", lambda *_, shape=shape: shape)
        again = best_ranks(queries, gallery, positives)
        np.testing.assert_array_equal(again.best, whole.best)
        np.testing.assert_array_equal(again.pessimistic, whole.pessimistic)
    assert (whole.pessimistic > whole.best).any()


def test_blocks_fit_into_what_they_may_take():
    for n_queries, n_items, dim, size in [
        (25_010, 5_000, 512, 64 << 20),
        (100_000, 500_000, 512, 64 << 20),
        (3, 500_000, 4_096, 16 << 20),
        (100_000, 7, 64, 1 << 20),
    ]:
        b, c = counting.shape_of_blocks(n_queries, n_items, dim, size)
        assert 1 <= b <= n_queries
        assert 1 <= c <= n_items
        taken = 16 * b * c + 8 * dim * (b + c)
        assert taken <= size
        assert taken > size / 2 or (b, c) == (n_queries, n_items) or c == n_items
    assert counting.shape_of_blocks(9, 9, 512, 1) == (1, 1)


@pytest.mark.parametrize("is_alike", [False, True])
def test_memory_is_what_blocks_may_take(is_alike):
    """A whole matrix of scores would be 24 MB; near ones, and such that all are, count as well."""
    rng = np.random.default_rng(6)
    gallery, queries = unit(rng.standard_normal((6_000, 8))), unit(rng.standard_normal((1_000, 8)))
    if is_alike:
        gallery = np.repeat(gallery[:1], 6_000, axis=0)
    positives = Positives.of(rng.integers(0, 6_000, (1_000, 2)).tolist())
    tracemalloc.start()
    try:
        positive_ranks(queries, gallery, positives, work_bytes=2 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    beside = 2_000 * 8 * 20  # some numbers for each right answer
    assert peak < (2 << 20) + beside


def test_a_gallery_may_be_the_map_of_a_file(tmp_path):
    rng = np.random.default_rng(3)
    rows = unit(rng.standard_normal((500, 32)))
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    queries = unit(rng.standard_normal((90, 32)))
    positives = Positives.of([[each, each + 1] for each in range(90)])
    from_file = positive_ranks(queries, mapped, positives, work_bytes=100_000)
    assert from_file.ranks.tolist() == positive_ranks(queries, rows, positives).ranks.tolist()
