import sys

import numpy as np
import pytest

from retrieval.ann import training
from retrieval.ann.codebook import Codebook
from retrieval.ann.exact import NO_ID
from retrieval.ann.ivfpq import IvfPq, merge_candidates
from retrieval.ann.spec import IndexSpec, choose_spec
from retrieval.ann.training import train_codebook
from retrieval.errors import CorruptCollectionError, MissingDependencyError
from tests.retrieval.ann.arrays import clustered_rows, unit_rows

N, DIM, NLIST = 10_500, 16, 64
KINDS = ["ivf64,pq4", "ivf64,pq8x4fs", "opq4,ivf64,pq4", "opq8,ivf64_hnsw,pq8x4fs"]
EVERY_LIST = np.arange(NLIST)


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(0), N, DIM)


@pytest.fixture(scope="module", params=KINDS)
def spec(request):
    return IndexSpec.parse(request.param)


@pytest.fixture(scope="module")
def codebook(rows, spec):
    return train_codebook(rows, spec, seed=5)


@pytest.fixture(scope="module")
def coder(codebook):
    return Codebook(codebook)


@pytest.fixture(scope="module")
def index(rows, coder):
    return IvfPq(coder, [(coder.encode([(0, rows)]), N)])


def ask(index, coder, queries, k, lists=EVERY_LIST, **options):
    turned = coder.rotated(queries)
    return np.vstack([index.candidates(query, lists, k, **options)[1] for query in turned])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(rows, spec, codebook):
    assert train_codebook(rows, spec, seed=5) == codebook
    assert train_codebook(rows, spec, seed=6) != codebook


def test_candidates_hold_the_nearest_items(index, coder, rows):
    queries = unit_rows(np.random.default_rng(1), 50, DIM)
    found = ask(index, coder, queries, 200)
    nearest = np.argsort(-(queries @ rows.T), axis=1, kind="stable")[:, :10]
    recall = np.mean([np.isin(n, f).mean() for n, f in zip(nearest, found, strict=True)])
    assert recall > 0.9


def test_only_the_named_lists_are_visited(index, coder, rows):
    lists = coder.lists_of(rows)
    found = ask(index, coder, rows[:5], N, lists=np.array([3, 40]))
    expected = set(np.flatnonzero(np.isin(lists, [3, 40])))
    assert [set(row[row != NO_ID]) for row in found] == [expected] * 5


def test_only_allowed_rows_come_back(index, coder, rows):
    allowed = np.zeros(N, bool)
    allowed[[3, 77, N - 1]] = True
    found = ask(index, coder, rows[:5], 5, allowed=allowed)
    assert [set(row) for row in found.tolist()] == [{3, 77, N - 1, NO_ID}] * 5


def test_a_selector_changes_no_answer_where_it_allows_everything(index, coder):
    queries = unit_rows(np.random.default_rng(1), 20, DIM)
    all_allowed = np.ones(N, bool)
    some = np.arange(0, NLIST, 4)
    without = ask(index, coder, queries, 100, some)
    assert np.array_equal(ask(index, coder, queries, 100, some, allowed=all_allowed), without)


@pytest.mark.parametrize("cuts", [[], [1, 5000]])
def test_it_knows_the_list_of_each_row(rows, coder, cuts):
    pieces = np.split(rows, cuts)
    index = IvfPq(coder, [(coder.encode([(0, piece)]), len(piece)) for piece in pieces])
    assert np.array_equal(index.list_of, coder.lists_of(rows))
    assert np.array_equal(index.list_sizes, np.bincount(index.list_of, minlength=index.nlist))
    assert index.list_sizes is index.list_sizes  # asked for by every filtered search


@pytest.mark.parametrize("cuts", [[4000], [1, 5000, 5001], [8191]])
def test_segments_of_any_size_answer_like_one(rows, coder, index, cuts):
    queries = unit_rows(np.random.default_rng(3), 30, DIM)
    pieces = np.split(rows, cuts)
    many = IvfPq(coder, [(coder.encode([(0, piece)]), len(piece)) for piece in pieces])
    for lists in (EVERY_LIST, np.array([5, 6, 60])):
        expected = ask(index, coder, queries, 50, lists)
        assert np.array_equal(ask(many, coder, queries, 50, lists), expected)


def test_answers_are_places_in_a_given_order(rows, coder, index):
    shuffled = np.random.default_rng(4).permutation(N)
    codes = [(coder.encode([(0, rows[part])]), len(part)) for part in np.array_split(shuffled, 3)]
    many = IvfPq(coder, codes, order=shuffled)
    queries = unit_rows(np.random.default_rng(3), 30, DIM)
    expected = ask(index, coder, queries, 50)
    assert np.array_equal(ask(many, coder, queries, 50), expected)


def test_equal_vectors_keep_their_order_at_the_cut(rows):
    coder = Codebook(train_codebook(rows, IndexSpec.parse("ivf64,pq4"), seed=5))
    codes = [(coder.encode([(0, np.repeat(rows[:1], 20, axis=0))]), 20)] * 2
    in_turns = np.arange(40).reshape(20, 2).T.ravel()
    found = ask(IvfPq(coder, codes, in_turns), coder, rows[:1], 7)
    assert sorted(found[0].tolist()) == list(range(7))


def test_the_chunks_change_no_code(rows, coder):
    whole = coder.encode([(0, rows)])
    chunks = [(start, rows[start : start + 999]) for start in range(0, N, 999)]
    assert coder.encode(chunks) == whole
    assert coder.encode([]) != whole


def test_the_best_of_several_indexes_are_the_best_of_all(rows, coder, index):
    query = coder.rotated(unit_rows(np.random.default_rng(8), 1, DIM))[0]
    halves = rows[:6000], rows[6000:]
    found = []
    for first, half in zip((0, 6000), halves, strict=True):
        own = IvfPq(coder, [(coder.encode([(0, half)]), len(half))])
        scores, numbers = own.candidates(query, EVERY_LIST, 40)
        found.append((scores, numbers + first))
    together = merge_candidates(found, 40)
    whole = index.candidates(query, EVERY_LIST, 40)[1]
    assert len(np.intersect1d(together, whole)) >= 39  # codes that tie at the cut


def test_no_codes_give_empty_answers(coder):
    empty = IvfPq(coder, [])
    query = coder.rotated(np.ones((1, DIM), np.float32))[0]
    assert empty.candidates(query, EVERY_LIST, 5)[1].shape == (1, 0)


def test_bytes_that_faiss_cannot_read_are_corrupt(codebook, coder):
    faiss = pytest.importorskip("faiss")
    limit = faiss.get_deserialization_vector_byte_limit()
    with pytest.raises(CorruptCollectionError, match="cannot read"):
        Codebook(codebook[: len(codebook) // 2])
    with pytest.raises(CorruptCollectionError, match="begin as one"):
        IvfPq(coder, [(b"no codes", 1)])
    assert faiss.get_deserialization_vector_byte_limit() == limit


def test_codes_of_other_rows_or_of_another_codebook_are_corrupt(rows, coder):
    codes = coder.encode([(0, rows)])
    with pytest.raises(CorruptCollectionError, match="10499 rows"):
        IvfPq(coder, [(codes, N - 1)])
    for kind in ("ivf64,pq16", "ivf64,pq16x4fs"):
        other = Codebook(train_codebook(rows, IndexSpec.parse(kind), seed=5))
        if (other.code_bytes, other.is_fast) != (coder.code_bytes, coder.is_fast):
            with pytest.raises(CorruptCollectionError, match="another codebook"):
                IvfPq(other, [(codes, N)])


def test_without_faiss_the_error_names_the_extras(monkeypatch, rows):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError) as caught:
        training.train_codebook(rows, IndexSpec.parse("ivf64,pq4"), seed=0)
    assert "polyseek[cpu]" in caught.value.hint
    assert "polyseek[gpu]" in caught.value.hint


def test_a_codebook_of_the_chosen_sizes_reads_back():
    # FAISS counts a table of nlist * m * 256 floats against its limit when it reads an index.
    rows = unit_rows(np.random.default_rng(4), 10_000, 64)
    spec = choose_spec(10_000, 64)
    codes = Codebook(train_codebook(rows, spec, seed=0)).encode([(0, rows[:9])])
    assert len(codes) > 9 * spec.code_bytes


def test_centroids_outlive_their_codebook():
    rows = clustered_rows(np.random.default_rng(0), 2_000, DIM)
    data = train_codebook(rows, IndexSpec.parse("ivf8,pq4x4fs"), seed=5)
    centroids = Codebook(data).centroids
    kept = centroids.copy()
    for _ in range(20):
        Codebook(data)
    assert np.array_equal(centroids, kept)


def test_of_merged_codes_one_copy_stays(rows, coder):
    sources = [(coder.encode([(0, rows[at : at + 500])]), 500) for at in (0, 500)]
    merged = IvfPq(coder, sources)
    if coder.is_fast:
        assert coder.flat_lists(merged._lists).thisown  # or it would never be freed
        (flat,) = merged._kept.referenced_objects  # FAISS's own, of which the codes were packed
        assert flat.invlists.compute_ntotal() == 0
    assert merged._lists.compute_ntotal() == 1_000
