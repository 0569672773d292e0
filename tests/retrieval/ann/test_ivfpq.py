import sys

import numpy as np
import pytest

from retrieval.ann import ivfpq
from retrieval.ann.exact import NO_ID
from retrieval.ann.ivfpq import Codebook, IvfPq, train_codebook
from retrieval.ann.spec import IndexSpec, choose_spec
from retrieval.errors import CorruptCollectionError, MissingDependencyError
from tests.retrieval.ann.arrays import clustered_rows, unit_rows

N, DIM, NLIST = 10_500, 16, 64
SPEC = IndexSpec("ivfpq", nlist=NLIST, m=4)
IDS = np.arange(N) * 2 + (1 << 40)


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(0), N, DIM)


@pytest.fixture(scope="module")
def codebook(rows):
    return train_codebook(rows, SPEC, seed=5)


@pytest.fixture(scope="module")
def index(rows, codebook):
    return IvfPq(codebook, [Codebook(codebook).encode([(0, rows)], IDS)], IDS)


def recall(index, rows, queries, **parameters):
    found = index.candidates(queries, 100, **parameters)
    nearest = np.argsort(-(queries @ rows.T), axis=1, kind="stable")[:, :10]
    return np.mean([np.isin(n, f).mean() for n, f in zip(nearest, found, strict=True)])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(rows, codebook):
    assert train_codebook(rows, SPEC, seed=5) == codebook
    assert train_codebook(rows, SPEC, seed=6) != codebook


def test_candidates_hold_the_nearest_items(index, rows):
    queries = unit_rows(np.random.default_rng(1), 50, DIM)
    assert recall(index, rows, queries, nprobe=NLIST) > 0.9


def test_a_selector_does_not_reset_nprobe_to_one(index, rows):
    queries = unit_rows(np.random.default_rng(1), 50, DIM)
    all_allowed = np.ones(N, bool)
    for nprobe in (1, 16, NLIST):
        without = index.candidates(queries, 100, nprobe=nprobe)
        within = index.candidates(queries, 100, nprobe=nprobe, allowed=all_allowed)
        assert np.array_equal(without, within)
    assert recall(index, rows, queries, nprobe=1) < 0.5 < recall(index, rows, queries, nprobe=16)


def test_only_allowed_positions_come_back(index, rows):
    allowed = np.zeros(N, bool)
    allowed[[3, 77, N - 1]] = True
    found = index.candidates(rows[:5], 5, nprobe=NLIST, allowed=allowed)
    assert [set(row) for row in found.tolist()] == [{3, 77, N - 1, NO_ID}] * 5


def test_the_batch_changes_no_answer(index):
    queries = unit_rows(np.random.default_rng(2), 70, DIM)
    together = index.candidates(queries, 20, nprobe=8)
    alone = [index.candidates(query[None], 20, nprobe=8)[0] for query in queries]
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("nprobe", [1, 5, NLIST, 10 * NLIST])
def test_segments_in_any_order_and_size_answer_like_one(rows, codebook, index, nprobe):
    queries = unit_rows(np.random.default_rng(3), 30, DIM)
    coder = Codebook(codebook)
    interleaved = [np.arange(N) % 3 == rest for rest in (2, 0, 1)]
    blocks = [np.arange(N) // 4000 == number for number in range(3)]
    expected = index.candidates(queries, 50, nprobe=nprobe)
    for split in (interleaved, blocks):
        codes = [coder.encode([(0, rows[part])], IDS[part]) for part in split]
        many = IvfPq(codebook, codes, IDS)
        assert np.array_equal(many.candidates(queries, 50, nprobe=nprobe), expected)


def test_equal_vectors_keep_the_order_of_their_ids_at_the_cut(codebook, rows):
    same = np.repeat(rows[:1], 40, axis=0)
    ids = np.arange(40)
    coder = Codebook(codebook)
    codes = [
        coder.encode([(0, same[part])], ids[part]) for part in (slice(1, 40, 2), slice(0, 40, 2))
    ]
    found = IvfPq(codebook, codes, ids).candidates(rows[:1], 7, nprobe=NLIST)
    assert sorted(found[0].tolist()) == list(range(7))


def test_the_chunks_change_no_code(rows, codebook):
    coder = Codebook(codebook)
    whole = coder.encode([(0, rows)], IDS)
    chunks = [(start, rows[start : start + 999]) for start in range(0, N, 999)]
    assert coder.encode(chunks, IDS) == whole
    assert coder.encode([], IDS[:0]) != whole


def test_no_queries_and_no_codes_give_empty_answers(index, codebook):
    assert index.candidates(np.empty((0, DIM), np.float32), 5, nprobe=1).shape == (0, 5)
    empty = IvfPq(codebook, [], IDS[:0])
    assert empty.candidates(np.ones((2, DIM), np.float32), 5, nprobe=1).shape == (2, 0)


def test_nprobe_below_one_is_a_programmers_mistake(index, rows):
    with pytest.raises(ValueError, match="nprobe"):
        index.candidates(rows[:1], 5, nprobe=0)


def test_bytes_that_faiss_cannot_read_are_corrupt(codebook):
    faiss = pytest.importorskip("faiss")
    limit = faiss.get_deserialization_vector_byte_limit()
    with pytest.raises(CorruptCollectionError, match="cannot read"):
        Codebook(codebook[: len(codebook) // 2])
    with pytest.raises(CorruptCollectionError, match="cannot read"):
        IvfPq(codebook, [b"no codes"], IDS)
    assert faiss.get_deserialization_vector_byte_limit() == limit


def test_codes_of_other_items_or_of_another_codebook_are_corrupt(rows, codebook):
    codes = Codebook(codebook).encode([(0, rows)], IDS)
    with pytest.raises(CorruptCollectionError, match="does not hold"):
        IvfPq(codebook, [codes], IDS[:-1])
    with pytest.raises(CorruptCollectionError, match="does not hold"):
        IvfPq(codebook, [codes], IDS + 1)
    other = train_codebook(rows, IndexSpec("ivfpq", nlist=NLIST, m=8), seed=5)
    with pytest.raises(CorruptCollectionError, match="another codebook"):
        IvfPq(other, [codes], IDS)


def test_without_faiss_the_error_names_the_extras(monkeypatch, rows):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError) as caught:
        ivfpq.train_codebook(rows, SPEC, seed=0)
    assert "polyseek[cpu]" in caught.value.hint
    assert "polyseek[gpu]" in caught.value.hint


def test_a_codebook_of_the_chosen_sizes_reads_back():
    # FAISS counts a table of nlist * m * 256 floats against its limit when it reads an index.
    rows = unit_rows(np.random.default_rng(4), 10_000, 64)
    spec = choose_spec(10_000, 64)
    codes = Codebook(train_codebook(rows, spec, seed=0)).encode([(0, rows[:9])], np.arange(9))
    assert len(codes) > 9 * spec.m
