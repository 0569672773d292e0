"""Grouping around heads, against the same done one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.ann import alike
from retrieval.ann.alike import group_by_search, group_exactly
from retrieval.ann.exact import pair_scores, top_k


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(n, n_centres, spread, seed, dim=16):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((n_centres, dim))
    return unit(centres[rng.integers(n_centres, size=n)] + spread * rng.standard_normal((n, dim)))


def oracle(rows, threshold):
    """One by one, in the order of preference."""
    head = [-1] * len(rows)
    for first in range(len(rows)):
        if head[first] >= 0:
            continue
        head[first] = first
        for later in range(first + 1, len(rows)):
            if head[later] < 0 and pair_scores(rows[later], rows[first]) >= threshold:
                head[later] = first
    return head


def search_in(rows):
    def search(queries, k):
        scores = np.stack([pair_scores(rows, query) for query in queries])
        return top_k(scores, np.arange(len(rows)), k)

    return search


CASES = {
    "n": st.integers(0, 120),
    "n_centres": st.integers(1, 30),
    "spread": st.sampled_from([0.0, 0.05, 0.2]),
    "threshold": st.sampled_from([0.9, 0.97, 0.999]),
    "seed": st.integers(0, 10**6),
}


@settings(max_examples=80, deadline=None)
@given(**CASES, block=st.sampled_from([1, 7, 1024]), chunk=st.sampled_from([1, 11, 8192]))
def test_blocks_and_searches_group_as_one_by_one(
    n, n_centres, spread, threshold, seed, block, chunk
):
    rows = clustered(n, n_centres, spread, seed)
    expected = oracle(rows, threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_HEAD_ROWS", block)
        patch.setattr(alike, "_CHUNK_ROWS", chunk)
        patch.setattr(alike, "_FIRST_DEPTH", 4)
        patch.setattr(alike, "_ASKED_ROWS", block)
        for head, cosine in (
            group_exactly(n, rows.__getitem__, threshold),
            group_by_search(n, rows.__getitem__, search_in(rows), threshold),
        ):
            assert head.tolist() == expected
            for number in range(n):
                if head[number] != number:
                    assert cosine[number] == pair_scores(rows[number], rows[head[number]])
                    assert cosine[number] >= threshold


def test_a_chain_is_no_group():
    """Neighbours are 10 degrees apart, cosine .985; the ends are 60 degrees apart."""
    angles = np.radians(np.arange(0, 70, 10))
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    head, cosine = group_exactly(7, rows.__getitem__, 0.97)
    assert head.tolist() == [0, 0, 2, 2, 4, 4, 6]
    np.testing.assert_allclose(cosine, [1, 0.985, 1, 0.985, 1, 0.985, 1], atol=1e-3)
    # Preferring the middle, both of its neighbours are its own.
    head, _ = group_exactly(3, rows[[1, 0, 2]].__getitem__, 0.97)
    assert head.tolist() == [0, 0, 0]


def test_equal_vectors_without_end_need_no_memory_for_pairs():
    rows = np.repeat(unit(np.ones((1, 8))), 20_000, axis=0)
    head, _ = group_exactly(len(rows), rows.__getitem__, 0.97)
    assert not head.any()
