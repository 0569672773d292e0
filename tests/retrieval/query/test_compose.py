import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.errors import QueryError
from retrieval.query.algebra import Query, Term
from retrieval.query.compose import compose, slerp, weighted_sum

WEIGHT = st.floats(0.01, 10) | st.floats(-10, -0.01)


@st.composite
def unit_vectors(draw, count, dim=5):
    rows = draw(hnp.arrays(np.float64, (count, dim), elements=st.floats(-1, 1)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    assume((lengths > 0.1).all())
    return (rows / lengths).astype(np.float32)


def test_a_worked_example_by_hand():
    axes = np.eye(2, dtype=np.float32)
    assert weighted_sum(axes, [3.0, -4.0]) == pytest.approx([0.6, -0.8])
    assert slerp(axes[0], axes[1], 1 / 3) == pytest.approx([np.sqrt(3) / 2, 0.5])


@given(unit_vectors(1), st.floats(0.01, 100))
def test_a_one_term_query_is_that_term_bit_for_bit(vectors, weight):
    query = Query((Term.text("a", weight),))
    assert np.array_equal(compose(query, vectors), vectors[0])


@given(data=st.data(), count=st.integers(2, 4), factor=st.floats(1e-3, 1e3))
def test_sums_are_unit_float32_and_do_not_depend_on_the_scale_of_weights(data, count, factor):
    vectors = data.draw(unit_vectors(count))
    weights = data.draw(st.lists(WEIGHT, min_size=count, max_size=count))
    total = np.array(weights) @ vectors
    assume(np.linalg.norm(total) > 0.01 * np.abs(weights).sum())
    direction = weighted_sum(vectors, weights)
    assert direction.dtype == np.float32
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-6)
    assert direction == pytest.approx(total / np.linalg.norm(total), abs=1e-5)
    scaled = weighted_sum(vectors, [weight * factor for weight in weights])
    assert scaled == pytest.approx(direction, abs=1e-6)


@given(unit_vectors(2), st.sampled_from([1e-6, 1.0, 1e300]))
def test_what_cancels_out_is_refused_at_every_scale(vectors, scale):
    with pytest.raises(QueryError, match="cancels out"):
        weighted_sum(vectors[[0, 0]], [scale, -scale])


@given(unit_vectors(2), st.floats(0, 1))
def test_slerp_runs_at_even_speed_from_the_first_to_the_second(vectors, at):
    start, end = vectors
    whole = np.arccos(np.clip(start.astype(float) @ end, -1, 1))
    assume(whole < 3.0)
    point = slerp(start, end, at)
    assert point.dtype == np.float32
    assert np.linalg.norm(point) == pytest.approx(1, abs=1e-6)
    walked = np.arccos(np.clip(start.astype(float) @ point, -1, 1))
    assert walked == pytest.approx(at * whole, abs=2e-3)
    assert np.array_equal(slerp(start, end, 0.0), start)
    assert np.array_equal(slerp(start, end, 1.0), end)


@given(unit_vectors(1), st.floats(0, 1))
def test_slerp_between_equal_vectors_stays_there(vectors, at):
    assert slerp(vectors[0], vectors[0], at) == pytest.approx(vectors[0], abs=1e-6)


def test_slerp_between_opposite_vectors_is_refused():
    axis = np.eye(3, dtype=np.float32)[0]
    with pytest.raises(QueryError, match="opposite"):
        slerp(axis, -axis, 0.5)


@pytest.mark.parametrize("image_first", [True, False])
def test_slerp_at_0_is_the_image_and_at_1_the_text_in_either_order(image_first):
    terms = [Term.image("a.jpg"), Term.text("in winter")]
    vectors = np.eye(2, dtype=np.float32)
    order = [0, 1] if image_first else [1, 0]
    for at, expected in [(0.0, vectors[0]), (1.0, vectors[1])]:
        query = Query(tuple(terms[i] for i in order), compose="slerp", slerp_at=at)
        assert np.array_equal(compose(query, vectors[order]), expected)
