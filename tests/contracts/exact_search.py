"""What every exact search must do: inherit ExactSearchContract, name its module and function."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.retrieval.ann.arrays import HalfRows, slow_ranking, unit_rows

# Few levels, so that ties are common; all exact in float16.
FEW_LEVELS = st.sampled_from([-0.5, 0.0, 0.25, 0.5])


class ExactSearchContract:
    """The ranking of ADR 0003: score descending, ties by id, the bits of `pair_scores`."""

    module = None
    """With CHUNK_ROWS and QUERY_BLOCK, which must not matter."""

    def search(self, vectors, ids, queries, k, *, allowed=None):
        raise NotImplementedError

    def test_a_worked_example_by_hand(self):
        rows = HalfRows([[1, 0], [0, 1], [1, 0], [-1, 0]])
        queries = np.array([[1, 0], [0, -1]], np.float32)
        scores, ids = self.search(rows, np.array([4, 5, 7, 9]), queries, 3)
        assert ids.tolist() == [[4, 7, 5], [4, 7, 9]]
        assert scores.tolist() == [[1, 1, 0], [0, 0, 0]]

    @settings(suppress_health_check=[HealthCheck.differing_executors], deadline=None)
    @given(data=st.data())
    def test_equals_a_full_sort_whatever_the_chunks(self, data):
        n, dim = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 4))
        rows = data.draw(hnp.arrays(np.float32, (n, dim), elements=FEW_LEVELS))
        queries = data.draw(
            hnp.arrays(np.float32, (data.draw(st.integers(1, 3)), dim), elements=FEW_LEVELS)
        )
        ids = np.cumsum(data.draw(hnp.arrays(np.int64, n, elements=st.integers(1, 3))))
        allowed = data.draw(st.none() | hnp.arrays(np.bool_, n))
        k = data.draw(st.integers(1, n + 2))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.module, "CHUNK_ROWS", data.draw(st.integers(1, n + 1)))
            patch.setattr(self.module, "QUERY_BLOCK", data.draw(st.integers(1, 3)))
            scores, found = self.search(HalfRows(rows), ids, queries, k, allowed=allowed)
        for number, query in enumerate(queries):
            expected = slow_ranking(rows, ids, query, k, allowed=allowed)
            assert (scores[number].tolist(), found[number].tolist()) == expected

    @pytest.mark.parametrize("chunk_rows", [1, 7, 64, 500])
    def test_scores_have_the_same_bits_in_every_chunk_and_batch(self, monkeypatch, chunk_rows):
        rng = np.random.default_rng(1)
        rows = HalfRows(np.repeat(unit_rows(rng, 125, 48), 4, axis=0))  # every vector four times
        queries = unit_rows(rng, 21, 48)
        ids = np.arange(500) * 3
        whole = self.search(rows, ids, queries, 30)
        monkeypatch.setattr(self.module, "CHUNK_ROWS", chunk_rows)
        for number in range(21):
            scores, found = self.search(rows, ids, queries[number : number + 1], 30)
            assert np.array_equal(scores[0], whole[0][number])
            assert np.array_equal(found[0], whole[1][number])

    def test_near_ties_are_ordered_by_the_exact_score_not_by_the_screening(self):
        rng = np.random.default_rng(2)
        base = unit_rows(rng, 1, 512)[0]
        rows = (base + 1e-3 * rng.standard_normal((4000, 512))).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        half = HalfRows(rows)
        scores, ids = self.search(half, np.arange(4000), base[None], 200)
        every = half.gather_half(np.arange(4000)).astype(np.float32)
        assert (scores[0].tolist(), ids[0].tolist()) == slow_ranking(every, range(4000), base, 200)

    def test_inputs_stay_as_they_are_and_no_rows_give_no_answers(self):
        queries = np.eye(2, dtype=np.float32)
        queries.setflags(write=False)
        no_rows = HalfRows(np.empty((0, 2)))
        scores, ids = self.search(no_rows, np.empty(0, np.int64), queries, 5)
        assert scores.shape == ids.shape == (2, 0)
        rows = HalfRows(queries)
        nothing = self.search(rows, np.arange(2), queries, 5, allowed=np.zeros(2, bool))
        assert nothing[1].shape == (2, 0)
        assert self.search(rows, np.arange(2), queries, 5)[1].tolist() == [[0, 1], [1, 0]]

    def test_no_queries_give_no_answers(self):
        rows = HalfRows(np.eye(3))
        scores, ids = self.search(rows, np.arange(3), np.empty((0, 3), np.float32), 2)
        assert scores.shape == ids.shape == (0, 2)
