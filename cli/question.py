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


class Long(StrEnum):
    """How parts of a long text go together; the choices of `--long`."""

    MEAN = "mean"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a query is asked, whatever its terms; see `retrieval.query.algebra.Query`."""

    ensemble: bool = False
    long: Long = Long.MEAN
    with_references: bool = False


PLAINLY = Manner()


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
        analogy: a, b and c, each a text or an image file; what is to c as b is to a.
        more_like: ids of items that were marked as right.
        less_like: ids of items that were marked as wrong.
        manner: how the query is asked.
    """

    words: tuple[str, ...]
    images: tuple[Path, ...] = ()
    add: tuple[str, ...] = ()
    subtract: tuple[str, ...] = ()
    like: tuple[int, ...] = ()
    compose: str = "auto"
    literal: bool = False
    lang: str | None = None
    analogy: tuple[str, str, str] | None = None
    more_like: tuple[int, ...] = ()
    less_like: tuple[int, ...] = ()
    manner: Manner = PLAINLY

    @property
    def text(self) -> str:
        """The words as one text; empty if there are none."""
        return " ".join(self.words).strip()

    @property
    def is_empty(self) -> bool:
        """Whether no term was given."""
        terms = (self.text, self.images, self.add, self.subtract, self.like, self.analogy)
        return not (any(terms) or self.more_like or self.less_like)

    def describe(self) -> str:
        """The query as one line; a plain text is that text and nothing else."""
        parts = [self.text] if self.text else []
        parts += [f"[image {shown_path(path)}]" for path in self.images]
        parts += [f"[item {item_id}]" for item_id in self.like]
        parts += ["[{} : {} :: {} : ?]".format(*self.analogy)] if self.analogy else []
        parts += self.add
        parts += [f"[more like {item_id}]" for item_id in self.more_like]
        line = " + ".join(parts)
        line = " - ".join(
            [line, *self.subtract, *(f"[less like {each}]" for each in self.less_like)]
        ).strip()
        return os.fsencode(line).decode("utf-8", errors="replace")

    def to_query(self, template: str | None = None) -> "Query":
        """The query value that the engine takes.

        Args:
            template: of `--compose pseudo`, `SearchEngine.template`; None is the usual one.

        Raises:
            QuerySyntaxError: the words cannot be read; says at which column.
            QueryError: no term, terms that cannot be composed so, or a tag of no language.
        """
        from retrieval.languages.tags import canonical_tag
        from retrieval.query.algebra import Query
        from retrieval.query.language import in_language

        lang = None if self.lang is None else canonical_tag(self.lang)
        expression = self._expression(template)
        return Query(
            expression if lang is None else in_language(expression, lang),
            with_references=self.manner.with_references,
            ensemble=self.manner.ensemble,
            long=self.manner.long.value,
        )

    def taken_away(self) -> tuple[str, ...]:
        """What the words say should not be there ("without X").

        Raises:
            QuerySyntaxError: as `to_query`.
        """
        from retrieval.query.parse import read_query

        if self.literal or not self.text:
            return ()
        negations = self._has_negations()
        return read_query(self.words, negations=negations, beside=self._beside()).taken_away

    def _has_negations(self) -> bool:
        """Whether "without X" is read; it is where it is English."""
        from retrieval.languages.tags import canonical_tag, primary

        return self.lang is None or primary(canonical_tag(self.lang)) == "en"

    def _expression(self, template: str | None) -> "Expression":
        """The terms put together."""
        from retrieval.learn.phi import DEFAULT_TEMPLATE
        from retrieval.model import ItemId
        from retrieval.query.algebra import ItemRef, Minus, Scale, Sum, Text
        from retrieval.query.modes import Mode, composed
        from retrieval.query.rewriting import with_feedback
        from retrieval.query.ways import Feedback

        mode = Mode.parse(self.compose)
        parts = self._terms()
        away = [Text(text) for text in self.subtract]
        liked = tuple(ItemRef(ItemId(item_id)) for item_id in dict.fromkeys(self.more_like))
        disliked = tuple(ItemRef(ItemId(item_id)) for item_id in dict.fromkeys(self.less_like))
        if not parts and not away and (liked or disliked):
            return Feedback(None, liked, disliked)
        if not parts and away:  # what is least like a text
            asked: Expression = Sum(tuple(Scale(text, -1.0) for text in away))
        else:
            asked = parts[0] if len(parts) == 1 else Sum(tuple(parts))
            for text in away:
                asked = Minus(asked, text)
            asked = composed(asked, mode, template or DEFAULT_TEMPLATE)
        return with_feedback(asked, liked, disliked) if liked or disliked else asked

    def _terms(self) -> "list[Expression]":
        """What the query goes towards, and what the words take away."""
        from retrieval.query.algebra import Text
        from retrieval.query.parse import read_query

        beside = self._beside()
        if not self.text:
            return beside
        if self.literal:
            return [Text(self.text), *beside]
        negations = self._has_negations()
        return [read_query(self.words, negations=negations, beside=beside).expression]

    def _beside(self) -> "list[Expression]":
        """What is sought besides the words, in the order of `describe`."""
        from retrieval.model import ItemId
        from retrieval.query.algebra import Expression, ImageFile, ItemRef, Text
        from retrieval.query.parse import parse_query
        from retrieval.query.ways import analogy

        parts: list[Expression] = [ImageFile(path) for path in self.images]
        parts += [ItemRef(ItemId(item_id)) for item_id in self.like]
        if self.analogy:
            a, b, c = (parse_query([each], negations=False) for each in self.analogy)
            parts.append(analogy(a, b, c))
        return parts + [Text(text) for text in self.add]


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
