import numpy as np
import pytest

from retrieval.ann.list_ranker import ListRanker
from tests.retrieval.ann.arrays import clustered_rows, unit_rows


def exact(weight, bias, query):
    return np.argsort(-(weight.astype(np.float64) @ query + bias), kind="stable")


def test_few_rows_are_ranked_by_their_products():
    weight = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    ranker = ListRanker(weight, np.array([0, 0, -0.5], np.float32))
    assert ranker.best(np.array([1.0, 0.25], np.float32), 2).rows.tolist() == [0, 2]
    assert ranker.best(np.array([0.0, 1.0], np.float32), 9).rows.tolist() == [1, 2, 0]


@pytest.mark.parametrize("dim", [1, 15, 16, 50])
@pytest.mark.parametrize("has_bias", [False, True])
def test_rows_of_any_length_are_ranked_by_their_products(dim, has_bias):
    rng = np.random.default_rng(dim)
    weight = rng.standard_normal((300, dim), dtype=np.float32).astype(np.float16)
    bias = rng.standard_normal(300, dtype=np.float32) if has_bias else None
    query = rng.standard_normal(dim, dtype=np.float32)
    found = ListRanker(weight, bias).best(query, 40)
    scores = weight.astype(np.float64) @ query + (0 if bias is None else bias)
    np.testing.assert_allclose(found.scores, np.sort(scores)[::-1][:40], atol=1e-4)
    np.testing.assert_allclose(scores[found.rows], found.scores, atol=1e-4)


@pytest.mark.parametrize("dim", [384, 385])
@pytest.mark.parametrize("has_bias", [False, True])
def test_of_many_rows_nearly_all_of_the_best_are_found(dim, has_bias):
    rng = np.random.default_rng(dim)
    weight = clustered_rows(rng, 3_000, dim)
    bias = rng.normal(0, 0.05, 3_000).astype(np.float32) if has_bias else np.zeros(3_000)
    ranker = ListRanker(weight, bias if has_bias else None)
    kept, halves = [], []
    for query in unit_rows(rng, 40, dim):
        found, order = ranker.best(query, 100).rows, exact(weight, bias, query)
        assert len(np.unique(found)) == 100
        kept.append(np.isin(order[:100], found).mean())
        halves.append(np.isin(order[:50], found).mean())
    assert np.mean(kept) > 0.95
    assert np.mean(halves) > 0.99


def test_a_query_is_ranked_alike_every_time_and_all_rows_come_where_all_are_asked_for():
    rng = np.random.default_rng(3)
    weight = unit_rows(rng, 3_072, 512)
    ranker, query = ListRanker(weight), unit_rows(rng, 1, 512)[0]
    assert np.array_equal(ranker.best(query, 64).rows, ranker.best(query, 64).rows)
    assert np.array_equal(np.sort(ranker.best(query, 5_000).rows), np.arange(3_072))


def test_rows_that_are_all_equal_are_no_error():
    ranker = ListRanker(np.full((3_000, 512), 0.25, np.float32))
    assert len(np.unique(ranker.best(np.full(512, 0.1, np.float32), 10).rows)) == 10


@pytest.mark.parametrize("dim", [513, 544])
@pytest.mark.parametrize("has_bias", [False, True])
def test_the_columns_that_are_rounded_at_a_time_change_no_answer(monkeypatch, dim, has_bias):
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((2_100, dim), dtype=np.float32).astype(np.float16)
    bias = rng.standard_normal(2_100, dtype=np.float32) if has_bias else None
    queries = unit_rows(rng, 5, dim)

    def found():
        ranker = ListRanker(weight, bias)
        return [ranker._rows._search(query, 90).tolist() for query in queries]

    in_blocks = found()
    monkeypatch.setattr("retrieval.ann.list_ranker._ROUNDED_COLUMNS", 1_000)
    assert found() == in_blocks
