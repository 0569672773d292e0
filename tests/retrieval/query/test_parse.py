"""The interactive query line: what is an operator, a weight, a picture, and what stays a text."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QuerySyntaxError
from retrieval.query.algebra import ImageFile, Minus, Scale, Sum, Text
from retrieval.query.negations import without_of
from retrieval.query.normal import normal
from retrieval.query.parse import parse_query, read_query

THERE = {Path(name) for name in ("pool.jpg", "./pool.jpg", "/pictures/pool.jpg", "my dog.jpg")}
DOG = ImageFile(Path("my dog.jpg"))


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
        ((".5:dog",), Scale(Text("dog"), 0.5)),
        (("0.01:dog",), Scale(Text("dog"), 0.01)),
        (("100:dog",), Scale(Text("dog"), 100.0)),
        (("2:", "dog"), Text("2: dog")),
        (("2001:", "a", "space", "odyssey"), Text("2001: a space odyssey")),
        (("1917:", "the", "film"), Text("1917: the film")),
        (("1917:film",), Text("1917:film")),
        (("100.5:fm",), Text("100.5:fm")),
        (("0.001:dog",), Text("0.001:dog")),
        (("1.00000:dog",), Text("1.00000:dog")),
        (("007:bond",), Text("007:bond")),
        (("1e1:dog",), Text("1e1:dog")),
        (("nan:bread",), Text("nan:bread")),
        (("inf:", "x"), Text("inf: x")),
        (("\N{ARABIC-INDIC DIGIT TWO}:dog",), Text("\N{ARABIC-INDIC DIGIT TWO}:dog")),
        (("pool.jpg",), ImageFile(Path("pool.jpg"))),
        (("3:pool.jpg",), Scale(ImageFile(Path("pool.jpg")), 3.0)),
        (("/pictures/pool.jpg",), ImageFile(Path("/pictures/pool.jpg"))),
        (("holiday", "pool.jpg"), Text("holiday pool.jpg")),
        (("my dog.jpg",), ImageFile(Path("my dog.jpg"))),
        (("2:my", "dog.jpg", "+", "snow"), Sum((Scale(DOG, 2.0), Text("snow")))),
        (("file:", "a", "steel", "tool"), Text("file: a steel tool")),
        (("a", "page", "of", "https://x.org"), Text("a page of https://x.org")),
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
        (("0.0:b",), 1, "above 0"),
        (("dog", "+", "gone.jpg"), 7, "no file gone.jpg"),
        (("2:./gone",), 3, "no file ./gone"),
        (("../my", "gone"), 1, "no file ../my gone"),
        (("dog", "+", " gone.jpg"), 8, "no file gone.jpg"),
        (("dog", "+", "https://x.org/a.jpg"), 7, "https://x.org/a.jpg is an address"),
        (("2:HTTP://x.org/a",), 3, "HTTP://x.org/a is an address"),
        (("ftp://x.org/a dog.jpg",), 1, "ftp://x.org/a is an address"),
        (("s3://bucket/a.jpg",), 1, "is an address"),
        (("file:/pictures/pool.jpg",), 1, "is an address"),
        (("like", "{https://x.org/a.jpg}"), 7, "is an address"),
        (("a", "\N{MINUS SIGN}"), 3, "\N{MINUS SIGN}. has no term after"),
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
        ("a beach without people at sunset", "a beach at sunset", ("people",)),
        ("a street without cars in Paris", "a street in Paris", ("cars",)),
        ("kitchen with no people and a red fridge", "kitchen and a red fridge", ("people",)),
        ("a street without cars or a bus", "a street", ("cars", "bus")),
        ("a room without a table and a bed", "a room", ("table", "bed")),
        ("a street without cars without people", "a street", ("cars", "people")),
        ("a street without cars with no people", "a street", ("cars", "people")),
        ("a street without cars no people", "a street", ("cars", "people")),
        ("a street without cars without cars", "a street", ("cars",)),
        ("a street with trees and without cars", "a street with trees", ("cars",)),
        ("a beach, no people, no cars, sunset", "a beach, sunset", ("people", "cars")),
        ("a beach without people, sunset, palms", "a beach, sunset, palms", ("people",)),
        ("a beach without people, a red boat", "a beach, a red boat", ("people",)),
        ("a street without cars, bikes, and people", "a street", ("cars", "bikes", "people")),
        ("a street without cars and people, rain", "a street, rain", ("cars", "people")),
        ("a street without cars; rain", "a street; rain", ("cars",)),
        ("a street without cars. Red houses.", "a street. Red houses", ("cars",)),
        ("a plate without food on it", "a plate", ("food on it",)),
        ("a wall without pictures of cars", "a wall", ("pictures of cars",)),
        ("a beach; no people", "a beach", ("people",)),
        ("a beach and no people", "a beach", ("people",)),
        ("a beach without people, with no sign", "a beach", ("people", "sign")),
    ],
)
def test_english_negations(text, wanted, unwanted):
    assert without_of(text) == (wanted, unwanted)


def test_a_negation_takes_away_like_a_minus():
    assert parsed("a", "street", "without", "cars") == Minus(Text("a street"), Text("cars"))
    assert parsed("a", "street", "without", "cars", negations=False) == Text(
        "a street without cars"
    )


@pytest.mark.parametrize("weight", ["2", "0.5"])
def test_a_weight_counts_for_the_negation_too(weight):
    plain, weighed = parsed("street without cars"), parsed(f"{weight}:street without cars")
    assert weighed != plain
    assert normal(weighed).unwanted == normal(plain).unwanted


def test_what_negations_take_away_is_told_apart_from_what_operators_do():
    found = read_query(["a street without cars", "+", "rain, no cars, no dogs", "-", "people"])
    assert found.taken_away == ("cars", "dogs")
    assert read_query(["a street without cars"], negations=False).taken_away == ()
    assert read_query(["a street", "-", "cars"]).taken_away == ()


@pytest.mark.parametrize(
    "text",
    [
        "um gato no telhado",
        "perro que no ladra",
        "Tonari no Totoro",
        "chanel no 5",
        "chanel, no. 5",
        "chanel, no 5",
        "red no parking sign",
        "a wall with no smoking sign",
        "a door, no entry",
        "a lake, no swimming please",
        "sign no dogs allowed",
        "a sign, no dogs allowed",
        "there's no place like home",
        "doctors without borders",
        "rebel without a cause",
        "happy without any doubt",
        "yes no maybe",
        "yes, no, maybe",
        "a dog, no",
        "a man and without any",
        "a street without in Paris",
    ],
)
def test_no_and_without_in_other_languages_and_set_phrases_are_text(text):
    assert without_of(text) == (text, ())


def test_a_negation_may_come_again_in_a_text_of_any_length():
    """Nothing is read in quadratic time: a test that took minutes would be seen."""
    assert without_of(f"street without cars{' ' * 100_000}x") == ("street", ("cars x",))
    assert without_of("a no " * 20_000) == ("a no " * 20_000, ())
    assert without_of("x" + ", no b" * 20_000) == ("x", ("b",))
    assert without_of("x without b" + ", without" * 10_000) == (
        "x" + ", without" * 10_000,
        ("b",),
    )


@pytest.mark.parametrize("text", ["1" * 100_000, "." * 100_000, "{a}" * 33_000, "{" * 100_000])
def test_long_words_are_read(text):
    assert parsed(text) == Text(text)


@pytest.mark.parametrize("sign", ["\N{EN DASH}", "\N{MINUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}"])
def test_dashes_that_are_words_take_away(sign):
    assert parsed("beach", sign, "people") == Minus(Text("beach"), Text("people"))
    assert parsed(f"beach {sign} people") == Text(f"beach {sign} people")


def test_a_full_width_plus_adds():
    assert parsed("a", "\N{FULLWIDTH PLUS SIGN}", "b") == Sum((Text("a"), Text("b")))


LONG_NAME = "x" * 300


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("~no-such-user/x.jpg", "~no-such-user is nobody's home folder"),
        ("~no-such-user/x", "nobody's home folder"),
        ("~a\0/x.jpg", "nobody's home folder"),
        (f"{LONG_NAME}.jpg", "File name too long"),
        (f"./{LONG_NAME}", "File name too long"),
    ],
)
def test_a_path_that_cannot_be_looked_up_is_an_error_at_its_column(name, why):
    with pytest.raises(QuerySyntaxError, match=f"no file .*{why}") as caught:
        parse_query(["dog", "+", name])
    assert (caught.value.column, bool(caught.value.hint)) == (7, True)


def test_a_name_that_cannot_be_looked_up_and_need_be_no_file_is_text():
    def locked(path):
        raise PermissionError(13, "Permission denied")

    for text in (f"/{LONG_NAME}", f"{{{LONG_NAME}}}", f"a {LONG_NAME}.jpg"):
        assert parse_query([text]) == Text(text)
    assert parse_query(["my dog.jpg"], is_file=locked) == Text("my dog.jpg")
    with pytest.raises(QuerySyntaxError, match="Permission denied"):
        parse_query(["dog.jpg"], is_file=locked)


SENTENCES = st.lists(
    st.sampled_from(
        ["no", "without", "with", "and", "or", "a", "any", "cars", "in", "it", ",", "."]
    )
).map(" ".join)


@given(SENTENCES)
def test_words_of_a_text_are_sought_or_taken_away_and_none_is_made_up(text):
    wanted, unwanted = without_of(text)
    if not unwanted:
        assert wanted == text
        return
    assert wanted
    assert all(unwanted)
    said = [word for part in (wanted, *unwanted) for word in part.split()]
    assert Counter(said) <= Counter(text.split())


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
