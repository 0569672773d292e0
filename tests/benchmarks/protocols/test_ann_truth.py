"""The exact answers that systems are held against."""

import numpy as np
import pytest

from benchmarks.protocols.ann_truth import find_truth, recall_of
from retrieval.errors import BenchmarkError
from tests.retrieval.ann.arrays import unit_rows


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_full_sort_has_recall_1_and_its_opposite_0(dtype):
    rng = np.random.default_rng(1)
    base, queries = unit_rows(rng, 200, 24).astype(dtype), unit_rows(rng, 300, 24)
    truth = find_truth(base, queries, 10)
    order = np.argsort(-(queries @ base.astype(np.float32).T), axis=1)
    assert recall_of(truth, base, order[:, :10], 10).tolist() == [1.0] * 300
    assert recall_of(truth, base, order[:, -10:], 10).tolist() == [0.0] * 300
    half = np.hstack([order[:, :5], order[:, -5:]])
    assert recall_of(truth, base, half, 10).tolist() == [0.5] * 300


def test_a_query_that_is_a_row_does_not_count_itself():
    rng = np.random.default_rng(2)
    base = unit_rows(rng, 50, 8).astype(np.float16)
    own = np.array([3, 9])
    truth = find_truth(base, base[own].astype(np.float32), 4, own)
    order = np.argsort(-(base[own].astype(np.float32) @ base.astype(np.float32).T), axis=1)
    assert order[:, 0].tolist() == own.tolist()
    assert recall_of(truth, base, order[:, :5], 4).tolist() == [1.0, 1.0]
    without = order[:, 1:6]  # a system that left it out gave one answer too many
    assert recall_of(truth, base, without, 4).tolist() == [1.0, 1.0]


def test_answers_that_cannot_be_are_an_error():
    base = np.eye(8, dtype=np.float16)
    truth = find_truth(base, np.eye(8, dtype=np.float32), 2)
    with pytest.raises(BenchmarkError, match="row 8 of 8"):
        recall_of(truth, base, np.full((8, 2), 8), 2)
    with pytest.raises(BenchmarkError, match="shape"):
        recall_of(truth, base, np.zeros((8, 3), np.int64), 2)
