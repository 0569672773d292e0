"""Batches go through torch, answers stay those of exact search; torch is loaded for no less."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from retrieval.ann import gemm, product_scan, resident
from retrieval.ann.exact import exact_search
from retrieval.ann.fanout import FanOut, Part
from retrieval.ann.product_scan import ProductScan
from retrieval.errors import EncoderUnavailableError
from tests.contracts.exact_search import ExactSearchContract
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, unit_rows

N, DIM = 3000, 24
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture
def always(monkeypatch):
    """Every exact search goes by the product; the rows that it ranked are counted."""
    ranked = []

    def counting(rows, *rest, **named):
        ranked.append((rows.n, rows.kept is not None))
        return gemm.gemm_search(rows, *rest, **named)

    monkeypatch.setattr(product_scan, "BATCH_QUERIES", 1)
    monkeypatch.setattr(product_scan, "BATCH_ROWS", 1)
    monkeypatch.setattr(product_scan, "cpu_bf16_gain", lambda: 2.0)
    monkeypatch.setattr(product_scan, "gemm_search", counting)
    return ranked


@pytest.fixture
def roomy(monkeypatch):
    """A CPU that keeps rows resident as a CUDA device does."""
    monkeypatch.setattr(resident, "free_bytes", lambda device: 1 << 30)


def needs(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


def three_parts(rows, ids):
    owner = np.random.default_rng(4).integers(3, size=len(rows))
    members = [np.flatnonzero(owner == number) for number in range(3)]
    return [Part(ids[own], HalfRows(rows[own])) for own in members if len(own)]


def same(found, expected):
    return all(np.array_equal(*each) for each in zip(found, expected, strict=True))


@pytest.mark.usefixtures("always")
class TestFanOutByProduct(ExactSearchContract):
    """The contract through the fan-out, streamed and over several segments."""

    module = gemm
    device = "cpu"

    def search(self, vectors, ids, queries, k, *, allowed=None):
        rows = vectors.gather_half(np.arange(vectors.n))
        dead = None if allowed is None else ids[~allowed]
        return FanOut(three_parts(rows, ids), dead=dead, device=self.device).search(queries, k)

    def test_no_queries_give_no_answers(self):
        rows = HalfRows(np.eye(3))  # the fan-out's width is that of the longest answer: none here
        scores, ids = self.search(rows, np.arange(3), np.empty((0, 3), np.float32), 2)
        assert scores.shape == ids.shape == (0, 0)


@pytest.mark.usefixtures("roomy")
class TestFanOutByProductResident(TestFanOutByProduct):
    """Likewise, with the rows kept in the device's memory."""


@pytest.mark.gpu
class TestFanOutOnCuda(TestFanOutByProduct):
    """Likewise, on a device."""

    device = "cuda"

    @pytest.fixture(autouse=True)
    def cuda(self):
        needs("cuda")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("k", [1, 10, 200])
def test_a_batch_answers_like_one_by_one_bit_for_bit(monkeypatch, device, k):
    needs(device)
    monkeypatch.setattr(product_scan, "BATCH_ROWS", N // 2)
    monkeypatch.setattr(product_scan, "cpu_bf16_gain", lambda: 2.0)
    rng = np.random.default_rng(k)
    ids = np.arange(N) * 2 + 5
    rows, queries = clustered_rows(rng, N, DIM), unit_rows(rng, 30, DIM)
    fan = FanOut(three_parts(rows, ids), dead=ids[::7], device=device)
    excluded = [ids[number : number + number % 3] for number in range(30)]
    for only in (None, ids[: N * 2 // 3]):
        together = fan.search(queries, k, excluded=excluded, only=only)
        for number in range(30):
            own = [excluded[number]]
            alone = fan.search(queries[number : number + 1], k, excluded=own, only=only)
            width = alone[0].shape[1]
            assert np.array_equal(together[0][number, :width], alone[0][0])
            assert np.array_equal(together[1][number, :width], alone[1][0])


def test_dead_and_filtered_rows_are_read_past_wherever_the_rows_lie(always, monkeypatch):
    rng = np.random.default_rng(1)
    ids, queries = np.arange(N), unit_rows(rng, 5, DIM)
    half = HalfRows(clustered_rows(rng, N, DIM))
    rows = half.gather_half(ids)
    allowed = rng.random(N) < 0.7
    expected = exact_search(half, ids, queries, 10, allowed=allowed)
    for free in (0, 1 << 30):
        monkeypatch.setattr(resident, "free_bytes", lambda device, free=free: free)
        assert same(
            FanOut(three_parts(rows, ids), dead=ids[~allowed]).search(queries, 10), expected
        )
        assert same(FanOut([Part(ids, half)]).search(queries, 10, only=ids[allowed]), expected)
    n = int(allowed.sum())
    assert always == [(n, False), (n, False), (n, True), (n, True)]


def test_rows_stay_resident_up_to_a_share_of_the_free_memory(monkeypatch):
    fan = FanOut([Part(np.arange(100), HalfRows(unit_rows(np.random.default_rng(2), 100, 8)))])
    need = 2 * 100 * 8
    for free, fits in ((2 * need, True), (2 * need - 1, False)):
        monkeypatch.setattr(resident, "free_bytes", lambda device, free=free: free)
        kept = resident.copied_rows(fan, 100, 8, "cpu")
        assert (kept is not None) == fits
        assert kept is None or np.array_equal(kept.numpy(), fan.halves_of(np.arange(100)))


def test_memory_that_others_took_is_no_error(monkeypatch, roomy):
    def full(*shape, **kind):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch, "empty", full)
    fan = FanOut([Part(np.arange(4), HalfRows(np.eye(4)))])
    assert resident.copied_rows(fan, 4, 4, "cpu") is None


def test_rows_are_copied_once(always, roomy, monkeypatch):
    vectors = HalfRows(unit_rows(np.random.default_rng(3), 50, 8))
    fan = FanOut([Part(np.arange(50), vectors)])
    fan.search(np.eye(8, dtype=np.float32), 3)
    assert vectors.n_reads == 1 + 8  # the copy, and the near rows of eight queries
    fan.search(np.eye(8, dtype=np.float32), 3)
    assert vectors.n_reads == 1 + 16


@pytest.mark.parametrize(
    ("rows", "queries", "gain", "expected"),
    [
        (product_scan.BATCH_ROWS, product_scan.BATCH_QUERIES, 1.5, True),
        (product_scan.BATCH_ROWS - 1, product_scan.BATCH_QUERIES, 1.5, False),
        (product_scan.BATCH_ROWS, product_scan.BATCH_QUERIES - 1, 1.5, False),
        (product_scan.BATCH_ROWS, product_scan.BATCH_QUERIES, 0.9, False),
        (0, 100, 1.5, False),
        (100_000, 0, 1.5, False),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_on_a_cpu_only_batches_over_many_rows_go_by_the_product(
    monkeypatch, device, rows, queries, gain, expected
):
    monkeypatch.setattr(product_scan, "cpu_bf16_gain", lambda: gain)
    assert ProductScan(None, rows, device).serves(rows, queries) is expected


def test_on_cuda_every_number_of_queries_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for device in ("auto", "cuda"):
        assert ProductScan(None, 10, device).serves(10, 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not ProductScan(None, 10, "auto").serves(10, 1)
    with pytest.raises(EncoderUnavailableError, match="cuda"):
        ProductScan(None, 10, "cuda").serves(10, 1)


def test_a_small_gallery_asked_one_question_at_a_time_loads_no_torch():
    code = """
import sys
import numpy as np
from retrieval.ann.fanout import FanOut, Part
from tests.retrieval.ann.arrays import HalfRows
fan = FanOut([Part(np.arange(8), HalfRows(np.eye(8)))], device="auto")
fan.search(np.eye(8, dtype=np.float32)[:1], 3)
fan.search(np.eye(8, dtype=np.float32), 3)
print("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "False"
