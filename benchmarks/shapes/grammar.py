"""Captions of the pictures, in English and in two cipher languages that mean the same.

A cipher language has a word for every English word and keeps their order; its words are made of
syllables in its own letters. A model trained on English captions has never met any of them.
"""

import itertools
import random
from dataclasses import dataclass
from functools import cached_property

from benchmarks.shapes.pictures import VALUES, Attributes

FORMS = (
    "a {size} {colour} {shape} {place}",
    "{place} there is a {size} {colour} {shape}",
    "a {shape} that is {size} and {colour} {place}",
    "{size} {colour} {shape} {place}",
)
"""Ways to say all four attributes; the first is the usual one."""

PARTIAL_FORMS = (
    "{colour}",
    "a {shape}",
    "{size}",
    "{place}",
    "the {colour} {shape}",
    "a {size} {shape}",
    "a {shape} {place}",
    "a {size} {colour} {shape}",
    "the {colour} {shape} {place}",
)
"""Ways to say some of the attributes."""

_PHRASES = {place: f"at the {place}" for place in VALUES["place"]} | {"middle": "in the middle"}


def phrase(value: str) -> str:
    """A value of an attribute as a caption says it."""
    return _PHRASES.get(value, value)


def english(attributes: Attributes, form: str = FORMS[0]) -> str:
    """Say the attributes that a form names."""
    words = {name: getattr(attributes, name) for name in VALUES}
    return form.format_map({name: _PHRASES.get(word, word) for name, word in words.items()})


def vocabulary() -> tuple[str, ...]:
    """All words that the grammar can say, sorted."""
    values = itertools.chain.from_iterable(VALUES.values())
    said = [_PHRASES.get(value, value) for value in values]
    said += [form.format_map(dict.fromkeys(VALUES, "")) for form in FORMS + PARTIAL_FORMS]
    return tuple(sorted({word for text in said for word in text.split()}))


@dataclass(frozen=True)
class Cipher:
    """A language of its own words, one for every English word.

    Attributes:
        name: of the language.
        letters: for each place of a word, the letters that may stand there.
    """

    name: str
    letters: tuple[str, ...]

    @cached_property
    def words(self) -> dict[str, str]:
        """The word for each English word of the grammar."""
        forms = ["".join(letters) for letters in itertools.product(*self.letters)]
        english_words = vocabulary()
        drawn = random.Random(self.name).sample(forms, len(english_words))
        return dict(zip(english_words, drawn, strict=True))

    def translate(self, text: str) -> str:
        """Put a text into this language, word for word.

        Raises:
            KeyError: a word is none of the grammar's.
        """
        return " ".join(self.words[word] for word in text.split())


LATIN = Cipher("latin cipher", ("zvkgjb", "uoy", "zvkgjb", "uoy", "xqk"))
CYRILLIC = Cipher("cyrillic cipher", ("бгжкмт", "аоу", "нрл"))  # noqa: RUF001 - Cyrillic is meant
CIPHERS = (LATIN, CYRILLIC)
