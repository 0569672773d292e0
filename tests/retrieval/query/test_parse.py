"""The interactive query line: what is an operator, a weight, a picture, and what stays a text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QuerySyntaxError
from retrieval.query.algebra import ImageFile, Minus, Scale, Sum, Text
from retrieval.query.parse import parse_query, without_of

THERE = {Path("pool.jpg"), Path("./pool.jpg"), Path("/pictures/pool.jpg")}


def parsed(*words, **options):
    return parse_query(words, is_file=THERE.__contains__, **options)


def test_the_example_of_the_guide():
    pool = ImageFile(Path("./pool.jpg"))
    retriever = Scale(Text("golden retriever"), 2.0)
    found = parsed("2:golden retriever", "+", "./pool.jpg", "-", "fruit")
    assert found == Minus(Sum((retriever, pool)), Text("fruit"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("a", "dog"), Text("a dog")),
        (("a dog - snow",), Text("a dog - snow")),
        (("a", "b-c"), Text("a b-c")),
        (("16:9",), Text("16:9")),
        (("4:3", "television"), Text("4:3 television")),
        (("time:", "now"), Text("time: now")),
        (("0.5:dog",), Scale(Text("dog"), 0.5)),
        (("2:", "dog"), Scale(Text("dog"), 2.0)),
        (("pool.jpg",), ImageFile(Path("pool.jpg"))),
        (("3:pool.jpg",), Scale(ImageFile(Path("pool.jpg")), 3.0)),
        (("/pictures/pool.jpg",), ImageFile(Path("/pictures/pool.jpg"))),
        (("holiday", "pool.jpg"), Text("holiday pool.jpg")),
        (("and/or",), Text("and/or")),
        (("-", "people", "+", "beach"), Minus(Text("beach"), Text("people"))),
        (("a", "-", "b", "-", "2:c"), Minus(Minus(Text("a"), Text("b")), Scale(Text("c"), 2.0))),
        (("a", "+", "b"), Sum((Text("a"), Text("b")))),
    ],
)
def test_by_example(words, expected):
    assert parsed(*words) == expected


@pytest.mark.parametrize(
    ("words", "column", "says"),
    [
        (("a", "dog", "+"), 7, "no term after"),
        (("+", "dog"), None, None),
        (("a", "+", "+", "b"), 5, "no term before"),
        (("a", "+", "-", "b"), 5, "no term before"),
        (("-", "people"), 3, "only says what is unwanted"),
        (("a", "+", "0:b"), 5, "above 0"),
        (("nan:b",), 1, "above 0"),
        (("inf:b",), 1, "above 0"),
        (("dog", "+", "gone.jpg"), 7, "no file gone.jpg"),
        (("2:./gone",), 3, "no file ./gone"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_column(words, column, says):
    if says is None:
        assert parsed(*words) == Text("dog")
        return
    with pytest.raises(QuerySyntaxError, match=says) as caught:
        parsed(*words)
    assert caught.value.column == column
    line, caret = caught.value.excerpt
    assert caret.index("^") == 1 + column
    assert " ".join(words) in line
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("a street without cars", "a street", ("cars",)),
        ("a beach with no people", "a beach", ("people",)),
        ("a beach, no people", "a beach", ("people",)),
        ("a street without any cars and people", "a street", ("cars", "people")),
        ("a park without a dog, a cat or children", "a park", ("dog", "cat", "children")),
        ("a room without chairs or tables.", "a room", ("chairs", "tables")),
        ("Kitchen WITHOUT people", "Kitchen", ("people",)),
        ("no people", "no people", ()),
        ("no parking", "no parking", ()),
        ("without words", "without words", ()),
        ("a no smoking sign", "a no smoking sign", ()),
        ("a sign that says no parking", "a sign that says no parking", ()),
        ("there is no place like home", "there is no place like home", ()),
        ("a note", "a note", ()),
        ("a snow field", "a snow field", ()),
        ("a street without", "a street without", ()),
        ("ohne Menschen", "ohne Menschen", ()),
    ],
)
def test_english_negations(text, wanted, unwanted):
    assert without_of(text) == (wanted, unwanted)


def test_a_negation_takes_away_like_a_minus():
    assert parsed("a", "street", "without", "cars") == Minus(Text("a street"), Text("cars"))
    assert parsed("2:a street without cars") == Minus(Scale(Text("a street"), 2.0), Text("cars"))
    assert parsed("a", "street", "without", "cars", negations=False) == Text(
        "a street without cars"
    )


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=6))
def test_any_words_are_a_query_or_an_error_that_points_into_the_line(words):
    if not "".join(words).strip():
        return
    try:
        parse_query(words, is_file=lambda path: False)
    except QuerySyntaxError as refused:
        error = refused
    else:
        return
    assert 1 <= error.column <= len(" ".join(words)) + 1
