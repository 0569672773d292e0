"""Codes on a GPU: a CPU index that ignores selectors, as faiss-gpu does, stands in for one."""

import numpy as np
import pytest

from retrieval.ann import coded, gpu_codes
from retrieval.ann.codebook import Codebook
from retrieval.ann.exact import NO_ID
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.ann.gpu_codes import GpuCodes, gpu_device, n_gpus
from retrieval.ann.ivfpq import IvfPq
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, unit_rows

N, DIM, NLIST = 10_500, 16, 32
KINDS = ["ivf32,pq4", "ivf32,pq8x4fs", "opq8,ivf32_hnsw,pq8x4fs"]


class StandIn:
    """A plain index on the CPU with the limits of one on a GPU, and without its selector."""

    def __init__(self, plain):
        self.plain = plain
        self.depths = []

    def search_preassigned_c(self, n, queries, k, *rest):
        *pointers, store_pairs, parameters, stats = rest
        assert k <= gpu_codes.MOST
        assert parameters.nprobe <= gpu_codes.MOST
        assert not store_pairs
        assert stats is None
        self.depths.append(k)
        blind = load_faiss().SearchParametersIVF(nprobe=parameters.nprobe)
        self.plain.search_preassigned_c(n, queries, k, *pointers, False, blind, None)


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(0), N, DIM)


@pytest.fixture(scope="module", params=KINDS)
def book(request, rows):
    return Codebook(train_codebook(rows, IndexSpec.parse(request.param), seed=5))


@pytest.fixture
def both(book, rows):
    on_cpu = IvfPq(book, [(book.encode([(0, rows)]), N)])
    return on_cpu, GpuCodes(book, on_cpu, StandIn)


def asked(book, n, seed=1):
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(NLIST)[: 3 + number % 9] for number in range(n)]
    return book.rotated(unit_rows(rng, n, DIM)), lists


def same_rows(found, on_cpu, queries, lists, k, allowed, tolerance):
    """All but what lies at the cut: plain codes are summed otherwise than FastScan's."""
    shared = []
    for number, (query, own) in enumerate(zip(queries, lists, strict=True)):
        _, expected = on_cpu.candidates(query, own, k, allowed=allowed)
        assert (found[number] != NO_ID).sum() == (expected[0] != NO_ID).sum()
        shared.append(np.isin(expected[0], found[number]).mean())
    assert np.mean(shared) >= tolerance


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_hidden_rows_never_show_and_all_others_do(both, book, share):
    on_cpu, gpu = both
    allowed = np.random.default_rng(2).random(N) < share
    queries, lists = asked(book, 40)
    scores, found = gpu.candidates(queries, lists, 30, allowed=allowed)
    assert allowed[found[found != NO_ID]].all()
    assert (np.diff(scores, axis=1) <= 0)[found[:, 1:] != NO_ID].all()
    same_rows(found, on_cpu, queries, lists, 30, allowed, 0.9 if book.is_fast else 0.999)


def test_hidden_rows_that_crowd_the_top_are_asked_past(both, book):
    on_cpu, gpu = both
    queries, lists = asked(book, 12)
    allowed = np.ones(N, np.bool_)
    for query, own in zip(queries, lists, strict=True):
        allowed[on_cpu.candidates(query, own, 300)[1][0]] = False
    _, found = gpu.candidates(queries, lists, 10, allowed=allowed)
    assert allowed[found[found != NO_ID]].all()
    same_rows(found, on_cpu, queries, lists, 10, allowed, 0.85 if book.is_fast else 0.999)
    depths = gpu._index.depths
    assert len(depths) > 1
    assert depths == sorted(depths)


def test_what_a_gpu_cannot_is_done_by_the_cpu(both, book, monkeypatch):
    on_cpu, gpu = both
    queries, lists = asked(book, 12)
    monkeypatch.setattr(gpu_codes, "MOST", 6)
    few = np.zeros(N, np.bool_)
    few[::500] = True
    for k, allowed in ((3, None), (9, None), (3, few)):
        _, found = gpu.candidates(queries, lists, k, allowed=allowed)
        for number in range(12):
            if len(lists[number]) > 6 or k > 6 or allowed is not None:
                expected = on_cpu.candidates(queries[number], lists[number], k, allowed=allowed)
                assert np.array_equal(found[number], expected[1][0])


def test_nothing_allowed_and_no_queries_give_nothing(both, book):
    _, gpu = both
    queries, lists = asked(book, 2)
    _, none = gpu.candidates(queries, lists, 4, allowed=np.zeros(N, np.bool_))
    assert none.tolist() == [[NO_ID] * 4] * 2
    assert gpu.candidates(queries[:0], [], 4)[1].shape == (0, 4)


def test_a_gallery_with_deletes_answers_the_same_with_its_codes_on_a_device(rows, monkeypatch):
    codebook = train_codebook(rows, IndexSpec.parse("ivf32,pq8x4fs"), seed=5)
    book, ids = Codebook(codebook), np.arange(N) * 3
    cuts = [slice(0, 4_000), slice(4_000, N)]
    parts = [Part(ids[cut], HalfRows(rows[cut]), book.encode([(0, rows[cut])])) for cut in cuts]
    monkeypatch.setattr(coded, "OWN_INDEX_ROWS", 5_000)
    options = {"codebook": codebook, "dead": ids[::5]}
    plain = FanOut(parts, **options)
    monkeypatch.setattr(
        coded, "gpu_codes", lambda book, on_cpu, device: GpuCodes(book, on_cpu, StandIn)
    )
    moved = FanOut(parts, **options)
    queries = unit_rows(np.random.default_rng(3), 30, DIM)
    for settings in (SearchSettings(NLIST, N), SearchSettings(8, 200)):
        for only in (None, ids[: N // 2]):
            expected = plain.search(queries, 10, settings, only=only)
            found = moved.search(queries, 10, settings, only=only)
            assert (found[1] == expected[1]).mean() > 0.99
            assert not np.isin(found[1], ids[::5]).any()


def test_without_a_gpu_of_faiss_codes_stay_where_they_are(monkeypatch):
    monkeypatch.setattr(gpu_codes, "n_gpus", lambda: 0)
    assert [gpu_device(each) for each in ("auto", "cpu", "cuda", "mps")] == ["cpu"] * 4


@pytest.mark.gpu
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_codes_on_a_gpu_find_what_those_on_the_cpu_find(book, rows, share):
    if not n_gpus():
        pytest.skip("needs faiss-gpu and a CUDA device")
    on_cpu = IvfPq(book, [(book.encode([(0, rows)]), N)])
    gpu = gpu_codes.gpu_codes(book, on_cpu, "cuda")
    assert gpu is not None
    allowed = np.random.default_rng(2).random(N) < share
    queries, lists = asked(book, 300)
    _, found = gpu.candidates(queries, lists, 30, allowed=allowed)
    assert allowed[found[found != NO_ID]].all()
    same_rows(found, on_cpu, queries, lists, 30, allowed, 0.9)
