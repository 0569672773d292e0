import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.ann import nearest
from retrieval.ann.exact import pair_scores
from retrieval.ann.nearest import nearest_rows
from tests.retrieval.ann.arrays import unit_rows


@pytest.fixture(params=["float32", "bfloat16"])
def by(request, monkeypatch):
    """Both ways, whatever the size and the processor."""
    is_half = request.param == "bfloat16"
    for name in ("_WORTH_ROUNDING", "_WORTH_LOADING"):
        monkeypatch.setattr(nearest, name, 0 if is_half else 1 << 60)
    monkeypatch.setattr(nearest, "cpu_bf16_gain", lambda: 2.0)
    return request.param


def best_by_scores(vectors, rows):
    """The slow way: every score, the first of the best."""
    return [int(pair_scores(rows, vector).argmax()) for vector in vectors]


@pytest.mark.usefixtures("by")
def test_the_answer_does_not_depend_on_the_batch_and_is_the_first_of_equals():
    rng = np.random.default_rng(3)
    rows = unit_rows(rng, 300, 24)
    rows[200] = rows[10]
    vectors = np.vstack([rows[[10, 200]], unit_rows(rng, 500, 24)])
    found = nearest_rows(vectors, rows)
    assert found[:2].tolist() == [10, 10]
    assert found.tolist() == best_by_scores(vectors, rows)
    assert nearest_rows(vectors[7:9], rows).tolist() == found[7:9].tolist()
    assert nearest_rows(vectors, rows, 7).tolist() == found.tolist()


@pytest.mark.usefixtures("by")
def test_a_row_that_is_best_by_less_than_rounding_shows_is_found():
    rng = np.random.default_rng(4)
    base = unit_rows(rng, 1, 64)
    rows = base + 1e-4 * rng.standard_normal((40, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) * 1.0001
    vectors = unit_rows(rng, 200, 64) * np.float32(0.1) + base
    vectors = np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert nearest_rows(vectors, rows).tolist() == best_by_scores(vectors, rows)


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("n_rows", [1, 31, 32, 33, 100])
def test_rows_that_are_all_alike_give_the_first(n_rows):
    rng = np.random.default_rng(5)
    rows = np.repeat(unit_rows(rng, 1, 16), n_rows, axis=0)
    assert nearest_rows(unit_rows(rng, 70, 16), rows).tolist() == [0] * 70


@pytest.mark.usefixtures("by")
def test_no_vectors_have_no_nearest():
    rows = unit_rows(np.random.default_rng(6), 40, 8)
    assert nearest_rows(np.empty((0, 8), np.float32), rows).tolist() == []


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), n_rows=st.integers(1, 90), dim=st.integers(1, 40))
def test_the_half_precision_screen_agrees_with_float32(seed, n_rows, dim):
    rng = np.random.default_rng(seed)
    rows, vectors = unit_rows(rng, n_rows, dim), unit_rows(rng, 30, dim)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_WORTH_ROUNDING", 0)
        patch.setattr(nearest, "_WORTH_LOADING", 0)
        patch.setattr(nearest, "cpu_bf16_gain", lambda: 2.0)
        found = nearest_rows(vectors, rows)
    assert found.tolist() == best_by_scores(vectors, rows)
