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
from retrieval.model import Float32Array, ItemId, Modality, gallery_of
from retrieval.store.filters.predicates import Predicate

DEFAULT_SLERP_AT = 0.75
"""Where on the arc from image to text a slerp query lies: 0 is the image, 1 the text.

The best on `benchmarks.composed`, with 0.7. Jang et al., "Spherical Linear Interpolation and
Text-Anchoring for Zero-shot Composed Image Retrieval", ECCV 2024, have 0.8 for CIRCO and FashionIQ.
"""

DEFAULT_GAIN = 0.7
"""How far a residual between examples goes from its anchor, in lengths of the anchor: the best on
`benchmarks.composed`."""

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
        return Sum((*_summands(self), *_summands(_expression(other))))

    def __radd__(self, start: object) -> "Expression":
        # `sum` starts from 0.
        return self if isinstance(start, int) and start == 0 else _expression(start) + self

    def __sub__(self, other: "Expression") -> "Minus":
        return Minus(self, _expression(other))

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
        _expression(self.part)
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
        _keep_parts(self, "parts")
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
        parts = _expressions(unwanted)
        if not parts:
            raise QueryError("nothing is taken away", hint="leave the minus out")
        if isinstance(sought, Minus):
            parts = (*sought.unwanted, *parts)
            sought = sought.sought
        object.__setattr__(self, "sought", _expression(sought))
        object.__setattr__(self, "unwanted", parts)

    def __add__(self, other: Expression) -> Expression:
        # a - b + c is a + c - b.
        return Minus(self.sought + other, self.unwanted)


@dataclass(frozen=True, slots=True)
class Slerp(Expression):
    """The unit vector at the share `at` of the arc from one part to another.

    Raises:
        QueryError: `at` is outside of [0, 1].
    """

    start: Expression
    end: Expression
    at: float = DEFAULT_SLERP_AT

    def __post_init__(self) -> None:
        _expression(self.start)
        _expression(self.end)
        if not 0.0 <= self.at <= 1.0:
            raise QueryError(
                f"the share of an arc must lie between 0 and 1, got {self.at:g}",
                hint="0 is the image, 1 the text",
            )


@dataclass(frozen=True, slots=True)
class Residual(Expression):
    """An anchor moved along a direction between examples: from the mean of some to that of others.

    A difference of texts has no share of what all texts have in common, so that it may be added to
    an image. Without `away` the direction starts from what captions have in common.

    Attributes:
        anchor: where to start.
        towards: at least one example of what is wanted.
        away: examples of what the anchor has instead.
        gain: how far to go, in lengths of the anchor; more than 0. From what captions have in
            common it takes more, some 2 to 2.5.

    Raises:
        QueryError: there is no example, or `gain` is not positive.
    """

    anchor: Expression
    towards: tuple[Expression, ...]
    away: tuple[Expression, ...] = ()
    gain: float = DEFAULT_GAIN

    def __post_init__(self) -> None:
        _expression(self.anchor)
        _keep_parts(self, "towards")
        _keep_parts(self, "away")
        if not self.towards:
            raise QueryError(
                "a residual needs an example of what is wanted", hint="give at least one text"
            )
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise QueryError(
                f"the gain of a residual must be more than 0, got {self.gain:g}",
                hint="give a number such as 0.7",
            )


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """What is like both parts: the ranking is by a product of two scores, not by one vector."""

    first: Expression
    second: Expression

    def __post_init__(self) -> None:
        _expression(self.first)
        _expression(self.second)


@dataclass(frozen=True, slots=True)
class Mean(Expression):
    """The direction of the mean of parts, which counts as one term: of length 1, as a leaf does.

    Raises:
        QueryError: there are no parts.
    """

    parts: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _keep_parts(self, "parts")
        if not self.parts:
            raise QueryError("a mean needs a part", hint="give at least one text or image")


@dataclass(frozen=True, slots=True)
class EachOf(Expression):
    """What fits every one of its parts: the ranking is by the part that an item fits least.

    Raises:
        QueryError: there are no parts.
    """

    parts: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _keep_parts(self, "parts")
        if not self.parts:
            raise QueryError(
                "a query for each of some parts needs a part",
                hint="give at least one text or image",
            )


@dataclass(frozen=True, slots=True)
class Feedback(Expression):
    """A part moved towards what was marked as right, and away from what was marked as wrong.

    See `retrieval.query.feedback`. Marked items are references: they are not among the hits, unless
    the query asks for them.

    Attributes:
        start: what was asked for; None where the marks are all there is.
        liked: what was marked as right.
        disliked: what was marked as wrong.

    Raises:
        QueryError: nothing is marked, something is marked as both, or there is neither a start nor
            anything that is liked.
    """

    start: Expression | None
    liked: tuple[Leaf, ...] = ()
    disliked: tuple[Leaf, ...] = ()

    def __post_init__(self) -> None:
        if self.start is not None:
            _expression(self.start)
        _keep_parts(self, "liked")
        _keep_parts(self, "disliked")
        if not self.liked and not self.disliked:
            raise QueryError("nothing is marked", hint="name what is right, or what is wrong")
        if self.start is None and not self.liked:
            raise QueryError(
                "the query only says what is wrong", hint="give a text, or something that is right"
            )
        if both := set(self.liked) & set(self.disliked):
            raise QueryError(
                f"marked as right and as wrong: {next(iter(both))}", hint="drop one of the marks"
            )


@dataclass(frozen=True, slots=True)
class Pseudo(Expression):
    """A text with images in the place of words: "a photo of {ref.jpg} on the beach".

    Each image becomes a word of its own (`retrieval.learn.phi`), and the text is encoded with it.

    Attributes:
        segments: strings are literal text, without blanks around it; images (ImageFile, ItemRef
            of an image, Vector of one) stand where a word would.

    Raises:
        QueryError: there is no image, or a part is neither text nor an image.
    """

    segments: tuple["str | Expression", ...]

    def __post_init__(self) -> None:
        said = [
            clean_text(each).strip() if isinstance(each, str) else each for each in self.segments
        ]
        kept = tuple(each for each in said if each != "")
        images = [each for each in kept if not isinstance(each, str)]
        if not images:
            raise QueryError(
                "a text with images in it needs an image", hint="without one it is a Text"
            )
        for each in images:
            if not _is_image(each):
                raise QueryError(
                    f"{each!r} cannot stand inside of a text",
                    hint="put an image there: ImageFile, an ItemRef of an image, or its Vector",
                )
        object.__setattr__(self, "segments", kept)

    @property
    def images(self) -> tuple["ImageFile | ItemRef | Vector", ...]:
        """The images, in their order."""
        return tuple(
            each for each in self.segments if isinstance(each, ImageFile | ItemRef | Vector)
        )


@dataclass(frozen=True, slots=True)
class Where(Expression):
    """A part among the items that satisfy a filter.

    Raises:
        TypeError: the filter is a text, or none at all.
    """

    part: Expression
    predicate: Predicate

    def __post_init__(self) -> None:
        _expression(self.part)
        if not isinstance(self.predicate, Predicate):
            raise TypeError(
                f"{self.predicate!r} is no filter; wrap it in parse_filter(...) of "
                "retrieval.store.filters.grammar"
            )


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


def analogy(a: Expression, b: Expression, c: Expression) -> Sum:
    """What is to c as b is to a: the direction of c + b - a, all of length 1.

    The terms may be images and texts: a and b should be of one kind, whose common part then drops
    out of the difference. None of them is among the hits.

    Source: T. Mikolov, W. Yih, G. Zweig, "Linguistic Regularities in Continuous Space Word
    Representations", NAACL 2013, section 4.
    """
    return Sum((c, b, Scale(a, -1.0)))


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
    level, n_parts = [_expression(expression)], 1
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


def _is_image(part: "str | Expression") -> bool:
    if isinstance(part, ItemRef):
        return gallery_of(part.item_id) == "images"
    return isinstance(part, ImageFile) or (isinstance(part, Vector) and part.modality == "image")


def clean_text(text: str) -> str:
    """The text with what no encoder can read made harmless; everything else stays as it is.

    Control characters (NUL, escape, new lines) become spaces; surrogates that form a pair become
    the character they stand for; a lone one (half a character, or a byte that was no UTF-8) becomes
    U+FFFD. Cleaning, not refusing: one odd byte in a batch of queries must not lose the batch.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in whole)


def _expression(other: object) -> Expression:
    if not isinstance(other, Expression):
        hint = "wrap a text in Text(...), a path in ImageFile(...)"
        raise TypeError(f"{other!r} is no part of a query; {hint}")
    return other


def _expressions(given: object) -> tuple[Expression, ...]:
    """Parts as a tuple; a single one is as good as a tuple of it."""
    if not isinstance(given, tuple | list):
        return (_expression(given),)
    # By kind, of which there are few: a sum that grows term by term is looked at each time.
    if not all(issubclass(kind, Expression) for kind in set(map(type, given))):
        for each in given:
            _expression(each)
    return tuple(given)


def _keep_parts(node: Expression, name: str) -> None:
    object.__setattr__(node, name, _expressions(getattr(node, name)))


def _summands(part: Expression) -> tuple[Expression, ...]:
    return part.parts if isinstance(part, Sum) else (part,)
