"""The half-precision search ranks as the exact one does, whatever it has to screen."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from retrieval.ann import gemm
from retrieval.ann.exact import exact_search, pair_scores
from retrieval.ann.gemm import gemm_search
from tests.contracts.exact_search import ExactSearchContract
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, unit_rows


class TestGemmSearch(ExactSearchContract):
    module = gemm

    def search(self, vectors, ids, queries, k, *, allowed=None):
        return gemm_search(vectors, ids, queries, k, allowed=allowed)


@pytest.mark.gpu
class TestGemmSearchOnCuda(ExactSearchContract):
    module = gemm

    @pytest.fixture(autouse=True)
    def cuda(self):
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")

    def search(self, vectors, ids, queries, k, *, allowed=None):
        return gemm_search(vectors, ids, queries, k, allowed=allowed, device="cuda")


def same(found, expected):
    return all(np.array_equal(*each) for each in zip(found, expected, strict=True))


@pytest.mark.parametrize("dim", [3, 64, 512])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_random_galleries_rank_as_exact_search_ranks_them(monkeypatch, dim, k):
    monkeypatch.setattr(gemm, "CHUNK_ROWS", 700)
    rng = np.random.default_rng(dim + k)
    rows = HalfRows(clustered_rows(rng, 3000, dim))
    queries = unit_rows(rng, 50, dim)
    queries[:10] = rows.gather_half(np.arange(10)).astype(np.float32)
    ids = rng.permutation(9000)[:3000]
    allowed = rng.random(3000) < 0.5
    for each in (None, allowed):
        expected = exact_search(rows, ids, queries, k, allowed=each)
        assert same(gemm_search(rows, ids, queries, k, allowed=each), expected)


def test_copies_beyond_number_are_left_to_exact_search(monkeypatch):
    asked = []

    def exact(vectors, ids, queries, k, **rest):
        asked.append(len(queries))
        return exact_search(vectors, ids, queries, k, **rest)

    monkeypatch.setattr(gemm, "MOST_KEPT", 50)
    monkeypatch.setattr(gemm, "CHUNK_ROWS", 64)
    monkeypatch.setattr(gemm, "exact_search", exact)
    rng = np.random.default_rng(4)
    ordinary, copied = unit_rows(rng, 600, 32), unit_rows(rng, 1, 32)
    rows = HalfRows(np.vstack([ordinary, np.repeat(copied, 400, axis=0)]))
    ids = rng.permutation(1000)
    queries = np.vstack([copied, ordinary[:5], -copied])
    found = gemm_search(rows, ids, queries, 5)
    assert same(found, exact_search(rows, ids, queries, 5))
    assert asked == [1]
    assert found[1][0].tolist() == sorted(ids[600:].tolist())[:5]


def test_more_queries_than_one_pass_takes(monkeypatch):
    monkeypatch.setattr(gemm, "QUERY_GROUP", 8)
    monkeypatch.setattr(gemm, "QUERY_BLOCK", 3)
    rng = np.random.default_rng(5)
    rows, queries = HalfRows(unit_rows(rng, 100, 16)), unit_rows(rng, 21, 16)
    expected = exact_search(rows, np.arange(100), queries, 4)
    assert same(gemm_search(rows, np.arange(100), queries, 4), expected)


def test_only_allowed_rows_are_read():
    rows = HalfRows(np.eye(8))
    allowed = np.isin(np.arange(8), [2, 5])
    gemm_search(rows, np.arange(8), np.eye(8, dtype=np.float32), 3, allowed=allowed)
    assert set(np.concatenate(rows.gathered).tolist()) == {2, 5}


@pytest.mark.parametrize(("n_queries", "n_rows", "dim"), [(1, 1, 4), (1, 900, 512), (64, 700, 96)])
@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_products_stay_within_the_bound(n_queries, n_rows, dim, offset):
    """With an offset all numbers are of one sign and the scores near 1: nothing cancels."""
    rng = np.random.default_rng(n_rows)
    queries, rows = unit_rows(rng, n_queries, dim) + offset, unit_rows(rng, n_rows, dim) + offset
    queries, rows = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, rows))
    queries = queries.astype(np.float32)
    half = rows.astype(np.float16)
    screen = gemm._Screen(queries, 1, "cpu")
    products = screen._products(screen._queries, screen._on_device(half)).float().numpy()
    scores = pair_scores(half.astype(np.float32)[None], queries[:, None])
    bound = screen._error.numpy()[:, None] + screen._output_roundoff() * np.abs(products) * 1.01
    off = np.abs(products - scores)
    assert (off <= bound).all()
    assert off.max() > bound.max() / 50  # no bound that says nothing


def test_every_finite_float16_is_rounded_to_the_nearest_bfloat16():
    bits = np.arange(65_536).astype(np.uint16)
    half = bits.view(np.float16)
    finite = np.isfinite(half)
    screen = gemm._Screen(np.eye(2, dtype=np.float32), 1, "cpu")
    given = torch.from_numpy(bits.view(np.int16)[finite])
    out = torch.empty(len(given), dtype=torch.bfloat16)
    screen._cast(given, out)
    rounded = out.float().numpy()
    exact = half[finite].astype(np.float32)
    off, size = np.abs(rounded - exact), np.abs(exact)
    normal = size >= 2.0**-14
    assert (off[normal] <= 2.0**-8 * size[normal]).all()
    assert (off[~normal] <= gemm._LOST_BITS).all()
    assert np.array_equal(np.signbit(rounded), np.signbit(exact))


def test_importing_the_module_loads_no_torch():
    code = "import sys, retrieval.ann.gemm; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "False"
