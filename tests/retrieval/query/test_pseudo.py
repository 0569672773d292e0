"""Texts with images in them: the node, its place in queries, the line, and `--compose pseudo`."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError, QuerySyntaxError
from retrieval.model import FIRST_ID
from retrieval.query.algebra import ImageFile, ItemRef, Minus, Scale, Sum, Text, Vector
from retrieval.query.modes import Mode, composed
from retrieval.query.normal import leaves, normal, pseudos
from retrieval.query.parse import parse_query
from retrieval.query.ways import Pseudo, Slerp

REF, POOL = ImageFile(Path("ref.jpg")), ImageFile(Path("pool.jpg"))
THERE = {REF.path, POOL.path, Path("odd name")}
ON_BEACH = Pseudo(("a photo of", REF, "on the beach"))
PSEUDO = Mode.parse("pseudo")


def parsed(*words, **options):
    return parse_query(words, is_file=THERE.__contains__, **options)


def test_blank_texts_are_left_out_and_nodes_are_equal_by_what_they_say():
    assert Pseudo(("", REF, " ", "on the\x00beach")) == Pseudo((REF, "on the beach"))
    assert hash(ON_BEACH) == hash(Pseudo(("a photo of", REF, "on the beach")))
    vector, item = Vector.of(np.ones(3)), ItemRef(5)
    assert Pseudo((vector, "and", item)).images == (vector, item)


@pytest.mark.parametrize("segments", [(), ("only text",), ("a", " ")])
def test_without_an_image_it_is_refused(segments):
    with pytest.raises(QueryError, match="needs an image") as caught:
        Pseudo(segments)
    assert caught.value.hint


@pytest.mark.parametrize(
    "part",
    [
        Text("red"),
        REF + POOL,
        ItemRef(FIRST_ID["texts"]),
        Vector.of(np.ones(3), "text"),
        Scale(REF, 2.0),
    ],
)
def test_only_images_stand_in_slots(part):
    with pytest.raises(QueryError, match="cannot stand inside of a text"):
        Pseudo(("a", part))


def test_it_is_a_vector_like_any_other():
    expression = Minus(Slerp(POOL, ON_BEACH, 0.5) + ON_BEACH * 2, Pseudo((POOL,)))
    sought = normal(expression)
    assert list(pseudos(sought.core)) == [ON_BEACH, ON_BEACH]
    assert list(leaves(sought.core)) == [POOL, REF, REF]
    assert list(pseudos(sought.unwanted[0].part)) == [Pseudo((POOL,))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("a photo of {ref.jpg} on the beach",), ON_BEACH),
        (("a", "photo", "of", "{ref.jpg}", "on", "the", "beach"), ON_BEACH),
        (("{ ref.jpg }",), Pseudo((REF,))),
        (("{odd name} at night",), Pseudo((ImageFile(Path("odd name")), "at night"))),
        (("{ref.jpg} next to {pool.jpg}",), Pseudo((REF, "next to", POOL))),
        (("{pool.jpg}{ref.jpg}",), Pseudo((POOL, REF))),
        (("2:{ref.jpg} at night",), Scale(Pseudo((REF, "at night")), 2.0)),
        (("{ref.jpg}, in the snow",), Pseudo((REF, ", in the snow"))),
        (("a {word} in braces",), Text("a {word} in braces")),
        (("a {word} of {ref.jpg}",), Pseudo(("a {word} of", REF))),
        (("a { b",), Text("a { b")),
        (
            ("{ref.jpg} at night", "+", "snow", "-", "{pool.jpg}"),
            Minus(Sum((Pseudo((REF, "at night")), Text("snow"))), Pseudo((POOL,))),
        ),
        (
            ("a photo of {ref.jpg} on the beach without people",),
            Minus(ON_BEACH, Text("people")),
        ),
        (("{ref.jpg} with no people",), Minus(Pseudo((REF,)), Text("people"))),
    ],
)
def test_braces_of_the_line(words, expected):
    assert parsed(*words) == expected


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ("a photo of {} here", 12, "a slot without an image"),
        ("a photo of { } here", 12, "a slot without an image"),
        ("of {ref.jpg} and {gone.jpg}", 19, "no file gone.jpg"),
        ("of {./folder/gone}", 5, r"no file \./folder/gone"),
        ("3:of {}", 6, "a slot without an image"),
    ],
)
def test_a_slot_without_an_image_is_an_error_at_its_column(line, column, problem):
    with pytest.raises(QuerySyntaxError, match=problem) as caught:
        parsed(line)
    assert caught.value.column == column
    assert "--literal" in caught.value.hint


@given(st.text(alphabet="ab {}.jpg", max_size=20))
def test_any_line_with_braces_is_a_query_or_a_syntax_error(line):
    column = 1
    try:
        found = parsed(line, negations=False)
    except QuerySyntaxError as error:
        found, column = Text("an error"), error.column
    assert isinstance(found, Text | Pseudo | ImageFile)
    assert 1 <= column <= len(line) + 1


@pytest.mark.parametrize("query", [REF + Text("is blue"), Text("is blue") + REF])
def test_the_mode_makes_one_text_by_the_template(query):
    assert composed(query, PSEUDO) == Pseudo(("a photo of ", REF, " that is blue"))
    assert composed(query, PSEUDO, "{text} {image}") == Pseudo(("is blue ", REF))


def test_the_mode_joins_several_and_keeps_what_is_unwanted():
    query = Minus(Sum((REF, POOL, Text("red"), Text("large"))), Text("people"))
    expected = Pseudo(("", REF, "and", POOL, " red and large"))
    assert composed(query, PSEUDO, "{image} {text}") == Minus(expected, Text("people"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (REF * 2 + Text("red"), "takes no weights"),
        (REF + POOL, "takes images and words"),
        (Text("red") + Text("blue"), "takes images and words"),
        (Text("red") + ON_BEACH, "takes images and words"),
        (REF + Text("red") * -1, "takes no negative weights"),
    ],
)
def test_the_mode_says_what_it_takes(query, message):
    with pytest.raises(QueryError, match=message) as caught:
        composed(query, PSEUDO)
    assert caught.value.hint


def test_words_that_are_a_text_already_stay_one_in_other_modes():
    assert composed(ON_BEACH, Mode.parse("auto")) == ON_BEACH
    assert composed(POOL + ON_BEACH, Mode.parse("slerp:0.3")) == Slerp(POOL, ON_BEACH, 0.3)


def test_the_mode_takes_no_number():
    with pytest.raises(QueryError, match="takes no number"):
        Mode.parse("pseudo:1")
