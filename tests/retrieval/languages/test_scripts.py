"""What the letters of a text give away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.languages.scripts import language_of_script, likely_language_of_script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("犬と猫", "ja"),
        ("東京タワー", "ja"),
        ("Tシャツの写真", "ja"),
        ("狗和猫", "zh"),
        ("해변의 개", "ko"),
        ("หมาบนชายหาด", "th"),
        ("σκύλος στην παραλία", "el"),
        ("ძაღლი", "ka"),
        ("շուն", "hy"),
        ("நாய்", "ta"),
        ("ខ្មែរ", "km"),
        ("ਕੁੱਤਾ", "pa"),
    ],
)
def test_some_scripts_name_a_language(text, language):
    assert language_of_script(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [("собака", "ru"), ("كلب", "ar"), ("כלב", "he"), ("कुत्ता", "hi"), ("কুকুর", "bn"), ("ውሻ", "am")],
)
def test_others_are_those_of_several(text, language):
    assert language_of_script(text) is None
    assert likely_language_of_script(text) == language


@pytest.mark.parametrize(
    "text", ["a dog", "köpek", "", "16:9", "🐕", "the Ω of a wolf pack", "ᚠᚢᚦ"]
)
def test_latin_letters_signs_and_a_single_foreign_letter_say_nothing(text):
    assert language_of_script(text) is None
    assert likely_language_of_script(text) is None


@given(st.text(max_size=20), st.sampled_from(["", " ", "!", "42 ", "🐕"]))
def test_signs_around_a_text_change_nothing(text, signs):
    assert language_of_script(signs + text + signs) == language_of_script(text)
