"""Analogies whose answer is known, in the gallery of all shapes.

One attribute changes from a to b as it does from c to the picture that is asked for.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from benchmarks.feedback.ways import Row, recalls_of
from benchmarks.feedback.worlds import attributes_of
from benchmarks.shapes.grammar import english
from benchmarks.shapes.pictures import ALL, Attributes
from benchmarks.shapes.triplets import sample_triplets
from retrieval.engine import SearchEngine
from retrieval.model import ItemId
from retrieval.query.algebra import Expression, ItemRef, Query, Text
from retrieval.query.ways import Residual, analogy

_PER_ATTRIBUTE = 75

TOLD = ("text text text", "text text image", "image image text")
"""What a, b and c are."""

WAYS: dict[str, Callable[[Expression, Expression, Expression], Expression]] = {
    "c alone": lambda _a, _b, c: c,
    "c + b - a": analogy,
    "residual": lambda a, b, c: Residual(c, (b,), (a,)),
}


@dataclass(frozen=True, slots=True)
class Analogy:
    """What a, b, c and the answer show."""

    a: Attributes
    b: Attributes
    c: Attributes
    answer: Attributes


def drawn(seed: int) -> list[Analogy]:
    """Equally many for each attribute; a has the value that c has and is another combination."""
    chance = random.Random(seed)
    found = []
    for each in sample_triplets(_PER_ATTRIBUTE, seed):
        name = each.attribute
        value = getattr(each.reference, name)
        others = [one for one in ALL if getattr(one, name) == value and one != each.reference]
        a = chance.choice(others)
        b = replace(a, **{name: getattr(each.target, name)})
        found.append(Analogy(a, b, each.reference, each.target))
    return found


def analogies(engine: SearchEngine, seed: int) -> Iterator[Row]:
    """R@1, R@10 and mAP@10 for each kind of terms and each way, of analogies drawn by a seed."""
    shown = attributes_of(engine)
    items: dict[Attributes, list[ItemId]] = {}
    for item_id, attributes in sorted(shown.items()):
        items.setdefault(attributes, []).append(item_id)
    every = drawn(seed)
    for kinds in TOLD:
        for name, way in WAYS.items():
            pairs = [
                (Query(way(*_terms(each, kinds, items))), frozenset(items[each.answer]))
                for each in every
            ]
            yield f"{kinds.replace(' ', ', ')} | {name}", recalls_of(engine, pairs)


def _terms(each: Analogy, kinds: str, items: Mapping[Attributes, list[ItemId]]) -> list[Expression]:
    return [
        Text(english(one)) if kind == "text" else ItemRef(items[one][0])
        for one, kind in zip((each.a, each.b, each.c), kinds.split(), strict=True)
    ]
