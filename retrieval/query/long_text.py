"""Texts that are longer than an encoder reads, in parts that it reads whole: nothing is cut off.

A text is split after sentences; a sentence that is too long, after commas, semicolons and the like;
what is still too long, between words; a word, between characters. The parts are about equally long,
so that none of them is a leftover that counts as much as the others.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from retrieval.encoders.base import TextLimit
from retrieval.errors import QueryError

MOST_PARTS = 32
"""Parts of one text. A CLIP model reads some 50 words at a time, `mini` some 250, in which it takes
a second or more for each part."""

_MOST_CHARS_A_UNIT = 64
"""Characters for each unit of the limit beyond which a text is too long without a look at it."""

LengthOf: TypeAlias = Callable[[str], int]

_ENDS = (
    re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+|(?<=[\u3002\uff01\uff1f])"),
    re.compile(r"(?<=[,;:])\s+|(?<=[\uff0c\u3001\uff1b\uff1a])|\s+(?=[\u2013\u2014-]\s)"),
    re.compile(r"\s+"),
)
"""Where a text may be split: after sentences, after clauses, between words."""


def parts_of(text: str, limit: TextLimit) -> tuple[str, ...]:
    """A text in parts within the limit, in its order; a text within it is its own only part.

    Joined, the parts are the text, but for white space.

    Raises:
        QueryError: there would be more than MOST_PARTS parts.
    """
    if limit.fits(text):
        return (text,)
    text = " ".join(text.split())
    if limit.fits(text):
        return (text,)
    if len(text) > _MOST_CHARS_A_UNIT * MOST_PARTS * limit.most:
        raise _too_long(text, limit)
    pieces = [*_pieces(text, limit, 0)]
    lengths = [limit.length_of(piece) - limit.overhead for piece in pieces]
    room = limit.most - limit.overhead
    n_parts = math.ceil(sum(lengths) / room)
    if n_parts > MOST_PARTS:
        raise _too_long(text, limit)
    parts = _packed(pieces, lengths, sum(lengths) / n_parts, limit)
    if len(parts) > MOST_PARTS:
        raise _too_long(text, limit)
    return tuple(parts)


def _pieces(text: str, limit: TextLimit, level: int) -> Iterator[str]:
    """What the parts are made of: sentences, or less where one does not fit; white space stays."""
    for piece in _split(text, level):
        if limit.fits(piece):
            yield piece
        elif level + 1 < len(_ENDS):
            yield from _pieces(piece, limit, level + 1)
        else:
            yield from _characters(piece, limit)


def _split(text: str, level: int) -> Iterator[str]:
    at = 0
    for found in _ENDS[level].finditer(text):
        if found.end() > at:
            yield text[at : found.end()]
            at = found.end()
    if at < len(text):
        yield text[at:]


def _characters(word: str, limit: TextLimit) -> Iterator[str]:
    """A word in halves, and these in halves, until they fit."""
    if len(word) == 1 or limit.fits(word):
        yield word
        return
    middle = len(word) // 2
    yield from _characters(word[:middle], limit)
    yield from _characters(word[middle:], limit)


def _packed(
    pieces: Sequence[str], lengths: Sequence[int], aim: float, limit: TextLimit
) -> list[str]:
    """Pieces put together to parts that fit; the n-th ends as close to n aims as it can."""
    parts: list[str] = []
    held, length = "", 0
    for piece, own in zip(pieces, lengths, strict=True):
        end = aim * (len(parts) + 1)
        is_closer = length + own - end <= end - length
        if held and not (is_closer and limit.fits(held + piece)):
            parts.append(held)
            held = ""
        held, length = held + piece, length + own
    parts.append(held)
    return [part for each in parts if (part := each.strip())]


def _too_long(text: str, limit: TextLimit) -> QueryError:
    return QueryError(
        f"the query has {len(text.split()):,} words: more than {MOST_PARTS} parts of "
        f"{limit.most} {limit.unit}, which is what the encoder reads at a time",
        hint="ask with a summary, or with the parts that matter",
    )
