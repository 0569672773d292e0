"""Searches among some of the items: as good as among all, full, and equal to exact where exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.perf.synthetic import CrossModalSpace
from retrieval.ann.codebook import Codebook
from retrieval.ann.exact import NO_ID
from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.ann.spec import IndexSpec
from retrieval.ann.subset import FEW_ITEMS, is_cheaper_in_full, lowered, runs_against, widened
from retrieval.ann.training import train_codebook
from tests.retrieval.ann.arrays import HalfRows, slow_ranking

N, DIM, NLIST, K = 24_000, 64, 128, 10
SPACE = CrossModalSpace(DIM)
QUERIES = {"image": SPACE.images(N + 200)[N:], "text": SPACE.texts(200)}
IDS = np.arange(N) * 2 + 5


@pytest.fixture(scope="module")
def rows():
    rows = SPACE.images(N).astype(np.float16).astype(np.float32)
    rows[7000:7020] = rows[3]  # ties
    return rows


@pytest.fixture(scope="module")
def codebook(rows):
    return train_codebook(rows[:10_000], IndexSpec("ivfpq", nlist=NLIST, m=16), seed=5)


@pytest.fixture(scope="module")
def fan_out(rows, codebook):
    """Three coded parts, one without codes, and some deleted items."""
    owner = np.random.default_rng(1).integers(4, size=N)
    parts = []
    for number in range(4):
        mine = np.flatnonzero(owner == number) if number < 3 else np.arange(0)
        mine = np.union1d(mine, np.flatnonzero(owner == 3)[100:]) if number == 0 else mine
        mine = np.flatnonzero(owner == 3)[:100] if number == 3 else mine
        vectors = HalfRows(rows[mine])
        codes = Codebook(codebook).encode(vectors.chunks(4096)) if number < 3 else None
        parts.append(Part(IDS[mine], vectors, codes))
    return FanOut(parts, codebook=codebook, dead=IDS[::50])


def recall(found, exact):
    shares = [
        len(set(left) & set(right) - {NO_ID}) / (right != NO_ID).sum()
        for left, right in zip(found, exact, strict=True)
    ]
    return np.mean(shares)


@pytest.fixture(scope="module")
def chosen_settings(fan_out):
    """For each modality the fewest lists that find 0.9 of the unfiltered top 10."""
    found = {}
    for name, queries in QUERIES.items():
        exact = fan_out.search(queries, K)[1]
        for nprobe in range(1, NLIST + 1):
            each = SearchSettings(nprobe, 100)
            reached = recall(fan_out.search(queries, K, each)[1], exact)
            if reached >= 0.9:
                found[name] = each, reached
                break
    return found


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_filtered_recall_is_not_below_the_unfiltered(fan_out, chosen_settings, modality, share):
    queries, (how, unfiltered) = QUERIES[modality], chosen_settings[modality]
    kept = np.sort(np.random.default_rng(7).choice(IDS, int(N * share), replace=False))
    n_living = len(np.setdiff1d(kept, IDS[::50]))
    found = fan_out.search(queries, K, how, only=kept)[1]
    assert found.shape == (len(queries), min(K, n_living))
    assert (found != NO_ID).all()
    assert np.isin(found, kept).all()
    assert recall(found, fan_out.search(queries, K, only=kept)[1]) >= unfiltered


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_without_settings_it_is_exact_search_over_the_subset(fan_out, rows, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    share = data.draw(st.sampled_from([0.0001, 0.001, 0.02]))
    kept = np.flatnonzero(rng.random(N) < share)
    kept = np.union1d(kept, np.arange(7000, 7000 + data.draw(st.integers(0, 20))))
    k = data.draw(st.sampled_from([1, 10, 60]))
    query = QUERIES["text"][data.draw(st.integers(0, 99))]
    excluded = rng.choice(IDS, 200, replace=False)
    shown = kept[(kept % 50 != 0) & ~np.isin(IDS[kept], excluded)]
    scores, ids = fan_out.search(query[None], k, None, [excluded], only=IDS[kept])
    expected = slow_ranking(rows[shown], IDS[shown], query, k)
    assert (scores[0].tolist(), ids[0].tolist()) == expected


def test_all_lists_and_candidates_equal_exact_search_over_the_subset(fan_out):
    queries = QUERIES["text"][:20]
    kept = IDS[np.random.default_rng(3).random(N) < 0.4]
    everything = SearchSettings(NLIST, N)
    left = fan_out.search(queries, K, SearchSettings(NLIST, 2_400), only=kept)
    right = fan_out.search(queries, K, only=kept)
    assert np.array_equal(left[1], right[1])
    assert np.array_equal(left[0], right[0])
    # So many candidates cost more than all that is kept; then all of it is scored.
    assert np.array_equal(fan_out.search(queries, K, everything, only=kept)[1], right[1])


def test_unknown_and_deleted_ids_add_nothing_and_no_ids_give_no_answers(fan_out):
    how = SearchSettings(2, 50)
    queries = QUERIES["image"][:3]
    scores, ids = fan_out.search(queries, K, how, only=np.array([-4, 5, 6, 10**9]))  # 5 is deleted
    assert scores.shape == ids.shape == (3, 0)
    assert fan_out.search(queries, K, how, only=np.empty(0, np.int64))[1].shape == (3, 0)
    one = fan_out.search(queries, K, how, only=np.array([6, 7]))[1]
    assert one.tolist() == [[7]] * 3


def test_a_query_that_lists_leave_short_is_answered_from_the_subset_alone(fan_out):
    # All that is kept lies in the lists that are least like the query.
    query = QUERIES["image"][:1]
    ranked = fan_out.search(query, N)[1][0]
    kept = np.sort(ranked[-3_000:])
    found = fan_out.search(query, K, SearchSettings(1, 10), only=kept)[1]
    assert found.tolist() == fan_out.search(query, K, only=kept)[1].tolist()


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("share", [0.5, 0.2])
def test_filters_that_leave_out_what_is_near_cost_no_recall(
    fan_out, rows, chosen_settings, modality, share
):
    how, unfiltered = chosen_settings[modality]
    found, exact = [], []
    for query in QUERIES[modality][:40]:
        ranked = np.argsort(rows @ query)
        kept = np.sort(IDS[ranked[: int(N * share)]])
        found.append(fan_out.search(query[None], K, how, only=kept)[1][0])
        exact.append(fan_out.search(query[None], K, only=kept)[1][0])
    assert (np.array(found) != NO_ID).all()
    assert recall(found, exact) >= unfiltered


def test_a_filter_runs_against_a_query_whose_lists_hold_too_little_of_what_is_kept():
    kept, codes = np.array([40, 39, 400, 0]), np.array([100, 100, 1000, 0])
    assert runs_against(kept, codes, 0.5).tolist() == [False, True, False, False]


def test_how_far_to_look():
    assert widened(8, 1000, 1.0) == 8
    assert widened(8, 1000, 0.25) == 24
    assert widened(8, 1000, 0.01) == 120
    assert widened(8, 100, 0.01) == 100
    assert is_cheaper_in_full(FEW_ITEMS, 0, 10)
    assert not is_cheaper_in_full(FEW_ITEMS + 1, 90_000, 100)
    assert is_cheaper_in_full(5_000, 245_000, 100)
    assert not is_cheaper_in_full(5_000, 244_900, 100)


def test_more_lists_need_a_smaller_share_of_the_softmax():
    assert lowered(0.01, 1) == 0.01
    assert lowered(0.01, 4) == pytest.approx(0.01 / 32)
    assert lowered(0.0, 4) == 0
