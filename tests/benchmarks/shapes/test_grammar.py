"""Captions name exactly one combination; a cipher says the same with words never seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes.grammar import (
    CIPHERS,
    CYRILLIC,
    FORMS,
    LATIN,
    PARTIAL_FORMS,
    english,
    vocabulary,
)
from benchmarks.shapes.pictures import ALL, Attributes

RING = Attributes("red", "ring", "large", "top left")
STAR = Attributes("blue", "star", "small", "middle")


def test_english_by_hand():
    assert english(RING) == "a large red ring at the top left"
    assert english(STAR, FORMS[1]) == "in the middle there is a small blue star"
    assert english(STAR, "a {colour} {shape}") == "a blue star"


@pytest.mark.parametrize("form", FORMS)
def test_a_full_caption_names_one_combination(form):
    assert len({english(one, form) for one in ALL}) == len(ALL)


@pytest.mark.parametrize("form", PARTIAL_FORMS)
def test_a_partial_caption_names_several(form):
    assert 1 < len({english(one, form) for one in ALL}) < len(ALL)


@given(st.sampled_from(ALL), st.sampled_from(FORMS + PARTIAL_FORMS), st.sampled_from(CIPHERS))
def test_a_cipher_keeps_order_and_meaning(attributes, form, cipher):
    text = english(attributes, form)
    back = {word: english_word for english_word, word in cipher.words.items()}
    said = cipher.translate(text)
    assert " ".join(back[word] for word in said.split()) == text


def test_ciphers_share_no_word_with_english_or_each_other():
    english_words, latin, cyrillic = (
        set(vocabulary()),
        set(LATIN.words.values()),
        set(CYRILLIC.words.values()),
    )
    assert len(english_words) == len(latin) == len(cyrillic) == 32
    assert not english_words & latin
    assert all("\u0400" <= letter <= "\u04ff" for word in cyrillic for letter in word)


def test_a_cipher_is_the_same_in_every_run():
    assert LATIN.translate("a large red ring") == "jozoq vogok jyjyq vykyq"


def test_a_word_outside_of_the_grammar_is_refused():
    with pytest.raises(KeyError, match="dog"):
        LATIN.translate("a red dog")
