"""The benchmark of composed queries: what is asked, and how."""

import numpy as np

from benchmarks.composed import BY_PSEUDO_TOKENS, BY_PSEUDO_TOKENS_WITH_THE_UNDONE, Asked
from benchmarks.shapes.pictures import ALL
from benchmarks.shapes.triplets import changed_again, sample_triplets, triplets_of
from retrieval.query.algebra import Minus, Text, Vector
from retrieval.query.ways import Pseudo
from tests.factories import GeometryEncoder


def test_two_changes_are_asked_of_the_pictures_of_one():
    once, twice = (Asked.draw(GeometryEncoder(), 3, 5, twice=each) for each in (False, True))
    assert once.triplets == tuple(sample_triplets(3, 5))
    assert twice.triplets == tuple(changed_again(once.triplets, 5))
    assert np.array_equal(once.images, twice.images)


def test_queries_to_choose_by_are_none_of_those_reported():
    asked = Asked(tuple(triplets_of(ALL[0])[:4]), np.eye(4, dtype=np.float32))
    left = asked.without({asked.triplets[1], asked.triplets[3]})
    assert left.triplets == (asked.triplets[0], asked.triplets[2])
    assert np.array_equal(left.images, np.eye(4)[[0, 2]])


def test_a_template_makes_one_text_of_picture_and_change():
    image, asked = Vector.of(np.eye(4, dtype=np.float32)[0]), triplets_of(ALL[0])[0]
    expected = Pseudo(("a", image, f"that is {asked.change}"))
    assert BY_PSEUDO_TOKENS["`a {image} that is {text}`"](image, asked) == expected
    minus = BY_PSEUDO_TOKENS_WITH_THE_UNDONE["`a {image} that is {text}`, minus"](image, asked)
    assert minus == Minus(expected, Text(asked.undone))
