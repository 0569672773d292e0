import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.encoders.base import TextLimit
from retrieval.errors import QueryError
from retrieval.query.long_text import MOST_PARTS, parts_of


def words(most):
    """Two special tokens, and one for each word; as long words as there may be, four letters."""

    def length_of(text):
        return 2 + sum(-(-len(word) // 4) for word in text.split())

    return TextLimit(most, "tokens", length_of)


@pytest.mark.parametrize("text", ["", "a dog", "a  dog \t on  the  beach ", "One dog. Two cats."])
def test_a_text_that_fits_stays_as_it_is(text):
    assert parts_of(text, words(100)) == (text,)


def test_a_text_is_split_after_sentences():
    text = "One dog ran. Two cats sat. It is hot."
    assert parts_of(text, words(8)) == ("One dog ran. Two cats sat.", "It is hot.")


def test_a_sentence_that_is_too_long_is_split_after_commas_then_between_words():
    assert parts_of("a b c, d e f", words(5)) == ("a b c,", "d e f")
    assert parts_of("a b c d e f", words(5)) == ("a b c", "d e f")


def test_a_word_that_is_too_long_is_split_between_characters():
    assert parts_of("abcdefghijklmnop", words(4)) == ("abcdefgh", "ijklmnop")


def test_sentences_without_spaces_are_sentences():
    assert parts_of("一只狗。两只猫。", TextLimit(4, "characters", len)) == ("一只狗。", "两只猫。")


def test_white_space_alone_splits_nothing():
    assert parts_of("a" + " " * 50 + "b", TextLimit(10, "characters", len)) == ("a b",)


@given(
    st.text(st.sampled_from("ab cd.,!?;:\n。、—\u00e9\U0001f436 "), max_size=120),
    st.integers(4, 12),
)
def test_every_part_fits_and_nothing_is_lost(text, most):
    limit = words(most)
    try:
        parts = parts_of(text, limit)
    except QueryError:
        assert limit.length_of(text) > MOST_PARTS
        return
    assert all(limit.fits(part) for part in parts)
    assert len(parts) <= MOST_PARTS
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert len(parts) == 1 or all(part.strip() for part in parts)


def test_parts_are_about_equally_long():
    parts = parts_of(" ".join("abcdefghijklm"), words(8))  # 13 words, 6 of them a part
    assert [len(part.split()) for part in parts] == [4, 5, 4]


@pytest.mark.parametrize("text", ["dog " * 10_000, "x" * 10_000_000])
def test_what_has_too_many_parts_is_refused_with_a_hint(text):
    with pytest.raises(QueryError, match=f"more than {MOST_PARTS} parts of 77 tokens") as caught:
        parts_of(text, words(77))
    assert "summary" in caught.value.hint
