"""What a filter says, and what is said of one that is wrong."""

import pytest

from retrieval.errors import FilterError, QueryError
from retrieval.store.filters.grammar import MAX_DEPTH, MAX_VALUES, parse_filter
from retrieval.store.filters.names import FIELDS
from retrieval.store.filters.predicates import And, Between, Box, Comparison, Has, Not, OneOf, Or

WIDE = Comparison("width", ">", 1000)
DOG = Comparison("caption", "~", "dog")
HAS_TAG = Has("tag")


def test_the_filter_of_the_documentation():
    text = 'width > 1000 and taken >= 2024-01-01 and tag in ("beach", "sea") and caption ~ "dog"'
    assert parse_filter(text) == And(
        (
            WIDE,
            Comparison("taken", ">=", "2024-01-01"),
            OneOf("tag", ("beach", "sea")),
            DOG,
        )
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width>1000", WIDE),
        ("WIDTH > 1000 AND Caption ~ dog", And((WIDE, DOG))),
        ("width > 1000 and caption ~ dog or has tag", Or((And((WIDE, DOG)), HAS_TAG))),
        ("width > 1000 and (caption ~ 'dog' or has tag)", And((WIDE, Or((DOG, HAS_TAG))))),
        ("not width > 1000 and has tag", And((Not(WIDE), HAS_TAG))),
        ("not not has tag", HAS_TAG),
        ("((has tag))", HAS_TAG),
        ("width not in (1, 2)", Not(OneOf("width", (1, 2)))),
        ("bytes between 1kB and 2MiB", Between("bytes", 1000, 2 * 1024**2)),
        (
            "taken between 2024-01 and 2024-05-06t07:08",
            Between("taken", "2024-01", "2024-05-06T07:08"),
        ),
        ('taken = "2024-05-06 07:08:09"', Comparison("taken", "=", "2024-05-06T07:08:09")),
        ("gps in (47.2, -5, 55, +15.1)", Box(47.2, -5.0, 55.0, 15.1)),
        ("gps in (-10, 170, 10, -170)", Box(-10.0, 170.0, 10.0, -170.0)),
        ("tag = 2024", Comparison("tag", "=", "2024")),
        ("tag = android", Comparison("tag", "=", "android")),
        ("tag = 'and'", Comparison("tag", "=", "and")),
        (r"tag = 'it\'s \\ \"x\"'", Comparison("tag", "=", 'it\'s \\ "x"')),
        ("caption ~ 'two\nlines'", Comparison("caption", "~", "two\nlines")),
        ("folder != /a/b-c.d", Comparison("folder", "!=", "/a/b-c.d")),
        ("path in (/a, https://host/b)", OneOf("path", ("/a", "https://host/b"))),
        ("caption ~ 日本", Comparison("caption", "~", "日本")),
    ],
)
def test_what_filters_say(text, expected):
    assert parse_filter(text) == expected


def test_the_home_folder_is_meant_by_a_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert parse_filter("folder = ~/Pictures") == Comparison("folder", "=", "/home/me/Pictures")
    assert parse_filter('folder = "~"') == Comparison("folder", "=", "/home/me")


@pytest.mark.parametrize("field", FIELDS.values(), ids=str)
def test_the_example_of_every_field_is_a_filter(field):
    predicate = parse_filter(field.example)
    assert predicate.field == field.name


@pytest.mark.parametrize(
    ("text", "marked", "problem", "hint"),
    [
        ("widht > 3", "widht", "no field 'widht'", "did you mean width?"),
        ("has tags", "tags", "no field 'tags'", "did you mean tag?"),
        ("width > 1 and tag ~ a and colour = red", "colour", "no field", "path, folder"),
        ("width > wide", "wide", "whole number", "width > 1000"),
        ("width = 1.5", "1.5", "whole number", None),
        ("width = 5MB", "5MB", "whole number", None),
        ('width > "1000"', '"1000"', "whole number", None),
        ("bytes > 99999999999T", "99999999999T", "too large", None),
        ("caption < a", "<", "its values are texts", "takes =, !=, ~, in"),
        ("width ~ 1", "~", "its values are numbers", "between"),
        ("gps = 3", "=", "its values are places", "gps in (47.2"),
        ("camera between a and b", "camera", "no order", None),
        ("taken = yesterday", "yesterday", "is a date", "YYYY-MM-DD"),
        ("taken = 2023-02-29", "2023-02-29", "no such date", None),
        ("taken = 2024-1-1", "2024-1-1", "is a date", "YYYY-MM-DD"),
        ("gps in (1, 2, 3)", "gps", "four numbers, not 3", "south, west, north, east"),
        ("gps in (50, 2, 3, 5)", "50", "north of the north", "180th meridian"),
        ("gps in (1, 2, 95, 5)", "95", "no latitude", "-90 to 90"),
        ("folder = holidays", "holidays", "no whole path", 'folder ~ "holidays"'),
        ("width > 1 and and height > 2", "and height", "does not go here", "a field"),
        ("width > 1 height", "height", "does not go here", "and, or"),
        ("width > 1)", ")", "does not go here", None),
        ("tag = and", "and", "does not go here", "a value"),
        ('tag = "abc', '"abc', "no end", 'end it with "'),
        ("width ! 3", "!", "no meaning", None),
    ],
)
def test_an_error_points_at_the_place_and_says_what_would_be_right(text, marked, problem, hint):
    with pytest.raises(FilterError, match=problem) as caught:
        parse_filter(text)
    error = caught.value
    assert isinstance(error, QueryError)
    assert error.column == text.rindex(marked) + 1
    shown, caret = error.excerpt
    assert shown[caret.index("^") :].startswith(marked)
    assert str(error).endswith(f"(column {error.column})\n{shown}\n{caret}")
    assert (hint or "") in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "column"), [("", 1), ("  ", 1), ("not", 4), ("width > ", 8), ("((has tag)", 11)]
)
def test_a_filter_that_ends_too_early_is_pointed_at_behind_its_end(text, column):
    with pytest.raises(FilterError, match=r"empty|too early") as caught:
        parse_filter(text)
    assert caught.value.column == column


def test_the_caret_stands_below_the_place_in_wide_and_long_filters():
    with pytest.raises(FilterError) as caught:
        parse_filter("caption ~ 日本 and x = 1")
    assert caught.value.excerpt == ("  caption ~ 日本 and x = 1", " " * 21 + "^")
    long = "has tag or " * 30 + "x = 1" + " or has tag" * 30
    with pytest.raises(FilterError) as caught:
        parse_filter(long)
    shown, caret = caught.value.excerpt
    assert len(shown) < 90
    assert shown.startswith("  ...")
    assert shown.endswith("...")
    assert shown[caret.index("^") :].startswith("x = 1")


def test_sizes_beyond_what_databases_take_are_refused():
    values = ", ".join(map(str, range(MAX_VALUES)))
    parse_filter(f"width in ({values})")
    with pytest.raises(FilterError, match="501 values"):
        parse_filter(f"width in ({values}) or has tag")
    deep = "width > 1"
    for _ in range(MAX_DEPTH // 2):
        deep = f"(({deep}) and has tag or has tag)"
    with pytest.raises(FilterError, match="deep"):
        parse_filter(deep)
    with pytest.raises(FilterError, match="20,000 characters"):
        parse_filter("has tag or " * 2_000)
    assert parse_filter("(" * 5_000 + "has tag" + ")" * 5_000) == HAS_TAG
    assert parse_filter("not " * 4_000 + "has tag") == HAS_TAG
