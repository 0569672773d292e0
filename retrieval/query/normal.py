"""A query in its normal form: what is sought, what counts against an item, and among which items.

`-` and filters may stand inside sums and under weights; here they are brought to the outside, so
that what is left in the middle is one vector, or one product of two.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from retrieval.errors import QueryError
from retrieval.model import Modality, gallery_of
from retrieval.query.algebra import (
    Expression,
    ImageFile,
    ItemRef,
    Leaf,
    Minus,
    Scale,
    Sum,
    Text,
    Vector,
    check_depth,
)
from retrieval.query.ways import EachOf, Feedback, Mean, Product, Pseudo, Residual, Slerp, Where
from retrieval.store.filters.predicates import And, Predicate

LEAVES = (Text, ImageFile, ItemRef, Vector)

_MOST_TIMES = 1e6
"""How many times as much, or as little, as what is sought the unwanted may count. Beyond it one of
both is lost in the rounding of float32, which has 7 digits."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """What counts against an item.

    Attributes:
        part: a vector.
        weight: more than 0; 1 counts as much as what is sought.
    """

    part: Expression
    weight: float


@dataclass(frozen=True, slots=True)
class Sought:
    """A query in its normal form.

    Attributes:
        core: what is looked for: an expression that is a vector, or a Product or EachOf of some.
        unwanted: what is not.
        where: which items are asked for; None asks for all.
    """

    core: Expression
    unwanted: tuple[Unwanted, ...] = ()
    where: Predicate | None = None


def normal(expression: Expression) -> Sought:
    """The normal form of an expression.

    Adding and taking away may come in any order: a - b + c is a + c - b. Weights count relative to
    the greatest of what is sought, so that all of them may be scaled by one positive factor.

    Raises:
        QueryError: a part stands where it has no meaning: a filter or a product inside a sum, or
            anything but a vector inside a slerp, a residual, a product or behind a minus; or the
            weights differ by more than a million times, or parts are nested too deep.
    """
    check_depth(expression)  # before it is hashed, which goes as deep
    return _normal(expression)


@lru_cache(maxsize=1024)
def _normal(expression: Expression) -> Sought:
    found = _outside(expression)
    if found.unwanted and any(isinstance(part, Product) for _, part in terms(found.core)):
        raise QueryError("a product takes nothing away", hint="use a sum, or --compose sum")
    greatest = max((abs(weight) for weight, _ in terms(found.core)), default=1.0)
    unwanted = tuple(
        Unwanted(each.part, _relative(each.weight, greatest)) for each in found.unwanted
    )
    return Sought(found.core, unwanted, found.where)


def terms(expression: Expression, weight: float = 1.0) -> Iterator[tuple[float, Expression]]:
    """The terms of a weighted sum, with sums inside of sums taken apart: (weight, part).

    Raises:
        QueryError: weights of weights are too large or too small for a number.
    """
    if isinstance(expression, Scale):
        within = weight * expression.weight
        if within == 0 or not math.isfinite(within):
            raise QueryError(f"weights of weights multiply to {within}", hint="use lesser ones")
        yield from terms(expression.part, within)
    elif isinstance(expression, Sum):
        for part in expression.parts:
            yield from terms(part, weight)
    else:
        yield weight, expression


def leaves(expression: Expression) -> Iterator[Leaf]:
    """All texts, images, items and vectors of an expression, in its order, repeated ones too."""
    if isinstance(expression, LEAVES):
        yield expression
        return
    for child in children(expression):
        yield from leaves(child)


def towards(part: Expression, *, marks: bool = True) -> list[Leaf | Pseudo]:
    """What an expression goes towards: its leaves, but for what it goes away from.

    A text with images in it counts as one. Nothing where all weights are negative.

    Args:
        part: any.
        marks: count what was marked as right.
    """
    found: list[Leaf | Pseudo] = []
    for weight, each in terms(part):
        if weight < 0:
            continue
        if isinstance(each, (*LEAVES, Pseudo)):
            found.append(each)
            continue
        for inner in _forward(each, marks=marks):
            found += towards(inner, marks=marks)
    return found


def _forward(node: Expression, *, marks: bool) -> tuple[Expression, ...]:
    """The children that a node goes towards."""
    match node:
        case Feedback(start, liked):
            return (*(() if start is None else (start,)), *(liked if marks else ()))
        case Residual(anchor, examples):
            return (anchor, *examples)
        case Minus(sought):
            return (sought,)
    return children(node)


def texts_in(expression: Expression) -> Iterator[Text]:
    """All texts of an expression, in its order, repeated ones too."""
    return (leaf for leaf in leaves(expression) if isinstance(leaf, Text))


def modality_of(leaf: Leaf | Pseudo) -> Modality:
    """What a leaf is, an image or a text."""
    if isinstance(leaf, ItemRef):
        return "text" if gallery_of(leaf.item_id) == "texts" else "image"
    if isinstance(leaf, Vector):
        return leaf.modality
    return "text" if isinstance(leaf, Text | Pseudo) else "image"


def pseudos(expression: Expression) -> Iterator[Pseudo]:
    """All texts with images in them that an expression holds."""
    if isinstance(expression, Pseudo):
        yield expression
    for child in children(expression):
        yield from pseudos(child)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions that an expression is made of; a leaf has none."""
    match expression:
        case Scale(part) | Where(part):
            return (part,)
        case Sum(parts) | Mean(parts) | EachOf(parts):
            return parts
        case Feedback(start, liked, disliked):
            return (*(() if start is None else (start,)), *liked, *disliked)
        case Minus(sought, unwanted):
            return (sought, *unwanted)
        case Slerp(first, second) | Product(first, second):
            return (first, second)
        case Pseudo():
            return expression.images
        case Residual(anchor, towards, away):
            return (anchor, *towards, *away)
    return ()


def _relative(weight: float, greatest: float) -> float:
    """The weight of something unwanted, relative to the greatest of what is sought."""
    relative = weight / greatest
    if not 1 / _MOST_TIMES <= relative <= _MOST_TIMES:  # nor is NaN
        raise QueryError(
            f"what is unwanted counts {relative:g} times as much as what is sought",
            hint=f"give weights that differ by less than {_MOST_TIMES:,.0f} times",
        )
    return relative


def _outside(expression: Expression) -> Sought:
    match expression:
        case Where(part, predicate):
            inner = _outside(part)
            return Sought(inner.core, inner.unwanted, both(predicate, inner.where))
        case Minus(sought, unwanted):
            inner = _outside(sought)
            taken = tuple(map(_weighted, unwanted))
            return Sought(inner.core, (*inner.unwanted, *taken), inner.where)
        case Scale(part, weight):
            return _scaled(_outside(part), weight)
        case Sum(parts):
            return _added(expression, [_outside(part) for part in parts])
    for child in children(expression):
        _require_vector(child, type(expression).__name__)
    return Sought(expression)


def _scaled(inner: Sought, weight: float) -> Sought:
    if weight > 0:
        unwanted = tuple(Unwanted(each.part, each.weight * weight) for each in inner.unwanted)
        return Sought(Scale(inner.core, weight), unwanted, inner.where)
    if inner.unwanted or inner.where is not None or _is_product(inner.core):
        raise QueryError(
            "a negative weight can only be that of a vector",
            hint="write a - b, or give the weight to a text, an image or an item",
        )
    return Sought(Scale(inner.core, weight))


def _added(total: Sum, inner: list[Sought]) -> Sought:
    """A sum from the normal forms of its parts."""
    if len(inner) == 1:
        return inner[0]
    for each in inner:
        if each.where is not None:
            raise QueryError(
                "a filter stands inside of a sum", hint="put it around the whole query: Where(...)"
            )
        if _is_product(each.core):
            raise QueryError("a product cannot be a term of a sum", hint="multiply sums instead")
    unwanted = tuple(unwanted for each in inner for unwanted in each.unwanted)
    return Sought(Sum(tuple(each.core for each in inner)) if unwanted else total, unwanted)


def _weighted(unwanted: Expression) -> Unwanted:
    """What stands behind a minus: a vector and its weight, those of sums of one part too."""
    _require_vector(unwanted, "Minus")
    weight = 1.0
    while True:
        match unwanted:
            case Scale(part, factor):
                weight, unwanted = weight * factor, part
            case Sum((part,)):
                unwanted = part
            case _:
                break
    if weight <= 0:
        raise QueryError(
            f"the weight of what is unwanted must be more than 0, got {weight:g}",
            hint="a - b takes b away; to add it write a + b",
        )
    return Unwanted(unwanted, weight)


def _is_product(core: Expression) -> bool:
    return any(isinstance(part, Product | EachOf) for _, part in terms(core))


def _require_vector(expression: Expression, inside: str) -> None:
    if isinstance(expression, Minus | Where | Product | EachOf):
        raise QueryError(
            f"{type(expression).__name__} cannot stand inside of {inside}",
            hint="- , filters and products go around the rest of a query",
        )
    for child in children(expression):
        _require_vector(child, inside)


def length_of(expression: Expression) -> int:
    """Characters of what is sought where that is one text; 0 where it is anything else."""
    parts = list(terms(normal(expression).core))
    (_, part) = parts[0]
    return len(part.text.strip()) if len(parts) == 1 and isinstance(part, Text) else 0


def both(first: Predicate, second: Predicate | None) -> Predicate:
    """The filter that asks for both; the first alone where there is no second."""
    return first if second is None else And((first, second))
