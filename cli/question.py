"""What a query's command line asks: its terms, where to search, and in which order to show."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import shown_path

if TYPE_CHECKING:
    from retrieval.model import Hit
    from retrieval.query.algebra import Expression, Query
    from retrieval.store.filters.predicates import Predicate


class Target(StrEnum):
    """What is searched; the choices of `--target`."""

    IMAGES = "images"
    TEXTS = "texts"


class Sort(StrEnum):
    """The order in which hits are shown; the choices of `--sort`."""

    SCORE = "score"
    DATE = "date"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Question:
    """The terms that the command line gave.

    Attributes:
        words: the positional arguments, as the shell gave them.
        images: files that count like the words.
        add: texts that count like them, too.
        subtract: texts to move away from.
        like: ids of items of the collection.
        compose: how terms are put together; see `retrieval.query.modes`.
        literal: whether the words are one text, operators and all.
        lang: tag of the language of all texts; None leaves it to be guessed.
    """

    words: tuple[str, ...]
    images: tuple[Path, ...] = ()
    add: tuple[str, ...] = ()
    subtract: tuple[str, ...] = ()
    like: tuple[int, ...] = ()
    compose: str = "auto"
    literal: bool = False
    lang: str | None = None

    @property
    def text(self) -> str:
        """The words as one text; empty if there are none."""
        return " ".join(self.words).strip()

    @property
    def is_empty(self) -> bool:
        """Whether no term was given."""
        return not (self.text or self.images or self.add or self.subtract or self.like)

    def describe(self) -> str:
        """The query as one line; a plain text is that text and nothing else."""
        parts = [self.text] if self.text else []
        parts += [f"[image {shown_path(path)}]" for path in self.images]
        parts += [f"[item {item_id}]" for item_id in self.like]
        parts += self.add
        line = " + ".join(parts)
        line = " - ".join([line, *self.subtract]).strip()
        return os.fsencode(line).decode("utf-8", errors="replace")

    def to_query(self) -> "Query":
        """The query value that the engine takes.

        Raises:
            QuerySyntaxError: the words cannot be read; says at which column.
            QueryError: no term, terms that cannot be composed so, or a tag of no language.
        """
        from retrieval.languages.tags import canonical_tag, primary
        from retrieval.query.algebra import Query
        from retrieval.query.language import in_language

        if self.lang is None:
            return Query(self._expression(negations=True))
        lang = canonical_tag(self.lang)
        return Query(in_language(self._expression(negations=primary(lang) == "en"), lang))

    def _expression(self, *, negations: bool) -> "Expression":
        """The terms put together; negations ("without X") are read where they are English."""
        from retrieval.model import ItemId
        from retrieval.query.algebra import (
            Expression,
            ImageFile,
            ItemRef,
            Minus,
            Scale,
            Sum,
            Text,
        )
        from retrieval.query.modes import Mode, composed
        from retrieval.query.parse import parse_query

        mode = Mode.parse(self.compose)
        parts: list[Expression] = []
        if self.text:
            literal = Text(self.text) if self.literal else None
            parts.append(literal or parse_query(self.words, negations=negations))
        parts += [ImageFile(path) for path in self.images]
        parts += [ItemRef(ItemId(item_id)) for item_id in self.like]
        parts += [Text(text) for text in self.add]
        away = [Text(text) for text in self.subtract]
        if not parts and away:  # what is least like a text
            return Sum(tuple(Scale(text, -1.0) for text in away))
        expression: Expression = parts[0] if len(parts) == 1 else Sum(tuple(parts))
        for text in away:
            expression = Minus(expression, text)
        return composed(expression, mode)


def parse_where(text: str | None) -> "Predicate | None":
    """The filter of `--where`; None where there is none.

    Raises:
        FilterError: it cannot be understood.
    """
    if text is None:
        return None
    from retrieval.store.filters.grammar import parse_filter

    return parse_filter(text)


def in_order(hits: "tuple[Hit, ...]", sort: Sort) -> "tuple[Hit, ...]":
    """Hits as they are to be shown; of equal ones the better goes first, and ranks stay."""
    if sort is Sort.PATH:
        return tuple(sorted(hits, key=lambda hit: hit.path))
    if sort is Sort.DATE:
        undated = tuple(hit for hit in hits if hit.item.meta.taken is None)
        dated = [hit for hit in hits if hit.item.meta.taken is not None]
        return (*sorted(dated, key=lambda hit: hit.item.meta.taken or "", reverse=True), *undated)
    return hits
