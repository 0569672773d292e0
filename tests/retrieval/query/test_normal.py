"""Minus, weights and filters may stand in any order; where they mean nothing they are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.query.algebra import (
    ImageFile,
    Minus,
    Product,
    Residual,
    Scale,
    Slerp,
    Sum,
    Text,
    Where,
)
from retrieval.query.normal import Unwanted, leaves, length_of, normal, terms
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.filters.predicates import And

A, B, C, D = map(Text, "abcd")
WIDE, TAGGED = parse_filter("width > 1000"), parse_filter("tag = beach")


def simple(expression):
    """The normal form with sums as lists of terms."""
    found = normal(expression)
    return dict(terms_of(found.core)), set(found.unwanted), found.where


def terms_of(core):
    return [(part, weight) for weight, part in terms(core)]


def test_a_leaf_is_sought_and_nothing_else():
    assert simple(A) == ({A: 1.0}, set(), None)


def test_taking_away_and_adding_come_in_any_order():
    expected = ({A: 1.0, C: 1.0}, {Unwanted(B, 1.0)}, None)
    for same in (A - B + C, A + C - B, C + (A - B)):
        assert simple(same) == expected


def test_filters_come_outside_and_are_joined():
    inner = Where(Where(A, WIDE) - B, TAGGED)
    assert simple(inner) == ({A: 1.0}, {Unwanted(B, 1.0)}, And((TAGGED, WIDE)))
    assert normal(Where(A, WIDE) * 2).where == WIDE


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10), st.floats(0.1, 10))
def test_weights_of_what_is_unwanted_count_relative_to_what_is_sought(factor, sought, unwanted):
    expression = A * sought - B * unwanted
    (found,) = normal(expression).unwanted
    assert found.weight == pytest.approx(unwanted / sought)
    (scaled,) = normal(expression * factor).unwanted
    assert scaled.weight == pytest.approx(found.weight)


def test_a_term_that_is_subtracted_as_a_vector_stays_in_the_sum():
    assert simple(A + B * -0.5) == ({A: 1.0, B: -0.5}, set(), None)
    assert simple(-A) == ({A: -1.0}, set(), None)


def test_a_product_may_be_weighted():
    found = normal(Product(A, B) * 3)
    assert terms_of(found.core) == [(Product(A, B), 3.0)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Product(A, B) + C, "cannot be a term"),
        (Where(A, WIDE) + B, "filter stands inside"),
        (Slerp(A - B, C), "Minus cannot stand inside of Slerp"),
        (Product(A, Where(B, WIDE)), "Where cannot stand inside of Product"),
        (Residual(A, (Product(B, C),)), "Product cannot stand inside of Residual"),
        (A - (B - C), "Minus cannot stand inside of Minus"),
        (Slerp(A, (B - C) + D), "Minus cannot stand inside of Slerp"),
        ((A - B) * -1, "negative weight"),
        (-Product(A, B), "negative weight"),
        (A - B * -1, "weight of what is unwanted"),
        (Scale(Scale(A, 1e200), 1e200), "multiply"),
        (Scale(Scale(A, 1e-200), 1e-200), "multiply"),
    ],
)
def test_a_part_where_it_means_nothing_is_refused(wrong, says):
    with pytest.raises(QueryError, match=says):
        normal(wrong)


def test_leaves_come_in_order_and_as_often_as_they_stand():
    picture = ImageFile("p.jpg")
    expression = Minus(Sum((A, Residual(picture, (B,), (A,)))), Slerp(C, D))
    assert list(leaves(expression)) == [A, picture, B, A, C, D]


def test_how_long_a_query_is_that_is_one_text():
    assert length_of(Text(" red car ")) == 7
    assert length_of(Where(Minus(Scale(Text("red"), 2.0), B), WIDE)) == 3, "what is sought counts"
    assert length_of(A + B) == 0
    assert length_of(ImageFile("a.jpg")) == 0
