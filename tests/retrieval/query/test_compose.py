import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.errors import QueryError
from retrieval.query.algebra import ItemRef, Scale, Sum, Text
from retrieval.query.compose import Composer, slerp, weighted_sum
from retrieval.query.ways import Residual, Slerp

WEIGHT = st.floats(0.01, 10) | st.floats(-10, -0.01)


@st.composite
def unit_vectors(draw, count, dim=5):
    rows = draw(hnp.arrays(np.float64, (count, dim), elements=st.floats(-1, 1)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    assume((lengths > 0.1).all())
    return (rows / lengths).astype(np.float32)


LEAVES = tuple(Text(letter) for letter in "abcd")


def composer(vectors, common=None):
    """Knows the leaves by rows of vectors, and what texts have in common."""
    return Composer(dict(zip(LEAVES, vectors, strict=False)), lambda: common)


def test_a_worked_example_by_hand():
    axes = np.eye(2, dtype=np.float32)
    assert weighted_sum(axes, [3.0, -4.0]) == pytest.approx([0.6, -0.8])
    assert slerp(axes[0], axes[1], 1 / 3) == pytest.approx([np.sqrt(3) / 2, 0.5])


@given(unit_vectors(1), st.floats(0.01, 100))
def test_a_one_term_query_is_that_term_bit_for_bit(vectors, weight):
    query = Scale(Sum((Scale(LEAVES[0], weight),)), 2.0)
    assert np.array_equal(composer(vectors).direction(query), vectors[0])


@given(data=st.data(), factor=st.floats(1e-3, 1e3))
def test_sums_may_be_bracketed_ordered_and_scaled_in_any_way(data, factor):
    vectors = data.draw(unit_vectors(3))
    weights = data.draw(st.lists(WEIGHT, min_size=3, max_size=3))
    total = np.array(weights) @ vectors
    assume(np.linalg.norm(total) > 0.01 * np.abs(weights).sum())
    a, b, c = (part * weight for part, weight in zip(LEAVES, weights, strict=False))
    expected = composer(vectors).direction(a + b + c)
    for same in (a + (b + c), (c + a) + b, (b + c + a) * factor):
        assert composer(vectors).direction(same) == pytest.approx(expected, abs=1e-5)


def test_parts_of_a_slerp_are_directions_of_their_own():
    axes = np.eye(3, dtype=np.float32)
    a, b, c = LEAVES[:3]
    met = composer(axes).direction(Slerp((a + b) * 5, c * 0.1, 0.5))
    assert met == pytest.approx([0.5, 0.5, np.sqrt(0.5)], abs=1e-6)


def test_a_residual_by_hand():
    axes = np.eye(3, dtype=np.float32)
    a, b, c = LEAVES[:3]
    moved = composer(axes).direction(Residual(a, (b,), (c,), 2.0))
    step = np.array([0, 1, -1]) / np.sqrt(2)
    expected = axes[0] + 2 * step
    assert moved == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_a_residual_without_a_start_goes_away_from_what_texts_have_in_common():
    axes = np.eye(2, dtype=np.float32)
    moved = composer(axes, common=axes[0]).direction(Residual(LEAVES[0], (LEAVES[1],), gain=1.0))
    expected = axes[0] + (axes[1] - axes[0]) / np.sqrt(2)
    assert moved == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_a_residual_between_means_of_examples():
    axes = np.eye(4, dtype=np.float32)
    a, b, c, d = LEAVES
    moved = composer(axes).direction(Residual(a, (b, c), (d,), 1.0))
    step = np.array([0, 0.5, 0.5, -1.0])
    expected = axes[0] + step / np.linalg.norm(step)
    assert moved == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_a_residual_between_equal_texts_has_no_direction():
    axes = np.eye(2, dtype=np.float32)
    with pytest.raises(QueryError, match="no direction"):
        composer(axes).direction(Residual(LEAVES[0], (LEAVES[1],), (LEAVES[1],)))


def test_a_leaf_that_is_no_text_is_a_term_like_others():
    known = {ItemRef(3): np.eye(2, dtype=np.float32)[1]}
    assert Composer(known, None).direction(ItemRef(3)) == pytest.approx([0, 1])


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
