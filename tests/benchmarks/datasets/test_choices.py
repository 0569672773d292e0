import pytest

from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.choices import chosen_languages, one_of, refuse

CODES = ("en", "de", "jp", "zh")


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ((), ("en",)),
        (("all",), CODES),
        (("zh", "de"), ("zh", "de")),
        (("de", "DE", "de"), ("de",)),
        (("ja",), ("jp",)),
    ],
)
def test_a_language_is_asked_for_by_its_code_or_by_any_spelling_of_its_tag(asked, chosen):
    assert chosen_languages(asked, CODES, "set") == chosen


@pytest.mark.parametrize("asked", ["sw", "no language at all", "de-AT"])
def test_a_language_that_is_not_there_is_named_with_those_that_are(asked):
    with pytest.raises(DatasetError, match=f"set has no language '{asked}'") as caught:
        chosen_languages(("de", asked), CODES, "set")
    assert caught.value.hint == "it has en, de, jp, zh"


def test_a_data_set_without_languages_is_an_error():
    with pytest.raises(DatasetError, match="no language here"):
        chosen_languages((), (), "set")


def test_the_first_is_taken_where_nothing_is_asked():
    assert one_of(None, ("test", "val"), "split", "set") == "test"
    assert one_of("val", ("test", "val"), "split", "set") == "val"
    with pytest.raises(DatasetError, match="set has no split 'train'") as caught:
        one_of("train", ("test", "val"), "split", "set")
    assert caught.value.hint == "it has test, val"


def test_a_choice_that_the_data_set_lacks_is_refused():
    refuse(LoadOptions(split="val"), "set", "captions", "languages")
    with pytest.raises(DatasetError, match="set has no choice of languages") as caught:
        refuse(LoadOptions(languages=("de",)), "set", "captions", "languages")
    assert caught.value.hint == "leave --languages out"
