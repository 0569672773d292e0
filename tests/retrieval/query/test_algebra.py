"""Nodes are values: equal by content, hashable, and wrong ones cannot be made."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.query.algebra import (
    ImageFile,
    ItemRef,
    Minus,
    Query,
    Scale,
    Sum,
    Text,
    Vector,
    clean_text,
)
from retrieval.query.ways import EachOf, Feedback, Mean, Product, Residual, Slerp, Where
from retrieval.store.filters.grammar import parse_filter

CAR, POOL = Text("car"), ImageFile("pool.jpg")
WIDE = parse_filter("width > 3")


def test_operators_build_the_nodes_that_they_stand_for():
    made = Text("car") * 0.5 + ImageFile("a.jpg") - Text("people")
    half = Scale(Text("car"), 0.5)
    assert made == Minus(Sum((half, ImageFile(Path("a.jpg")))), Text("people"))
    assert 0.5 * CAR == CAR * 0.5
    assert Scale(CAR, -1.0) == -CAR
    assert len({made, Text("car") * 0.5 + ImageFile("a.jpg") - Text("people")}) == 1


def test_a_text_is_literal():
    assert Query.text("a dog - snow *2") == Query(Text("a dog - snow *2"))


@pytest.mark.parametrize("other", ["people", 3, Path("a.jpg"), None])
def test_what_is_no_part_of_a_query_is_a_programmers_mistake(other):
    with pytest.raises(TypeError, match="wrap a text in Text"):
        _ = CAR + other
    with pytest.raises(TypeError, match="wrap a text in Text"):
        _ = CAR - other

    with pytest.raises(TypeError, match="wrap a text in Text"):
        _ = other + CAR


@pytest.mark.parametrize(
    "make",
    [
        Query,
        lambda wrong: Scale(wrong, 2.0),
        Sum,
        lambda wrong: Sum((CAR, wrong)),
        lambda wrong: Minus(wrong, CAR),
        lambda wrong: Minus(CAR, wrong),
        lambda wrong: Minus(CAR, (CAR, wrong)),
        lambda wrong: Slerp(wrong, CAR),
        lambda wrong: Slerp(CAR, wrong),
        lambda wrong: Residual(wrong, (CAR,)),
        lambda wrong: Residual(CAR, wrong),
        lambda wrong: Residual(CAR, (wrong,)),
        lambda wrong: Residual(CAR, (CAR,), wrong),
        lambda wrong: Product(wrong, CAR),
        lambda wrong: Product(CAR, wrong),
        Mean,
        EachOf,
        lambda wrong: Feedback(wrong, (CAR,)),
        lambda wrong: Feedback(CAR, (wrong,)),
        lambda wrong: Feedback(CAR, (), wrong),
        lambda wrong: Where(wrong, WIDE),
    ],
)
@pytest.mark.parametrize("wrong", ["a dog", Path("a.jpg"), 3])
def test_what_is_no_part_makes_no_node(make, wrong):
    with pytest.raises(TypeError, match="wrap a text in Text"):
        make(wrong)


@pytest.mark.parametrize("wrong", ["width > 3", None, CAR])
def test_what_is_no_filter_makes_no_node(wrong):
    with pytest.raises(TypeError, match="parse_filter"):
        Where(CAR, wrong)


def test_lists_are_tuples_and_one_part_is_a_tuple_of_it():
    bus = Text("bus")
    assert Sum([CAR, POOL]) == Sum((CAR, POOL))
    assert Mean([CAR]) == Mean((CAR,))
    assert EachOf([CAR]) == EachOf((CAR,))
    assert (
        Residual(POOL, CAR, bus) == Residual(POOL, [CAR], [bus]) == Residual(POOL, (CAR,), (bus,))
    )
    assert Feedback(None, CAR, bus) == Feedback(None, [CAR], [bus])
    assert Minus(CAR, bus) == Minus(CAR, [bus]) == Minus(CAR, (bus,)) == CAR - bus
    assert hash(Sum([CAR, POOL])) == hash(Sum((CAR, POOL)))


def test_sums_of_sums_and_minus_of_minus_are_one_node():
    a, b, c, d = map(Text, "abcd")
    assert a + b + c + d == a + (b + (c + d)) == (a + b) + (c + d) == Sum((a, b, c, d))
    assert a - b - c == Minus(Minus(a, b), c) == Minus(a, (b, c))
    assert a - b + c - d == Minus(Sum((a, c)), (b, d))
    assert (a + b) * 2.0 + c == Sum((Scale(Sum((a, b)), 2.0), c)), "weights keep sums together"


def test_sum_of_python_adds_parts():
    assert sum([CAR, POOL]) == CAR + POOL
    assert sum([CAR]) == CAR


def test_a_minus_takes_something_away():
    with pytest.raises(QueryError, match="nothing is taken away"):
        Minus(CAR, ())


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\0", "\x1b\r"])
def test_blank_text_is_refused(text):
    with pytest.raises(QueryError, match="empty"):
        Text(text)


def test_a_text_that_is_no_string_is_a_programmers_mistake():
    with pytest.raises(TypeError):
        Text(3)


def test_a_query_without_terms_is_refused():
    with pytest.raises(QueryError, match="empty"):
        Sum(())


@pytest.mark.parametrize("weight", [0.0, float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_means_nothing_is_refused(weight):
    with pytest.raises(QueryError, match="weight"):
        _ = CAR * weight


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("a\0dog", "a dog"),
        ("dog\udcff", "dog\ufffd"),  # a byte that was no UTF-8, as sys.argv gives it
        ("\ud83d\udc36", "\U0001f436"),  # the two halves of a dog's face
        ("naïve 犬 \U0001f436", "naïve 犬 \U0001f436"),
    ],
)
def test_characters_that_no_encoder_reads_are_cleaned(given_text, cleaned):
    assert Text(given_text).text == cleaned


@given(st.text(st.characters(codec=None, categories=None)))
def test_cleaned_text_is_always_utf_8_and_cleaning_twice_changes_nothing(text):
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert clean_text(cleaned) == cleaned


def test_ten_thousand_words_are_a_query():
    text = "dog " * 10_000
    assert Text(text).text == text


@pytest.mark.parametrize("at", [-0.1, 1.1, float("nan")])
def test_slerp_stays_on_the_arc(at):
    with pytest.raises(QueryError, match="between 0 and 1"):
        Slerp(POOL, CAR, at)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan"), float("inf")])
def test_a_residual_goes_forward(gain):
    with pytest.raises(QueryError, match="gain"):
        Residual(POOL, (CAR,), gain=gain)


def test_a_residual_goes_somewhere():
    with pytest.raises(QueryError, match="example"):
        Residual(POOL, ())


def test_a_vector_is_the_direction_of_its_numbers():
    made = Vector.of(np.array([3.0, 4.0]), "text")
    assert made.values.tolist() == pytest.approx([0.6, 0.8])
    assert made.modality == "text"
    assert made == Vector.of(np.array([6, 8]), "text")
    assert made != Vector.of(np.array([6, 8]), "image")
    with pytest.raises(ValueError, match="read-only"):
        made.values[0] = 1


@pytest.mark.parametrize(
    "values", [np.zeros(3), np.array([1, np.nan]), np.array([np.inf, 1]), np.ones((1, 2)), [[]]]
)
def test_numbers_without_a_direction_are_no_vector(values):
    with pytest.raises(QueryError, match="finite") as caught:
        Vector.of(values)
    assert caught.value.hint


@pytest.mark.parametrize(
    "values", [np.array([1 + 2j, 3]), "a dog", ["a", "b"], [[1.0], [1.0, 2.0]], [10**400, 1]]
)
def test_what_are_no_real_numbers_is_no_vector(values):
    with pytest.raises(QueryError, match=r"real numbers|of numbers") as caught:
        Vector.of(values)
    assert caught.value.hint


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200, 1e307])
def test_the_size_of_the_numbers_does_not_matter(scale):
    made = Vector.of(np.array([3.0, 4.0]) * scale)
    assert made.values.tolist() == pytest.approx([0.6, 0.8], abs=1e-3)  # 1e-320 has few digits


@pytest.mark.parametrize("scale", [2.0**-900, 1.0, 2.0**900])
def test_scaling_changes_no_bit(scale):
    values = np.random.default_rng(0).standard_normal(64)
    expected = (values / np.linalg.norm(values)).astype(np.float32)
    assert np.array_equal(Vector.of(values * scale).values, expected)


UNIT = np.array([0.6, 0.8], np.float32)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        UNIT.tobytes()[:-1],
        *((UNIT * np.float32(each)).tobytes() for each in (0, 1e-30, 2, 1e30, "inf", "nan")),
    ],
)
def test_bytes_that_are_no_unit_vector_are_refused(content):
    with pytest.raises(QueryError, match="no unit vector") as caught:
        Vector(content)
    assert "Vector.of" in caught.value.hint


def test_a_vector_of_another_kind_is_refused():
    assert Vector(UNIT.tobytes(), "text") == Vector.of(UNIT, "text")
    with pytest.raises(QueryError, match="no modality 'sound'") as caught:
        Vector.of(UNIT, "sound")
    assert "'image' or 'text'" in caught.value.hint
    with pytest.raises(TypeError, match=r"Vector\.of"):
        Vector(UNIT)


@pytest.mark.parametrize("item_id", [0, -3, 1 << 63])
def test_an_id_that_no_item_can_have_is_refused(item_id):
    with pytest.raises(QueryError, match=f"no item {item_id}") as caught:
        ItemRef(item_id)
    assert caught.value.hint
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        Query(CAR, exclude=(item_id,))
