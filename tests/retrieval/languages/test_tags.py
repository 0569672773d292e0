"""One spelling for each tag, and an error for what names no language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.languages.codes import FLORES, XLM_R
from retrieval.languages.tags import canonical_tag, family, knows, primary


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("de", "de"),
        ("DE", "de"),
        (" de_AT ", "de-AT"),
        ("deu", "de"),
        ("deu_Latn", "de"),
        ("jp", "ja"),
        ("iw", "he"),
        ("tl", "fil"),
        ("quz", "quz"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("zh-cmn-Hans-CN", "zh-Hans-CN"),
        ("zh-yue", "yue"),
        ("zh_classical", "lzh"),
        ("sh", "sr-Latn"),
        ("und", "und"),
    ],
)
def test_a_tag_has_one_spelling(given, expected):
    assert canonical_tag(given) == expected
    assert canonical_tag(expected) == expected


@pytest.mark.parametrize(
    "tag", ["", " ", "xx", "german", "de,en", "de-", "q!", "123", "mul", "zxx", "x-mine", "d" * 500]
)
def test_what_names_no_language_is_refused_with_a_hint(tag):
    with pytest.raises(QueryError, match="no language") as caught:
        canonical_tag(tag)
    assert "zh-Hant" in caught.value.hint


def test_a_tag_is_a_string():
    with pytest.raises(TypeError, match="5"):
        canonical_tag(5)


@given(st.text(max_size=12))
def test_any_text_is_a_tag_or_an_error(text):
    try:
        found = canonical_tag(text)
    except QueryError:
        return
    assert canonical_tag(found) == found


def test_a_member_counts_with_its_family():
    assert [family(tag) for tag in ("nb", "arb", "cmn", "quz", "de-AT", "yue")] == [
        "no", "ar", "zh", "qu", "de", "yue",
    ]  # fmt: skip
    assert primary("zh-Hant-TW") == "zh"


def test_an_encoder_knows_a_language_in_any_script_and_region():
    assert knows(("de", "zh"), "de-AT")
    assert knows(("de", "zh"), "zh-Hant")
    assert not knows(("de", "zh"), "yue")
    assert not knows((), "de")
    assert knows(("*",), "yue")


@pytest.mark.parametrize("table", [FLORES, XLM_R], ids=["flores", "xlm-r"])
def test_declared_languages_are_spelled_so(table):
    assert [canonical_tag(tag) for tag in table] == list(table)
    assert len(set(table)) == len(table)
