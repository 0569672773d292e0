"""The pictures show what they are said to show, and the split hides whole combinations only."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes.pictures import (
    ALL,
    COLOURS,
    HELD_OUT,
    PLACES,
    SIDE,
    SIZES,
    TRAINED,
    VALUES,
    Attributes,
    draw,
)

seeds = st.integers(0, 10**6)


def cover_of(attributes, seed):
    """Pixels nearer to the picture's colour than to any grey or other colour's background."""
    pixels = np.asarray(draw(attributes, seed)).astype(float)
    return np.linalg.norm(pixels - COLOURS[attributes.colour], axis=-1) < 45


def test_every_combination_is_there_once_and_one_in_five_is_held_out():
    assert len(set(ALL)) == len(ALL) == 8 * 8 * 3 * 5
    assert len(HELD_OUT) == 192
    assert not set(HELD_OUT) & set(TRAINED)
    assert set(HELD_OUT) | set(TRAINED) == set(ALL)


def test_every_pair_of_values_is_trained_and_every_value_is_asked():
    for first, second in itertools.combinations(VALUES, 2):
        trained = {(getattr(one, first), getattr(one, second)) for one in TRAINED}
        assert len(trained) == len(VALUES[first]) * len(VALUES[second])
    for name, values in VALUES.items():
        assert {getattr(one, name) for one in HELD_OUT} == set(values)


@given(st.sampled_from(ALL), seeds)
def test_equal_attributes_and_seed_give_an_equal_picture(attributes, seed):
    picture = draw(attributes, seed)
    assert (picture.mode, picture.size) == ("RGB", (SIDE, SIDE))
    assert picture.tobytes() == draw(attributes, seed).tobytes()
    assert picture.tobytes() != draw(attributes, seed + 1).tobytes()


@given(st.sampled_from(ALL), seeds)
def test_the_shape_has_its_colour_at_its_place(attributes, seed):
    ys, xs = np.nonzero(cover_of(attributes, seed))
    x0, y0 = PLACES[attributes.place]
    # The median: the noise of a bright background may reach the colour in a pixel or two. Triangles
    # and stars are not centred on it; a picture is 13 px from place to place.
    assert abs(np.median(xs) + 0.5 - x0) < 4
    assert abs(np.median(ys) + 0.5 - y0) < 4


@given(st.sampled_from([one for one in ALL if one.shape == "square"]), seeds)
def test_the_area_of_a_square_follows_from_its_size(attributes, seed):
    radius = SIZES[attributes.size]
    # Its corners lie on the circle: the area is twice the radius squared, give or take its edge,
    # which is a blurred pixel wide.
    edge = 4 * 2**0.5 * radius
    assert cover_of(attributes, seed).sum() == pytest.approx(2 * radius**2, abs=0.8 * edge)


@given(st.sampled_from([one for one in ALL if one.shape == "ring"]), seeds)
def test_through_a_ring_one_sees_the_background(attributes, seed):
    x0, y0 = PLACES[attributes.place]
    assert not cover_of(attributes, seed)[int(y0), int(x0)]


@given(st.sampled_from(ALL), seeds)
def test_the_background_is_no_colour_of_a_shape(attributes, seed):
    pixels = np.asarray(draw(attributes, seed)).astype(float)
    x0, y0 = PLACES[attributes.place]
    y, x = np.mgrid[:SIDE, :SIDE]
    around = pixels[np.hypot(x - x0, y - y0) > 12]
    assert np.median(around.max(axis=-1) - around.min(axis=-1)) < 65


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no shape 'house'; one of circle, square"):
        Attributes("red", "house", "small", "middle")
