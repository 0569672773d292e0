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
    Residual,
    Scale,
    Slerp,
    Sum,
    Text,
    Vector,
    clean_text,
)

CAR, POOL = Text("car"), ImageFile("pool.jpg")


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
    with pytest.raises(QueryError, match="finite"):
        Vector.of(values)


@pytest.mark.parametrize("item_id", [0, -3, 1 << 63])
def test_an_id_that_no_item_can_have_is_refused(item_id):
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        ItemRef(item_id)
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        Query(CAR, exclude=(item_id,))
