"""How a mistake in a filter is shown: the text around it, a caret, and what would be right."""

import unicodedata
from collections.abc import Iterable

from retrieval.store.filters.names import FIELDS

_BEFORE, _AFTER = 48, 24
"""Characters shown around the place: a line of a terminal."""

_WORDS = {
    "WORD": "a word",
    "STRING": "a quoted text",
    "OPERATOR": "one of = != < <= > >= ~",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "_AND": "and",
    "_OR": "or",
    "_NOT": "not",
    "_IN": "in",
    "_BETWEEN": "between",
    "_HAS": "has",
    "$END": "the end",
}


def excerpt_of(text: str, position: int) -> tuple[str, str]:
    """The text around a position in one line, and a line with a caret below that position."""
    start = max(0, position - _BEFORE)
    shown = "".join(_plain(character) for character in text[start : position + _AFTER])
    before = shown[: position - start]
    dots = "..." if start else ""
    end = "..." if position + _AFTER < len(text) else ""
    width = sum(map(_columns, before))
    return f"  {dots}{shown}{end}", " " * (2 + len(dots) + width) + "^"


def in_words(terminals: Iterable[str]) -> str:
    """Names of the grammar's terminals for a reader."""
    names = set(terminals)
    if "_HAS" in names:  # a comparison can begin here
        return f"a field ({', '.join(FIELDS)}), not, has or ("
    if {"WORD", "STRING"} <= names:
        return "a value: a word, a number, a date, or a text in quotes"
    if names == {"WORD"}:
        return f"a field ({', '.join(FIELDS)})"
    words = [word for name, word in _WORDS.items() if name in names]
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _plain(character: str) -> str:
    return character if character.isprintable() else " "


def _columns(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
