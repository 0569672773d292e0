"""Ways to put parts of a query together that are more than adding and taking away."""

import math
from dataclasses import dataclass

from retrieval.errors import QueryError
from retrieval.model import gallery_of
from retrieval.query.algebra import (
    Expression,
    ImageFile,
    ItemRef,
    Leaf,
    Scale,
    Sum,
    Vector,
    as_expression,
    clean_text,
    keep_parts,
)
from retrieval.store.filters.predicates import Predicate

DEFAULT_SLERP_AT = 0.75
"""Where on the arc from image to text a slerp query lies: 0 is the image, 1 the text.

The best on `benchmarks.composed`, with 0.7. Jang et al., "Spherical Linear Interpolation and
Text-Anchoring for Zero-shot Composed Image Retrieval", ECCV 2024, have 0.8 for CIRCO and FashionIQ.
"""

DEFAULT_GAIN = 0.7
"""How far a residual between examples goes from its anchor, in lengths of the anchor: the best on
`benchmarks.composed`."""


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
        as_expression(self.start)
        as_expression(self.end)
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
        as_expression(self.anchor)
        keep_parts(self, "towards")
        keep_parts(self, "away")
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
        as_expression(self.first)
        as_expression(self.second)


@dataclass(frozen=True, slots=True)
class Mean(Expression):
    """The direction of the mean of parts, which counts as one term: of length 1, as a leaf does.

    Raises:
        QueryError: there are no parts.
    """

    parts: tuple[Expression, ...]

    def __post_init__(self) -> None:
        keep_parts(self, "parts")
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
        keep_parts(self, "parts")
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
            as_expression(self.start)
        keep_parts(self, "liked")
        keep_parts(self, "disliked")
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
        as_expression(self.part)
        if not isinstance(self.predicate, Predicate):
            raise TypeError(
                f"{self.predicate!r} is no filter; wrap it in parse_filter(...) of "
                "retrieval.store.filters.grammar"
            )


def analogy(a: Expression, b: Expression, c: Expression) -> Sum:
    """What is to c as b is to a: the direction of c + b - a, all of length 1.

    The terms may be images and texts: a and b should be of one kind, whose common part then drops
    out of the difference. None of them is among the hits.

    Source: T. Mikolov, W. Yih, G. Zweig, "Linguistic Regularities in Continuous Space Word
    Representations", NAACL 2013, section 4.
    """
    return Sum((c, b, Scale(a, -1.0)))


def _is_image(part: "str | Expression") -> bool:
    if isinstance(part, ItemRef):
        return gallery_of(part.item_id) == "images"
    return isinstance(part, ImageFile) or (isinstance(part, Vector) and part.modality == "image")
