"""Choosing the language of a text, and carrying it through a query."""

from pathlib import Path

import pytest

from retrieval.encoders.fingerprint import encoder_info
from retrieval.errors import QueryError
from retrieval.query import language
from retrieval.query.algebra import ImageFile, Minus, Scale, Sum, Text
from retrieval.query.encoding import QueryEncoder
from retrieval.query.language import Choice, choose, in_language, languages_of
from retrieval.query.normal import texts_in
from retrieval.query.ways import Product, Residual, Where
from retrieval.store.filters.grammar import parse_filter
from tests.factories import GeometryEncoder

INFO = GeometryEncoder().info  # it knows en and de


@pytest.fixture
def detector(monkeypatch):
    """A detector that knows two texts, and counts for nothing else."""
    found = {"un chien": "fr", "кіт на даху": "uk"}
    monkeypatch.setattr(language, "detected_language", found.get)


@pytest.mark.parametrize(
    ("text", "told", "default", "lang", "by"),
    [
        ("犬と猫", "de", None, "de", "told"),
        ("犬と猫", None, "en", "ja", "script"),
        ("un chien", None, "en", "fr", "detector"),
        ("кіт на даху", None, "en", "uk", "detector"),
        ("собака", None, "en", "ru", "script"),
        ("hund", None, "en", "en", "default"),
        ("hund", None, None, None, "default"),
        ("犬と猫", "und", "en", "en", "default"),
    ],
)
def test_told_then_script_then_detector_then_likely_then_default(
    detector, text, told, default, lang, by
):
    assert choose(text, told, default) == Choice(text, lang, by)


def test_a_text_has_a_language_of_one_spelling():
    assert Text("x", "JP") == Text("x", "ja")
    assert Text("x", "de") != Text("x")
    assert hash(Text("x", "iw")) == hash(Text("x", "he"))
    assert Text("x").lang is None
    with pytest.raises(QueryError, match="'klingon' is the tag of no language"):
        Text("x", "klingon")
    with pytest.raises(TypeError):
        Text("x", 5)


def test_a_whole_query_is_put_into_a_language_but_for_what_says_its_own():
    picture = ImageFile(Path("a.jpg"))
    query = Where(
        Minus(
            Residual(
                picture,
                (Sum((Scale(Text("rot"), 2.0), Text("犬", "ja"))),),
                (Product(Text("a"), picture),),
            ),
            Text("Leute"),
        ),
        parse_filter("width > 10"),
    )
    assert [each.text for each in texts_in(query)] == ["rot", "犬", "a", "Leute"]
    german = in_language(query, "DE")
    assert [each.lang for each in texts_in(german)] == ["de", "ja", "de", "de"]
    assert german.predicate == query.predicate
    assert in_language(german, "fr") == german
    assert in_language(picture, "de") == picture


def test_languages_that_the_encoder_does_not_know_come_with_encoders_that_do():
    query = Text("犬と猫") + Text("dog") + Text("rot", "de-AT") + Text("犬と猫")
    found = languages_of(query, INFO, None)
    assert found.choices == (
        Choice("犬と猫", "ja", "script", is_known=False),
        Choice("dog", None, "default"),
        Choice("rot", "de-AT", "told"),
    )
    assert not found.matter
    ((tag, others),) = found.others
    assert (tag, others[0]) == ("ja", "mini")
    assert others[1].startswith("openclip:")


def test_a_language_that_the_built_in_encoders_do_not_know_is_known_to_others():
    info = encoder_info("mini-en", 8, {}, ("en",))
    ((_, others),) = languages_of(Text("x", "yue"), info, "en").others
    assert others
    assert all("nllb" in name or "siglip" in name.lower() or "worldwide" in name for name in others)


class Polyglot(GeometryEncoder):
    """Reads colours in the language that it is told, and remembers what it was told."""

    default_language = "en"
    told = ()

    def encode_texts_in(self, texts, languages):
        pairs = list(zip(texts, languages, strict=True))
        self.told = [*self.told, *pairs]
        german = {"rot": "red", "red": "?"}
        return self.encode_texts([german[text] if lang == "de" else text for text, lang in pairs])


def test_an_encoder_that_reads_languages_is_told_them(detector):
    encoder = Polyglot()
    asked = QueryEncoder(encoder.info, encoder)
    asked.encode_texts(["rot", "犬と猫", "un chien", "red"], ["de", None, None, None])
    assert encoder.told == [("rot", "de"), ("犬と猫", "ja"), ("un chien", "fr"), ("red", "en")]
    assert asked.languages_of(Text("red")).choices == (Choice("red", "en", "default"),)
    assert asked.languages_of(Text("red")).matter


def test_no_encoder_is_loaded_for_the_languages_of_a_query_without_texts():
    nobody = QueryEncoder(encoder_info("no such encoder", 8, {}, ()))
    assert nobody.languages_of(ImageFile(Path("a.jpg"))).choices == ()
