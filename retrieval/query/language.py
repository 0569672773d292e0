"""Which language the texts of a query are in: told, read off their letters, detected, or nothing.

For an encoder with a tokenizer that takes a language this changes the vector; for all others it
tells whether the encoder knows the language at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from retrieval.encoders.registry import encoders_knowing
from retrieval.languages.detect import detected_language
from retrieval.languages.scripts import language_of_script, likely_language_of_script
from retrieval.languages.tags import UNDETERMINED, knows
from retrieval.model import EncoderInfo
from retrieval.query.algebra import Expression
from retrieval.query.normal import texts_in
from retrieval.query.rewriting import with_texts

By = Literal["told", "script", "detector", "default"]
"""How the language of a text came to be: it was given, its script names it, a detector was sure of
it; or nothing tells, and the encoder reads it as it always does."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The language of one text.

    Attributes:
        text: of the query.
        lang: canonical tag; None where nothing tells and the encoder does not ask.
        by: how it was chosen.
        is_known: whether the encoder knows it, or an adapter does; so is None.
        is_adapted: whether the text goes through the adapter.
    """

    text: str
    lang: str | None
    by: By
    is_known: bool = True
    is_adapted: bool = False


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of one query.

    Attributes:
        choices: one a text, in the order of the query.
        matter: whether a choice is in the vector: the tokenizer takes a language, or there is an
            adapter for some.
        others: for each language that the encoder does not know, encoders that do.
    """

    choices: tuple[Choice, ...]
    matter: bool
    others: tuple[tuple[str, tuple[str, ...]], ...]


def choose(text: str, told: str | None = None, default: str | None = None) -> Choice:
    """Choose the language of a text.

    What was told goes first, then a script that names one language, then the detector, then the
    language that most in a script of several is written in, then the default.

    Args:
        text: any.
        told: canonical tag; "und" says that it is not known, and no guess is wanted.
        default: the encoder's.
    """
    if told == UNDETERMINED:
        return Choice(text, default, "default")
    if told is not None:
        return Choice(text, told, "told")
    if (named := language_of_script(text)) is not None:
        return Choice(text, named, "script")
    if (detected := detected_language(text)) is not None:
        return Choice(text, detected, "detector")
    if (likely := likely_language_of_script(text)) is not None:
        return Choice(text, likely, "script")
    return Choice(text, default, "default")


def languages_of(
    expression: Expression,
    info: EncoderInfo,
    default: str | None,
    is_adapted: Callable[[str], bool] | None = None,
) -> Languages:
    """The languages of all texts of a query.

    Args:
        expression: the query.
        info: of the encoder.
        default: the encoder's default; None where it takes no language.
        is_adapted: whether texts in a language go through an adapter; None without one.
    """
    chosen = (choose(each.text, each.lang, default) for each in dict.fromkeys(texts_in(expression)))
    choices = tuple(_placed(each, info, is_adapted) for each in chosen)
    unknown = dict.fromkeys(each.lang for each in choices if each.lang and not each.is_known)
    others = tuple((tag, encoders_knowing(tag)) for tag in unknown)
    return Languages(choices, default is not None, others)


def _placed(choice: Choice, info: EncoderInfo, is_adapted: Callable[[str], bool] | None) -> Choice:
    """A choice with what becomes of its text."""
    if choice.lang is None:
        return choice
    if is_adapted is not None and is_adapted(choice.lang):
        return replace(choice, is_adapted=True)
    return replace(choice, is_known=knows(info.languages, choice.lang))


def in_language(expression: Expression, lang: str) -> Expression:
    """The same query with all of its texts in a language, but those that say theirs.

    Args:
        expression: any.
        lang: tag of the language.

    Raises:
        QueryError: the tag names no language.
    """
    return with_texts(
        expression,
        lambda text: text if text.lang is not None else replace(text, lang=lang),
        marks=True,
    )
