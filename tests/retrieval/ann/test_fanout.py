"""The permanent laws of the fan-out: many segments answer like one; all of it like exact search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.ann.codebook import Codebook
from retrieval.ann.exact import NO_ID
from retrieval.ann.fanout import AtOnce, FanOut, Part, SearchSettings
from retrieval.ann.routing import QueryParts
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, slow_ranking, unit_rows

N, DIM, NLIST = 10_200, 16, 64
IDS = np.arange(N) * 3 + 1
QUERIES = unit_rows(np.random.default_rng(9), 24, DIM)
EVERYTHING = SearchSettings(nprobe=NLIST, candidates=N)


@pytest.fixture(scope="module")
def rows():
    rows = clustered_rows(np.random.default_rng(0), N, DIM).astype(np.float16).astype(np.float32)
    rows[5000:5040] = rows[17]  # equal vectors: ties everywhere
    return rows


@pytest.fixture(scope="module", params=["ivf64,pq4", "opq4,ivf64,pq4", "ivf64,pq8x4fs"])
def spec(request):
    return IndexSpec.parse(request.param)


@pytest.fixture(scope="module")
def codebook(rows, spec):
    return train_codebook(rows, spec, seed=5)


@pytest.fixture(scope="module")
def coder(codebook):
    return Codebook(codebook)


def part(rows, members, coder=None):
    vectors = HalfRows(rows[members])
    codes = coder.encode(vectors.chunks(1000)) if coder else None
    return Part(IDS[members], vectors, codes)


@pytest.fixture(scope="module")
def one(rows, codebook, coder):
    return FanOut([part(rows, np.arange(N), coder)], codebook=codebook)


def assert_same(left, right):
    assert np.array_equal(left[1], right[1])
    assert np.array_equal(left[0], right[0])


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_many_segments_answer_like_one_bit_for_bit(data, one, rows, codebook, coder):
    n_parts = data.draw(st.integers(2, 7))
    shuffled = np.random.default_rng(data.draw(st.integers(0, 99))).integers(n_parts, size=N)
    owner = data.draw(st.sampled_from([shuffled, np.sort(shuffled)]))
    parts = [part(rows, np.flatnonzero(owner == number), coder) for number in range(n_parts)]
    many = FanOut(data.draw(st.permutations(parts)), codebook=codebook)
    k = data.draw(st.sampled_from([1, 10, 45]))
    chosen = SearchSettings(
        nprobe=data.draw(st.sampled_from([1, 3, 16, NLIST])),
        candidates=data.draw(st.sampled_from([10, 64])),
    )
    assert_same(many.search(QUERIES, k, chosen), one.search(QUERIES, k, chosen))


@pytest.mark.parametrize("k", [1, 10, 100])
def test_all_lists_and_all_candidates_equal_exact_search(one, rows, k):
    assert not one.is_exact
    found = one.search(QUERIES, k, EVERYTHING)
    assert_same(found, one.search(QUERIES, k))
    for number, query in enumerate(QUERIES[:3]):
        expected = slow_ranking(rows, IDS, query, k)
        assert (found[0][number].tolist(), found[1][number].tolist()) == expected


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_batch_changes_no_answer(one, n_threads):
    faiss = pytest.importorskip("faiss")
    chosen, before = SearchSettings(nprobe=4, candidates=50), faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(n_threads)  # three: each gets eight queries
    try:
        together = one.search(QUERIES, 10, chosen)
    finally:
        faiss.omp_set_num_threads(before)
    alone = [one.search(query[None], 10, chosen) for query in QUERIES]
    assert_same(together, (np.vstack([s for s, _ in alone]), np.vstack([i for _, i in alone])))


def test_segments_without_codes_are_searched_exactly_and_merged(one, rows, codebook, coder):
    parts = [
        part(rows, np.arange(8000), coder),
        part(rows, np.arange(8000, N)),
    ]
    mixed = FanOut(parts, codebook=codebook)
    assert_same(mixed.search(QUERIES, 10, EVERYTHING), one.search(QUERIES, 10))
    newest = mixed.search(rows[-3:], 1, SearchSettings(nprobe=1, candidates=10))
    assert newest[1][:, 0].tolist() == IDS[-3:].tolist()


def test_without_codes_every_search_is_exact(one, rows):
    plain = FanOut([part(rows, np.arange(N))])
    assert plain.is_exact
    assert_same(plain.search(QUERIES, 10, EVERYTHING), one.search(QUERIES, 10))


@pytest.mark.parametrize("chosen", [None, SearchSettings(nprobe=2, candidates=10), EVERYTHING])
def test_deleted_items_never_show_and_k_is_still_filled(rows, codebook, coder, chosen):
    whole = part(rows, np.arange(N), coder)
    best = FanOut([whole], codebook=codebook).search(QUERIES, 50)[1]
    dead = np.union1d(best, [10**9])  # ids that no segment holds any more may stay listed
    few = FanOut([whole], codebook=codebook, dead=dead)
    assert few.n_live == N - len(np.unique(best))
    _, ids = few.search(QUERIES, 50, chosen)
    assert ids.shape == (len(QUERIES), 50)
    assert not np.isin(ids, dead).any()
    assert (ids > 0).all()


@pytest.mark.parametrize("chosen", [None, SearchSettings(nprobe=1, candidates=1)])
def test_a_k_beyond_the_gallery_gives_every_live_item_in_order(rows, codebook, coder, chosen):
    small = FanOut([part(rows, np.arange(300), coder)], codebook=codebook, dead=IDS[:100])
    scores, ids = small.search(QUERIES, 10**6, chosen)
    assert ids.shape == (len(QUERIES), 200)
    expected = slow_ranking(rows[100:300], IDS[100:300], QUERIES[0], 10**6)
    assert (scores[0].tolist(), ids[0].tolist()) == expected


def test_an_empty_gallery_and_no_queries_give_empty_answers(one):
    nothing = FanOut([])
    assert nothing.search(QUERIES, 5)[1].shape == (len(QUERIES), 0)
    assert len(one.search(QUERIES[:0], 5)[1]) == 0


def test_vectors_come_back_by_position_whatever_their_segment(rows):
    owner = np.arange(N) % 4
    parts = [part(rows, np.flatnonzero(owner == number)) for number in range(4)]
    fan = FanOut(parts)
    positions = np.array([5, 17, 4, 5, N - 1])
    assert np.array_equal(fan.vectors_of(positions), rows[positions])
    assert np.array_equal(fan.vectors_of(positions[::-1]), rows[positions[::-1]])
    assert [each.tolist() for each in parts[1].vectors.checked] == [[1, 4, 1]]


@pytest.mark.parametrize("chosen", [None, SearchSettings(nprobe=2, candidates=10), EVERYTHING])
@pytest.mark.parametrize("n_excluded", [1, 30])
def test_excluded_items_never_show_and_k_is_still_filled(one, chosen, n_excluded):
    best = one.search(QUERIES, n_excluded, chosen)[1]
    excluded = [np.unique([*row, 10**9]) for row in best]
    excluded[0] = np.empty(0, np.int64)
    scores, ids = one.search(QUERIES, 10, chosen, excluded)
    assert ids.shape == (len(QUERIES), 10)
    assert (ids > 0).all()
    assert not any(
        np.isin(row, unwanted).any() for row, unwanted in zip(ids, excluded, strict=True)
    )
    for number in range(len(QUERIES)):
        alone = one.search(QUERIES[number : number + 1], 10, chosen, [excluded[number]])
        assert_same(alone, (scores[number : number + 1], ids[number : number + 1]))
    deep_scores, deep_ids = one.search(QUERIES, 10 + n_excluded)
    if chosen in (None, EVERYTHING):
        kept = ~np.isin(deep_ids[1], excluded[1])
        assert ids[1].tolist() == deep_ids[1][kept][:10].tolist()
        assert scores[1].tolist() == deep_scores[1][kept][:10].tolist()


@pytest.mark.parametrize("kind", ["coded", "mixed", "plain"])
@pytest.mark.parametrize("n_only", [None, 40, 8000])
def test_what_is_looked_at_is_what_a_search_for_as_many_ranks(rows, codebook, coder, kind, n_only):
    n_coded = {"coded": N, "mixed": 8000, "plain": 0}[kind]
    halves = np.split(np.arange(N), [8000])
    parts = [part(rows, each, coder if each[-1] < n_coded else None) for each in halves]
    dead = IDS[::7]
    fan_out = FanOut(parts, codebook=codebook if n_coded else None, dead=dead)
    only = None if n_only is None else IDS[:: N // n_only]
    # A code for each of the 200, as they are brought to be ranked by more than the cosine.
    chosen = SearchSettings(nprobe=3, candidates=10, may_fall_short=True)
    for query in QUERIES[:8]:
        own = QueryParts.single(query)
        excluded = np.sort(fan_out.search(query[None], 30, chosen, (), [own], only)[1][0, ::3])
        excluded = np.union1d(excluded, [IDS[7], 10**9])  # one is deleted, one unknown
        _, ids = fan_out.search(query[None], 200, chosen, [excluded], [own], only)
        found = fan_out.looked_at(query, 200, chosen, excluded, own, only)
        found = found[found != NO_ID]
        assert sorted(fan_out.ids[found]) == sorted(ids[ids != NO_ID])
        assert not np.isin(fan_out.ids[found], np.union1d(excluded, dead)).any()


def test_the_answer_is_as_wide_as_the_query_with_most_items_left(rows):
    few = FanOut([part(rows, np.arange(4))])
    _, ids = few.search(QUERIES[:2], 10, None, [IDS[:1], IDS[:3]])
    assert ids.shape == (2, 3)
    assert ids[1].tolist() == [IDS[3], -1, -1]
    assert few.search(QUERIES[:1], 10, None, [IDS[:4]])[1].shape == (1, 0)


def test_positions_are_found_for_live_items_only(rows):
    fan = FanOut([part(rows, np.arange(10))], dead=IDS[4:5])
    asked = np.array([IDS[0], IDS[4], IDS[9], 2, 10**9])
    assert fan.positions_of(asked).tolist() == [0, -1, 9, -1, -1]
    assert FanOut([]).positions_of(asked).tolist() == [-1] * 5


@pytest.mark.parametrize("at_once", [AtOnce(40, 1), AtOnce(300, 2)])
def test_how_much_is_done_at_a_time_changes_no_answer(rows, codebook, coder, one, at_once):
    coded = part(rows, np.arange(N - 500), coder)
    parts = [coded, part(rows, np.arange(N - 500, N))]
    dead = IDS[::37]
    few = FanOut(parts, codebook=codebook, dead=dead, at_once=at_once)
    many = FanOut(parts, codebook=codebook, dead=dead)
    excluded = [IDS[number : number + 3] for number in range(len(QUERIES))]
    for only in (None, IDS[::2], IDS[5:40]):
        for settings_ in (None, SearchSettings(4, 60)):
            options = {"settings": settings_, "excluded": excluded, "only": only}
            assert_same(few.search(QUERIES, 25, **options), many.search(QUERIES, 25, **options))


def test_ids_of_dead_items_that_no_segment_has_are_no_harm(rows):
    fan = FanOut([part(rows, np.arange(10))], dead=np.array([IDS[2], IDS[2] + 10**9, -5]))
    assert fan.n_live == 9
    assert fan.positions_of(IDS[1:4]).tolist() == [1, -1, 3]
