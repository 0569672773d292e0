"""Texts in parts and wordings are the texts that were asked, in the language that they say."""

import pytest

from retrieval.errors import QueryError
from retrieval.query.algebra import ImageFile, Query, Text
from retrieval.query.ensemble import TEMPLATES, ensembled
from retrieval.query.spelling import spelled_out
from retrieval.query.ways import EachOf, Mean

LONG = Text("Ein Hund. Eine Katze", "de")
PARTS = (Text("Ein Hund", "de"), Text("Eine Katze", "de"))


class Sentences:
    """Reads one sentence at a time, and takes a text with a full stop for French."""

    def language_of(self, text, lang=None):
        return lang or ("fr" if "." in text else None)

    def parts_of(self, text, lang=None):
        return tuple(text.split(". "))


def spelled(expression, **options):
    return spelled_out(Query(expression, **options), Sentences())


def test_a_long_text_is_the_mean_of_its_parts_in_its_language():
    picture = ImageFile("a.jpg")
    assert spelled(LONG) == Mean(PARTS)
    assert spelled(picture + LONG * 2) == picture + Mean(PARTS) * 2
    assert spelled(LONG, long="min") == EachOf(PARTS)


def test_a_short_text_stays_itself():
    for long in ("mean", "min"):
        assert spelled(PARTS[0], long=long) == PARTS[0]


def test_wordings_are_in_the_language_of_the_text():
    wordings = ensembled(Text("Hund", "de"))
    assert len(wordings.parts) == 1 + len(TEMPLATES)
    assert {each.lang for each in wordings.parts} == {"de"}
    assert spelled(Text("Hund", "de"), ensemble=True) == wordings


def test_the_least_of_parts_beside_other_terms_is_refused():
    with pytest.raises(QueryError, match="one text and nothing else"):
        spelled(LONG + ImageFile("a.jpg"), long="min")


def test_the_language_of_a_text_is_chosen_before_it_is_put_into_other_words():
    wordings = spelled(Text("Un chien."), ensemble=True)
    assert wordings == ensembled(Text("Un chien.", "fr"))
    assert spelled(Text("Un chien. Un chat")) == Mean(
        (Text("Un chien", "fr"), Text("Un chat", "fr"))
    )
    assert spelled(Text("Un chien. Un chat"), long="min") == EachOf(
        (Text("Un chien", "fr"), Text("Un chat", "fr"))
    )
    assert spelled(Text("a dog")) == Text("a dog")
