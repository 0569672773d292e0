"""Texts of two encoders side by side: what an adapter of texts learns from."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from retrieval.encoders.bank import caption_bank, query_bank
from retrieval.encoders.name_bank import name_bank
from retrieval.encoders.word_bank import word_bank
from retrieval.errors import QueryError, SourceError
from retrieval.languages.tags import canonical_tag
from retrieval.learn.adapter_fit import Matched
from retrieval.model import Float32Array

EmbedTexts: TypeAlias = Callable[[Sequence[str]], Float32Array]
"""Gives the unit rows of texts, (n, dim), in one encoder's space."""

_OWN_QUERIES = 4_000
_WORDS = 10_000
"""Without them an adapter from e5 to `mini-en` names a quarter fewer photographs."""

_FIELDS = ("text", "english", "language")


@dataclass(frozen=True, slots=True)
class Pair:
    """One meaning said twice.

    Attributes:
        text: in any language.
        english: what the collection's encoder reads.
        language: canonical tag of `text`; None where nobody says.
    """

    text: str
    english: str
    language: str | None = None


def own_pairs() -> tuple[Pair, ...]:
    """English captions, names and words that polyseek has at hand, each its own partner.

    An encoder whose languages share one space is led to the other one by English alone.
    """
    said = (*caption_bank(), *query_bank(_OWN_QUERIES), *name_bank(), *word_bank(_WORDS))
    texts = dict.fromkeys(said)
    return tuple(Pair(text, text, "en") for text in texts)


def with_pivots(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs, and each English text as a partner of its own."""
    pivots = (Pair(english, english, "en") for english in {each.english: None for each in pairs})
    return tuple(dict.fromkeys((*pairs, *pivots)))


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Pairs of a file, each line two or three fields: text, English, language.

    Args:
        path: UTF-8. `.jsonl`: an object a line, {"text", "english", "language"}. Else fields
            between tabs. The language may be left out; empty lines are passed over.

    Raises:
        SourceError: the file cannot be read, or holds no pair; or a line is none, which is named.
    """
    try:
        # Not splitlines: texts may hold U+2028 and others that end no line of these formats.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"cannot read the pairs {path}: {reason}", hint=_HINT) from error
    pairs = tuple(dict.fromkeys(_pairs_in(lines, path)))
    if not pairs:
        raise SourceError(f"no pairs in {path}", hint=_HINT)
    return pairs


def match_texts(pairs: Sequence[Pair], source: EmbedTexts, target: EmbedTexts) -> Matched:
    """Embed pairs: their texts by the one encoder, their English by the other.

    Each different text is embedded once.

    Args:
        pairs: at least one.
        source: of the encoder that is mapped.
        target: of the encoder that is mapped to.
    """
    texts = {text: row for row, text in enumerate(dict.fromkeys(each.text for each in pairs))}
    said = dict.fromkeys(each.english for each in pairs)
    english = {text: row for row, text in enumerate(said)}
    groups = np.array([english[each.english] for each in pairs], np.int64)
    sources = source(list(texts))[[texts[each.text] for each in pairs]]
    return Matched(sources, target(list(english))[groups], groups)


_HINT = "a line is TEXT, a tab, ENGLISH, and if you like a tab and LANGUAGE; see docs/adapters.md"


def _pairs_in(lines: Sequence[str], path: Path) -> Iterator[Pair]:
    is_json = path.suffix == ".jsonl"
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _of_json(line) if is_json else _of_fields(line.split("\t"))
        except (ValueError, QueryError) as error:
            raise SourceError(f"{path}, line {number}: {error}", hint=_HINT) from error


def _of_json(line: str) -> Pair:
    given = json.loads(line)
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
        raise ValueError("it is no object of texts")
    if strange := set(given) - set(_FIELDS):
        raise ValueError(f"it has a field {min(strange)!r}")
    return _of_fields([given.get(name, "") for name in _FIELDS])


def _of_fields(fields: Sequence[str]) -> Pair:
    text, english, *rest = (field.strip() for field in (*fields, "", ""))
    if len(fields) > len(_FIELDS):
        raise ValueError(f"it has {len(fields)} fields")
    if not text or not english:
        raise ValueError("it lacks a text or its English")
    return Pair(text, english, canonical_tag(rest[0]) if rest[0] else None)
