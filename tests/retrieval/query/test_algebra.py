from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.query.algebra import Query, Term, clean_text


def test_a_text_is_literal():
    assert Query.text("a dog - snow *2") == Query((Term("text", "a dog - snow *2", 1.0),))


def test_constructors_name_the_kind():
    assert Term.image("a/b.jpg", -0.5) == Term("image", Path("a/b.jpg"), -0.5)
    assert Term.item(7).value == 7
    assert Query.text("x").compose == "sum"


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\0", "\x1b\r"])
def test_blank_text_is_refused(text):
    with pytest.raises(QueryError, match="empty"):
        Term.text(text)


def test_a_query_without_terms_is_refused():
    with pytest.raises(QueryError, match="empty"):
        Query(())


@pytest.mark.parametrize("weight", [0.0, float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_means_nothing_is_refused(weight):
    with pytest.raises(QueryError, match="weight"):
        Term.text("dog", weight)


@pytest.mark.parametrize(("kind", "value"), [("text", 3), ("image", "a.jpg"), ("vector", "a")])
def test_a_value_of_the_wrong_type_is_a_programmers_mistake(kind, value):
    with pytest.raises(TypeError):
        Term(kind, value)


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
    assert Term.text(given_text).value == cleaned


@given(st.text(st.characters(codec=None, categories=None)))
def test_cleaned_text_is_always_utf_8_and_cleaning_twice_changes_nothing(text):
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert clean_text(cleaned) == cleaned


def test_ten_thousand_words_are_a_query():
    text = "dog " * 10_000
    assert Query.text(text).terms[0].value == text


TWO = (Term.image("a.jpg"), Term.text("in winter"))


@pytest.mark.parametrize("terms", [TWO[:1], (*TWO, Term.text("at night"))])
def test_slerp_takes_exactly_two_terms(terms):
    with pytest.raises(QueryError, match="exactly two"):
        Query(terms, compose="slerp")


def test_slerp_takes_no_weights():
    with pytest.raises(QueryError, match="weights"):
        Query((TWO[0], Term.text("in winter", 0.3)), compose="slerp")
    with pytest.raises(QueryError, match="weights"):
        Query((Term.text("a", -1.0), Term.text("b", -1.0)), compose="slerp")
    assert Query((Term.text("a", 2.0), Term.text("b", 2.0)), compose="slerp").slerp_at == 0.8


@pytest.mark.parametrize("at", [-0.1, 1.1, float("nan")])
def test_slerp_stays_on_the_arc(at):
    with pytest.raises(QueryError, match="between 0 and 1"):
        Query(TWO, compose="slerp", slerp_at=at)


def test_an_unknown_composition_is_refused():
    with pytest.raises(QueryError, match="no such composition"):
        Query(TWO, compose="product")


@pytest.mark.parametrize("item_id", [0, -3, 1 << 63])
def test_an_id_that_no_item_can_have_is_refused(item_id):
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        Term.item(item_id)
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        Query((Term.text("a"),), exclude=(item_id,))
