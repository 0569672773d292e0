"""--lang, and what is said about the languages of a query."""

import json

import pytest

from retrieval.encoders import registry
from retrieval.query import language
from tests.cli.commands.kit import answer, names, refusal, run
from tests.retrieval.query.test_language import Polyglot


@pytest.fixture(autouse=True)
def no_detector(monkeypatch):
    """The same answers whether one is installed or not."""
    monkeypatch.setattr(language, "detected_language", lambda text: None)


@pytest.fixture
def polyglot(monkeypatch, indexed):
    """The encoder of the collection reads languages from now on."""
    monkeypatch.setitem(registry._registered, "geometry", Polyglot)


def test_the_language_of_each_text_is_said_with_how_it_was_chosen(indexed):
    found = answer("query", "red", "-a", "犬と猫", "--json")
    assert found["languages"] == [
        {"text": "red", "lang": None, "by": "default"},
        {"text": "犬と猫", "lang": "ja", "by": "script"},
    ]
    found = answer("query", "rot", "--lang", "DE_at", "--json")
    assert found["languages"] == [{"text": "rot", "lang": "de-AT", "by": "told"}]
    assert "languages" not in answer("query", "-i", "photos/red.png", "--json")


def test_a_language_that_the_model_does_not_know_is_warned_of_and_answered(indexed):
    result = run("query", "red", "--lang", "fr", "-f", "-k", "1")
    assert (result.exit_code, names(result)) == (0, ["red"])
    assert "warning: the model does not know the language fr; these do: mini" in result.stderr
    assert run("query", "red", "--lang", "de", "-f").stderr == ""
    assert run("query", "red", "--lang", "fr", "-f", "--quiet").stderr == ""


def test_a_guess_is_told_where_it_is_in_the_vector(polyglot):
    assert "'red' is read as en for want of a better guess" in run("query", "red", "-f").stderr
    assert run("query", "red", "--lang", "en", "-f").stderr == ""
    assert names(run("query", "rot", "--lang", "de", "-f", "-k", "1")) == ["red"]


def test_what_is_no_language_is_refused(indexed):
    for more in (["red"], ["--batch", "-"]):
        said = refusal(2, "query", *more, "--lang", "german", stdin="red\n")
        assert "'german' is the tag of no language" in said
        assert "zh-Hant" in said


def test_without_is_english(indexed):
    """In another language "no" may be a word like any other."""
    assert names(run("query", "red and blue without blue", "-f", "-k", "1")) == ["red"]
    texts = answer("query", "red y no blue", "--lang", "es", "--json")["languages"]
    assert [each["text"] for each in texts] == ["red y no blue"]
    texts = answer("query", "red with no blue", "--lang", "en-GB", "--json")["languages"]
    assert len(texts) == 2


def test_the_lines_of_a_batch_are_in_the_language(polyglot):
    result = run("query", "--batch", "-", "--lang", "de", stdin="rot\n")
    assert json.loads(result.stdout)["hits"][0]["path"].endswith("red.png")
    result = run("query", "--batch", "-", "-k", "1", stdin="犬\n猫 と\n\nred\n")
    assert result.stderr.count("does not know the language") == 2  # zh and ja, once each
