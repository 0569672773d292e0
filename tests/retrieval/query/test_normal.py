"""Minus, weights and filters may stand in any order; where they mean nothing they are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.query.algebra import DEEPEST, ImageFile, Minus, Query, Scale, Sum, Text
from retrieval.query.normal import Unwanted, leaves, length_of, normal, terms
from retrieval.query.ways import Mean, Product, Residual, Slerp, Where
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
        (A - B * 1e39, "1e\\+39 times as much"),
        (A * 1e-40 - B, "1e\\+40 times as much"),
        (A - B * 1e300 * 1e300, "inf times as much"),
        (A * 1e5 - B * 1e-5, "1e-10 times as much"),
        (A * 1e300 - B * 1e-300, "0 times as much"),
        (A - B * 1e-200 * 1e-200, "weight of what is unwanted"),
        (Scale(Scale(A, 1e200), 1e200), "multiply"),
        (Scale(Scale(A, 1e-200), 1e-200), "multiply"),
    ],
)
def test_a_part_where_it_means_nothing_is_refused(wrong, says):
    with pytest.raises(QueryError, match=says) as caught:
        normal(wrong)
    assert caught.value.hint


@pytest.mark.parametrize("scale", [2.0**-900, 1.0, 2.0**900])
@pytest.mark.parametrize("weight", [1e-6, 1e6])
def test_weights_up_to_a_million_times_pass_at_every_scale(scale, weight):
    assert normal(A * scale - B * (scale * weight)).unwanted == (Unwanted(B, weight),)


def test_what_is_no_expression_has_no_normal_form():
    with pytest.raises(TypeError, match="wrap a text in Text"):
        normal("a dog")


@pytest.mark.parametrize("unwanted", [Sum((B * 2,)), Sum((B,)) * 2, Sum((Sum((B * 2,)),))])
def test_a_sum_of_one_part_is_that_part_behind_a_minus_too(unwanted):
    assert normal(A - unwanted) == normal(A - B * 2)
    assert normal(A - Sum((B, C))).unwanted == (Unwanted(Sum((B, C)), 1.0),)


def test_a_great_many_terms_are_a_query():
    many = [Text(f"term {number}") for number in range(5_000)]
    added, taken, mixed = A, A, A
    for number, each in enumerate(many):
        added += each
        taken -= each
        mixed = mixed - each if number % 2 else mixed + each
    assert len(list(leaves(normal(added).core))) == 5_001
    assert [each.part for each in normal(taken).unwanted] == many
    assert [each.part for each in normal(mixed).unwanted] == many[1::2]
    assert list(leaves(normal(mixed).core)) == [A, *many[::2]]
    assert normal(sum(reversed(many), A)) == normal(Sum((A, *reversed(many))))
    assert len({added, taken, mixed, Sum((A, *many)), Minus(A, many)}) == 3


def test_parts_that_stand_too_deep_inside_of_each_other_are_refused():
    weighted, mixed = A, A
    for _ in range(10_000):
        weighted = weighted * 1.0
        mixed = Slerp(mixed, B, 0.5)
    for deep in (weighted, mixed, Mean((weighted,)), B - weighted):
        with pytest.raises(QueryError, match="inside of each other") as caught:
            normal(deep)
        assert caught.value.hint
        with pytest.raises(QueryError, match="inside of each other"):
            Query(deep)
    allowed = A
    for _ in range(DEEPEST - 1):
        allowed = Slerp(allowed, B, 0.5)
    assert list(leaves(normal(allowed).core)) == [A, *[B] * (DEEPEST - 1)]
    assert hash(allowed)


def test_parts_that_double_with_each_level_are_refused():
    doubled = A
    for _ in range(60):
        doubled = Slerp(doubled, doubled, 0.5)
    with pytest.raises(QueryError, match="more than 1,000,000 parts") as caught:
        normal(doubled)
    assert caught.value.hint


def test_leaves_come_in_order_and_as_often_as_they_stand():
    picture = ImageFile("p.jpg")
    expression = Minus(Sum((A, Residual(picture, (B,), (A,)))), Slerp(C, D))
    assert list(leaves(expression)) == [A, picture, B, A, C, D]


def test_how_long_a_query_is_that_is_one_text():
    assert length_of(Text(" red car ")) == 7
    assert length_of(Where(Minus(Scale(Text("red"), 2.0), B), WIDE)) == 3, "what is sought counts"
    assert length_of(A + B) == 0
    assert length_of(ImageFile("a.jpg")) == 0
