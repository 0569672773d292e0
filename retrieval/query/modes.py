"""Ways to put the images and the texts of one query together, by the names that users give them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from retrieval.errors import QueryError
from retrieval.learn.phi import DEFAULT_TEMPLATE, SLOT, WORDS
from retrieval.model import Modality
from retrieval.query.algebra import Expression, Minus, Scale, Sum, Text
from retrieval.query.normal import Sought, Unwanted, leaves, modality_of, normal, terms
from retrieval.query.ways import (
    DEFAULT_GAIN,
    DEFAULT_SLERP_AT,
    Product,
    Pseudo,
    Residual,
    Slerp,
    Where,
)
from retrieval.store.filters.predicates import Predicate


class ModeName(StrEnum):
    """Names of ways to compose."""

    AUTO = "auto"
    SUM = "sum"
    SLERP = "slerp"
    RESIDUAL = "residual"
    PRODUCT = "product"
    PSEUDO = "pseudo"


_NUMBERS = {ModeName.SLERP: DEFAULT_SLERP_AT, ModeName.RESIDUAL: DEFAULT_GAIN}
"""Ways that take a number, and one that they may take."""

GAIN_FROM_COMMON = 2.0
"""How far a residual goes that starts from what captions have in common."""

GUARD = 0.5
"""Weight of the penalty beside a residual. On `benchmarks.composed` it costs under a point of mAP,
and it takes what is unwanted away also where the image has nothing of it."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to compose.

    Attributes:
        name: of the way.
        number: of "slerp" the share of the arc, of "residual" the gain; None is the default.
    """

    name: ModeName = ModeName.AUTO
    number: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "auto", "sum", "slerp", "slerp:0.7", "residual:0.5", "product", "pseudo".

        Raises:
            QueryError: it is none of these.
        """
        name, colon, number = text.partition(":")
        known = ", ".join(ModeName)
        if name not in list(ModeName):
            raise QueryError(f"no way to compose: {text!r}", hint=f"there are {known}")
        mode = ModeName(name)
        if not colon:
            return cls(mode)
        if mode not in _NUMBERS:
            raise QueryError(f"{mode} takes no number: {text!r}", hint=f"write --compose {mode}")
        if not re.fullmatch(r"\d*\.?\d+", number):
            raise QueryError(
                f"{number!r} is no number: {text!r}", hint=f"write e.g. {mode}:{_NUMBERS[mode]:g}"
            )
        return cls(mode, float(number))


def composed(expression: Expression, mode: Mode, template: str = DEFAULT_TEMPLATE) -> Expression:
    """The terms of a query put together in some way.

    Ways that tell two sides apart take the images for one and the texts for the other; where all
    terms are of one kind, there must be two of them, and they are the sides in their order.

    Args:
        expression: terms, weights and what is unwanted, as the interactive line or the options of a
            command give them.
        mode: "auto" is what does best on `benchmarks.composed`: where texts are sought and unwanted
            beside images a residual from these to those, and a penalty for the unwanted of half a
            weight; `slerp` between images and texts; `sum` otherwise, and where terms have
            different weights.
        template: of "pseudo", how images and texts become one text.

    Raises:
        QueryError: the terms have no two sides, or a negative weight, or "pseudo" is given weights
            or no image.
    """
    sought = normal(expression)
    name = mode.name
    if name is ModeName.AUTO:
        name = _best_for(sought)
    if name is ModeName.SUM:
        return expression
    weighted = list(terms(sought.core))
    if any(weight < 0 for weight, _ in weighted):
        raise QueryError(f"{name} takes no negative weights", hint="use --compose sum")
    if name is ModeName.RESIDUAL:
        guard = GUARD if mode.name is ModeName.AUTO else 0.0
        unwanted = (Unwanted(each.part, guard * each.weight) for each in sought.unwanted)
        return _finished(tuple(unwanted) if guard else (), _residual(sought, mode), sought.where)
    if name is ModeName.PSEUDO:
        return _finished(sought.unwanted, _pseudo(weighted, template), sought.where)
    first, second = _sides(sought, name)
    if name is ModeName.SLERP:
        at = DEFAULT_SLERP_AT if mode.number is None else mode.number
        return _finished(sought.unwanted, Slerp(first, second, at), sought.where)
    if sought.unwanted:
        raise QueryError("a product takes nothing away", hint="use --compose sum")
    return _finished((), Product(first, second), sought.where)


def _best_for(sought: Sought) -> ModeName:
    """The way that "auto" stands for.

    Terms of different weights are added: whoever weighs them says how they go together. A direction
    between a text and an image is mostly what parts all texts from all images, so that a residual
    goes between texts only.
    """
    weighted = list(terms(sought.core))
    kinds = {_kind(part) for _, part in weighted}
    weights = {weight for weight, _ in weighted}
    if kinds != {"image", "text"} or len(weights) > 1 or min(weights) < 0:
        return ModeName.SUM
    if sought.unwanted and all(_kind(each.part) == "text" for each in sought.unwanted):
        return ModeName.RESIDUAL
    return ModeName.SLERP


def _residual(sought: Sought, mode: Mode) -> Expression:
    """The residual from what is unwanted to the texts; it takes up what is unwanted."""
    anchor, towards = _sides(sought, ModeName.RESIDUAL)
    away = tuple(Scale(each.part, each.weight) for each in sought.unwanted)
    gain = mode.number
    if gain is None:
        gain = DEFAULT_GAIN if away else GAIN_FROM_COMMON
    return Residual(anchor, (towards,), (Sum(away),) if away else (), gain)


def _pseudo(weighted: list[tuple[float, Expression]], template: str) -> Expression:
    """The template with the images and the texts in it, several joined by "and"."""
    if len({weight for weight, _ in weighted}) > 1:
        raise QueryError("pseudo takes no weights", hint="use --compose sum")
    images = [part for _, part in weighted if _kind(part) == "image"]
    texts = [part.text for _, part in weighted if isinstance(part, Text)]
    if not images or not texts or len(images) + len(texts) < len(weighted):
        raise QueryError(
            "pseudo takes images and words: it makes one text of both",
            hint="give an image and a text, or use --compose sum",
        )
    words = template.replace(WORDS, " and ".join(texts))
    before, _, after = words.partition(SLOT)
    slots: list[str | Expression] = [images[0]]
    for image in images[1:]:
        slots += ["and", image]
    return Pseudo((before, *slots, after))


def _sides(sought: Sought, name: ModeName) -> tuple[Expression, Expression]:
    weighted = list(terms(sought.core))
    images = [(weight, part) for weight, part in weighted if _kind(part) == "image"]
    texts = [(weight, part) for weight, part in weighted if _kind(part) == "text"]
    if images and texts:
        return _added(images), _added(texts)
    if len(weighted) != 2:
        raise QueryError(
            f"{name} takes an image and a text, or two terms; the query has {len(weighted)} of "
            "one kind",
            hint="use --compose sum",
        )
    first, second = weighted
    return _added([first]), _added([second])


def _added(weighted: list[tuple[float, Expression]]) -> Expression:
    parts = tuple(part if weight == 1 else Scale(part, weight) for weight, part in weighted)
    return parts[0] if len(parts) == 1 else Sum(parts)


def _finished(
    unwanted: tuple[Unwanted, ...], core: Expression, where: Predicate | None
) -> Expression:
    for each in unwanted:
        core = Minus(core, each.part if each.weight == 1 else Scale(each.part, each.weight))
    return core if where is None else Where(core, where)


def _kind(part: Expression) -> Modality:
    """A text if all of a term is text, or it is a text with images in it."""
    if isinstance(part, Pseudo):
        return "text"
    return "text" if all(modality_of(leaf) == "text" for leaf in leaves(part)) else "image"
