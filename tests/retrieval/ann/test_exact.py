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
    top_k,
)
from tests.contracts.exact_search import FEW_LEVELS, ExactSearchContract


class TestExactSearch(ExactSearchContract):
    module = exact

    def search(self, vectors, ids, queries, k, *, allowed=None):
        return exact_search(vectors, ids, queries, k, allowed=allowed)


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
