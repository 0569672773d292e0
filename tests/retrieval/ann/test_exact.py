import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.ann import exact
from retrieval.ann.exact import (
    NO_ID,
    exact_search,
    merge_rankings,
    nearest_rows,
    pair_scores,
    top_k,
)
from tests.retrieval.ann.arrays import HalfRows, slow_ranking, unit_rows

# Few levels, so that ties are common; all exact in float16.
FEW_LEVELS = st.sampled_from([-0.5, 0.0, 0.25, 0.5])


def test_a_worked_example_by_hand():
    rows = HalfRows([[1, 0], [0, 1], [1, 0], [-1, 0]])
    scores, ids = exact_search(
        rows, np.array([4, 5, 7, 9]), np.array([[1, 0], [0, -1]], np.float32), 3
    )
    assert ids.tolist() == [[4, 7, 5], [4, 7, 9]]
    assert scores.tolist() == [[1, 1, 0], [0, 0, 0]]


@given(data=st.data())
def test_equals_a_full_sort_whatever_the_chunks(data):
    n, dim = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 4))
    rows = data.draw(hnp.arrays(np.float32, (n, dim), elements=FEW_LEVELS))
    queries = data.draw(
        hnp.arrays(np.float32, (data.draw(st.integers(1, 3)), dim), elements=FEW_LEVELS)
    )
    ids = np.cumsum(data.draw(hnp.arrays(np.int64, n, elements=st.integers(1, 3))))
    allowed = data.draw(st.none() | hnp.arrays(np.bool_, n))
    k = data.draw(st.integers(1, n + 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "CHUNK_ROWS", data.draw(st.integers(1, n + 1)))
        patch.setattr(exact, "QUERY_BLOCK", data.draw(st.integers(1, 3)))
        scores, found = exact_search(HalfRows(rows), ids, queries, k, allowed=allowed)
    for number, query in enumerate(queries):
        expected = slow_ranking(rows, ids, query, k, allowed=allowed)
        assert (scores[number].tolist(), found[number].tolist()) == expected


@pytest.mark.parametrize("chunk_rows", [1, 7, 64, 500])
def test_scores_have_the_same_bits_in_every_chunk_and_batch(monkeypatch, chunk_rows):
    rng = np.random.default_rng(1)
    rows = HalfRows(np.repeat(unit_rows(rng, 125, 48), 4, axis=0))  # every vector four times
    queries = unit_rows(rng, 21, 48)
    ids = np.arange(500) * 3
    whole = exact_search(rows, ids, queries, 30)
    monkeypatch.setattr(exact, "CHUNK_ROWS", chunk_rows)
    for number in range(21):
        scores, found = exact_search(rows, ids, queries[number : number + 1], 30)
        assert np.array_equal(scores[0], whole[0][number])
        assert np.array_equal(found[0], whole[1][number])


def test_near_ties_are_ordered_by_the_exact_score_not_by_the_screening():
    rng = np.random.default_rng(2)
    base = unit_rows(rng, 1, 512)[0]
    rows = (base + 1e-3 * rng.standard_normal((4000, 512))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half = HalfRows(rows)
    scores, ids = exact_search(half, np.arange(4000), base[None], 200)
    every = half.gather_half(np.arange(4000)).astype(np.float32)
    assert (scores[0].tolist(), ids[0].tolist()) == slow_ranking(every, range(4000), base, 200)


@given(data=st.data())
def test_top_k_is_a_prefix_of_the_full_order(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    scores = data.draw(hnp.arrays(np.float32, shape, elements=FEW_LEVELS))
    ids = np.array(data.draw(st.permutations(range(shape[1]))))
    full = sorted(zip((-scores[0]).tolist(), ids.tolist(), strict=True))
    for k in range(1, shape[1] + 2):
        best_scores, best_ids = top_k(scores, ids, k)
        assert best_ids[0].tolist() == [item_id for _, item_id in full[:k]]
        assert best_scores[0].tolist() == [-score for score, _ in full[:k]]


def test_merging_puts_missing_answers_last():
    left = np.array([[0.5, -np.inf]], np.float32), np.array([[7, NO_ID]])
    right = np.array([[0.5, 0.1]], np.float32), np.array([[3, 4]])
    scores, ids = merge_rankings([left, right], 4)
    assert ids.tolist() == [[3, 7, 4, NO_ID]]
    assert scores[0, :3].tolist() == pytest.approx([0.5, 0.5, 0.1])


def test_inputs_stay_as_they_are_and_no_rows_give_no_answers():
    queries = np.eye(2, dtype=np.float32)
    queries.setflags(write=False)
    scores, ids = exact_search(HalfRows(np.empty((0, 2))), np.empty(0, np.int64), queries, 5)
    assert scores.shape == ids.shape == (2, 0)
    nothing = exact_search(HalfRows(queries), np.arange(2), queries, 5, allowed=np.zeros(2, bool))
    assert nothing[1].shape == (2, 0)


def test_nearest_rows_does_not_depend_on_the_batch_and_takes_the_first_of_equals():
    rng = np.random.default_rng(3)
    rows = unit_rows(rng, 300, 24)
    rows[200] = rows[10]
    vectors = np.vstack([rows[[10, 200]], unit_rows(rng, 500, 24)])
    nearest = nearest_rows(vectors, rows)
    assert nearest[:2].tolist() == [10, 10]
    assert nearest.tolist() == [int(pair_scores(rows, vector).argmax()) for vector in vectors]
