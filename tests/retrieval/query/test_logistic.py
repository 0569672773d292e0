import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.query.logistic import logistic_weights


def example(seed, n=12, dim=5):
    rng = np.random.default_rng(seed)
    is_right = np.arange(n) % 3 == 0
    return rng.normal(size=(n, dim)), is_right, rng.uniform(0.1, 2, n)


@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 100.0]), st.sampled_from([3, 40]))
@settings(max_examples=25, deadline=None)
def test_at_the_minimum_the_slope_is_zero(seed, c, dim):
    """For some offset: the weights alone are returned, so that it is found by bisection here."""
    rows, is_right, shares = example(seed, dim=dim)
    weights = logistic_weights(rows, is_right, shares, c)
    low, high = -1e3, 1e3
    for _ in range(200):
        offset = (low + high) / 2
        errors = shares * (1 / (1 + np.exp(-(rows @ weights + offset))) - is_right)
        low, high = (offset, high) if errors.sum() < 0 else (low, offset)
    assert weights + c * rows.T @ errors == pytest.approx(np.zeros(dim), abs=1e-4)


@pytest.mark.parametrize("c", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize("dim", [2, 30])
def test_it_is_the_regression_of_scikit_learn(c, dim):
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, is_right, shares = example(1, dim=dim)
    other = linear_model.LogisticRegression(C=c, tol=1e-10, max_iter=10_000)
    other.fit(rows, is_right, sample_weight=shares)
    found = logistic_weights(rows, is_right, shares, c)
    assert found == pytest.approx(other.coef_[0], rel=1e-3, abs=1e-4)


def test_two_rows_by_hand():
    """At +-1 the offset is 0, and w is where w = 2 c / (1 + exp(w))."""
    rows, shares = np.array([[1.0], [-1.0]]), np.ones(2)
    (weight,) = logistic_weights(rows, np.array([True, False]), shares, 1.0)
    assert weight == pytest.approx(2 / (1 + np.exp(weight)))


def test_equal_rows_of_both_kinds_say_nothing():
    rows = np.ones((2, 3))
    assert logistic_weights(rows, np.array([True, False]), np.ones(2), 1.0) == pytest.approx(0)


@pytest.mark.parametrize("kind", [True, False])
def test_rows_of_one_kind_are_a_programmers_mistake(kind):
    with pytest.raises(ValueError, match="both kinds"):
        logistic_weights(np.ones((3, 2)), np.full(3, kind), np.ones(3), 1.0)
