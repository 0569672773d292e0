"""What a query is: an expression of texts, images and items. Values only, no encoding, no I/O.

    Text("car") * 0.5 + ImageFile("a.jpg") - Text("people")

A leaf stands for its unit vector, and `+` and `*` do what they do with vectors; the direction of
the result is what is searched for. `-` does not subtract: `a - b` ranks by a and takes off what an
item has of b (`Minus`); to subtract a vector, add it with a negative weight, `a + b * -0.5`.

A text is literal: Text("a - b") asks for the text "a - b". Operators in a text belong to the
command line (`retrieval.query.parse`).
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias, get_args

import numpy as np

from retrieval.errors import QueryError
from retrieval.languages.tags import canonical_tag
from retrieval.model import Float32Array, ItemId, Modality

DEEPEST = 100
"""Levels of parts inside of parts that a query may have. Python's stack holds some 300."""

MOST_PARTS = 1_000_000
"""Parts that a query may have, each counted as often as it stands in it."""

_LARGEST_ID = (1 << 63) - 1

_LENGTH_OFF_BY = 1e-3
"""How far the length of a ready vector may be from 1; float16 rounds within it."""


class Expression:
    """A node; frozen and hashable, so that equal parts of queries are worked out once.

    Operators make a + b + c one sum, and a - b - c one minus: thousands of terms are a wide
    expression and not a deep one.
    """

    __slots__: tuple[str, ...] = ()

    def __add__(self, other: "Expression") -> "Expression":
        return Sum((*_summands(self), *_summands(as_expression(other))))

    def __radd__(self, start: object) -> "Expression":
        # `sum` starts from 0.
        return self if isinstance(start, int) and start == 0 else as_expression(start) + self

    def __sub__(self, other: "Expression") -> "Minus":
        return Minus(self, as_expression(other))

    def __mul__(self, weight: float) -> "Scale":
        return Scale(self, weight)

    __rmul__ = __mul__

    def __neg__(self) -> "Scale":
        return Scale(self, -1.0)


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A literal text; see `clean_text` for the characters that cannot stay.

    Attributes:
        text: of any length.
        lang: tag (BCP 47) of its language, in its one spelling; "und" stands for one that nobody
            knows. None leaves the choice to `retrieval.query.language`.

    Raises:
        QueryError: it is blank, or `lang` names no language.
        TypeError: it is no string.
    """

    text: str
    lang: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"a text cannot be {self.text!r}")
        text = clean_text(self.text)
        if not text.strip():
            raise QueryError(
                "the text of the query is empty", hint="give at least one word or an image"
            )
        object.__setattr__(self, "text", text)
        if self.lang is not None:
            object.__setattr__(self, "lang", canonical_tag(self.lang))


@dataclass(frozen=True, slots=True)
class ImageFile(Expression):
    """An image file, read when the query is answered."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))


@dataclass(frozen=True, slots=True)
class ItemRef(Expression):
    """An item of the collection, by its id; its stored vector is used.

    Raises:
        QueryError: the id is not positive, or has more than 63 bits.
    """

    item_id: ItemId

    def __post_init__(self) -> None:
        check_id(self.item_id)


@dataclass(frozen=True, slots=True)
class Vector(Expression):
    """A ready vector in the space of the collection.

    Attributes:
        content: float32, in the byte order of this machine; `Vector.of` makes it.
        modality: what the vector is of: the index looks for texts elsewhere than for images.

    Raises:
        QueryError: the content is no unit vector of float32, or the modality is unknown.
        TypeError: the content is not bytes.
    """

    content: bytes
    modality: Modality = "image"

    def __post_init__(self) -> None:
        if not isinstance(self.content, bytes):
            raise TypeError(f"the content of a vector is bytes; write Vector.of({self.content!r})")
        if self.modality not in get_args(Modality):
            known = " or ".join(map(repr, get_args(Modality)))
            raise QueryError(f"no modality {self.modality!r}", hint=f"a vector is of {known}")
        size, odd = divmod(len(self.content), np.dtype(np.float32).itemsize)
        whole = size > 0 and not odd
        length = float(np.linalg.norm(self.values.astype(np.float64))) if whole else math.nan
        if not abs(length - 1) <= _LENGTH_OFF_BY:  # nor is NaN
            raise QueryError(
                f"{len(self.content)} bytes that are no unit vector of float32",
                hint="Vector.of(values) makes it",
            )

    @classmethod
    def of(cls, values: Float32Array, modality: Modality = "image") -> Self:
        """The direction of values, (dim,), any real type.

        Raises:
            QueryError: they are no real numbers or no vector, hold NaN or infinity, or are all 0.
        """
        hint = "give the embedding of one image or text, e.g. a row of engine.encode([...])"
        try:
            array = np.asarray(values)
            if np.iscomplexobj(array):
                raise QueryError("a query vector must be of real numbers, not complex", hint=hint)
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise QueryError(f"a query vector must be of numbers: {error}", hint=hint) from None
        if array.ndim != 1 or not np.isfinite(array).all() or not array.any():
            raise QueryError(
                f"a query vector must be finite numbers, not all 0, of shape (dim,): {array.shape}",
                hint=hint,
            )
        # By a power of 2, which changes no digit; so that squares are neither infinite nor 0.
        array = np.ldexp(array, -np.frexp(np.abs(array).max())[1])
        return cls((array / np.linalg.norm(array)).astype(np.float32).tobytes(), modality)

    @property
    def values(self) -> Float32Array:
        """The unit vector, (dim,), not to be written to."""
        return np.frombuffer(self.content, np.float32)


Leaf: TypeAlias = Text | ImageFile | ItemRef | Vector

LongText: TypeAlias = Literal["mean", "min"]
"""How the parts of a text that is longer than the encoder reads go together (`Query.long`)."""


@dataclass(frozen=True, slots=True)
class Scale(Expression):
    """A part that counts more or less than others; in a sum a negative one is subtracted.

    Raises:
        QueryError: the weight is 0 or not finite.
    """

    part: Expression
    weight: float

    def __post_init__(self) -> None:
        as_expression(self.part)
        if not math.isfinite(self.weight) or self.weight == 0:
            raise QueryError(
                f"the weight of a term must be a number other than 0: {self.weight}",
                hint="leave the term out, or give it a weight such as 1 or -0.5",
            )


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """The sum of parts, as vectors. Of one part: that part.

    Raises:
        QueryError: there are no parts.
    """

    parts: tuple[Expression, ...]

    def __post_init__(self) -> None:
        keep_parts(self, "parts")
        if not self.parts:
            raise QueryError("the query is empty", hint="give at least one word or an image")


@dataclass(frozen=True, slots=True, init=False)
class Minus(Expression):
    """What is like `sought` and not like any of `unwanted`.

    The ranking is by the cosine with `sought` less a penalty for what an item has of `unwanted`
    (`retrieval.query.penalty`). A weight of `unwanted` that is greater or less than that of
    `sought` makes the penalty so.

    Attributes:
        sought: no Minus: what one takes away is among `unwanted`.
        unwanted: at least one.

    Raises:
        QueryError: nothing is unwanted.
    """

    sought: Expression
    unwanted: tuple[Expression, ...]

    def __init__(
        self, sought: Expression, unwanted: Expression | tuple[Expression, ...] | list[Expression]
    ) -> None:
        parts = as_expressions(unwanted)
        if not parts:
            raise QueryError("nothing is taken away", hint="leave the minus out")
        if isinstance(sought, Minus):
            parts = (*sought.unwanted, *parts)
            sought = sought.sought
        object.__setattr__(self, "sought", as_expression(sought))
        object.__setattr__(self, "unwanted", parts)

    def __add__(self, other: Expression) -> Expression:
        # a - b + c is a + c - b.
        return Minus(self.sought + other, self.unwanted)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to a collection.

    Attributes:
        expression: what is looked for.
        exclude: items that must not be returned.
        with_references: whether the query's own images and items may be returned.
        ensemble: whether each text is asked in several wordings (`retrieval.query.ensemble`).
        long: how the parts of a text that is too long for the encoder go together
            (`retrieval.query.long_text`): "mean" asks for their mean, "min" for what fits each.

    Raises:
        QueryError: an id to exclude is out of range, or the expression is too deep (`check_depth`).
        TypeError: the expression is none.
    """

    expression: Expression
    exclude: tuple[ItemId, ...] = ()
    with_references: bool = False
    ensemble: bool = False
    long: LongText = "mean"

    def __post_init__(self) -> None:
        check_depth(self.expression)
        for item_id in self.exclude:
            check_id(item_id)

    @classmethod
    def text(cls, text: str) -> Self:
        """The query of one literal text."""
        return cls(Text(text))


def check_id(item_id: int) -> None:
    """Raise QueryError unless a number can be the id of an item."""
    if not 0 < item_id <= _LARGEST_ID:
        raise QueryError(
            f"no item {item_id}: ids are positive and have at most 63 bits",
            hint="take the id from a hit",
        )


def check_depth(expression: Expression) -> None:
    """Raise QueryError if a query has more parts than `MOST_PARTS`, or is deeper than `DEEPEST`.

    Raises TypeError for what is no expression.
    """
    level, n_parts = [as_expression(expression)], 1
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
        n_parts += len(level)
        if n_parts > MOST_PARTS:
            raise QueryError(
                f"the query has more than {MOST_PARTS:,} parts",
                hint="ask with fewer; what stands twice in each next part doubles with it",
            )
    raise QueryError(
        f"more than {DEEPEST} parts of the query stand inside of each other",
        hint="put the terms of a sum side by side, Sum((a, b, c)), and multiply weights yourself",
    )


def _inside(node: Expression) -> Iterator[Expression]:
    """The expressions that the fields of a node hold."""
    for name in node.__slots__:
        value = getattr(node, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Expression):
                yield each


def clean_text(text: str) -> str:
    """The text with what no encoder can read made harmless; everything else stays as it is.

    Control characters (NUL, escape, new lines) become spaces; surrogates that form a pair become
    the character they stand for; a lone one (half a character, or a byte that was no UTF-8) becomes
    U+FFFD. Cleaning, not refusing: one odd byte in a batch of queries must not lose the batch.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in whole)


def as_expression(other: object) -> Expression:
    """The same; raises TypeError for what is no expression, saying how to make one."""
    if not isinstance(other, Expression):
        hint = "wrap a text in Text(...), a path in ImageFile(...)"
        raise TypeError(f"{other!r} is no part of a query; {hint}")
    return other


def as_expressions(given: object) -> tuple[Expression, ...]:
    """Parts as a tuple; a single one is as good as a tuple of it."""
    if not isinstance(given, tuple | list):
        return (as_expression(given),)
    # By kind, of which there are few: a sum that grows term by term is looked at each time.
    if not all(issubclass(kind, Expression) for kind in set(map(type, given))):
        for each in given:
            as_expression(each)
    return tuple(given)


def keep_parts(node: Expression, name: str) -> None:
    """Make a field of a node that is being made a tuple of expressions; raises TypeError."""
    object.__setattr__(node, name, as_expressions(getattr(node, name)))


def _summands(part: Expression) -> tuple[Expression, ...]:
    return part.parts if isinstance(part, Sum) else (part,)
