"""Composed queries whose answer is known: a picture, one change in words, the picture asked for."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from benchmarks.shapes.grammar import FORMS, english, phrase
from benchmarks.shapes.pictures import ALL, VALUES, Attributes

_EVERYTHING = frozenset(ALL)
_ORDER = ("size", "colour", "shape", "place")
"""Of attributes in a caption."""


@dataclass(frozen=True, slots=True, order=True)
class Triplet:
    """A composed query and its one right answer among pictures of different attributes.

    Attributes:
        reference: what the picture of the query shows.
        attribute: the name of what is to change, or of one of several that are.
        target: the reference with another value of it.
    """

    reference: Attributes
    attribute: str
    target: Attributes

    @property
    def change(self) -> str:
        """The words of the query, such as "blue", "in the middle" or "blue star"."""
        return self._said(self.target)

    @property
    def undone(self) -> str:
        """The words for what the reference has instead."""
        return self._said(self.reference)

    @property
    def captions(self) -> tuple[str, str]:
        """Full captions of reference and target, for queries by a difference of texts."""
        return english(self.reference, FORMS[0]), english(self.target, FORMS[0])

    def _said(self, one: Attributes) -> str:
        before, after = self.reference, self.target
        changed = [name for name in _ORDER if getattr(before, name) != getattr(after, name)]
        return " ".join(phrase(getattr(one, name)) for name in changed)


def triplets_of(
    reference: Attributes, gallery: Collection[Attributes] = _EVERYTHING
) -> list[Triplet]:
    """All triplets of one reference whose targets are in a gallery, in the order of VALUES."""
    return [
        Triplet(reference, name, target)
        for name, values in VALUES.items()
        for value in values
        if (target := replace(reference, **{name: value})) != reference and target in gallery
    ]


def sample_triplets(
    per_attribute: int, seed: int, gallery: Collection[Attributes] = _EVERYTHING
) -> list[Triplet]:
    """Draw different triplets within a gallery, equally many for every attribute.

    Args:
        per_attribute: how many of each of the four kinds.
        seed: the same one gives the same triplets.
        gallery: what reference and target are taken from.

    Returns:
        Four times `per_attribute` triplets, ordered by attribute.

    Raises:
        ValueError: the gallery has not so many.
    """
    members = frozenset(gallery)
    every = [triplet for one in sorted(members) for triplet in triplets_of(one, members)]
    chance = random.Random(seed)
    drawn: list[Triplet] = []
    for name in VALUES:
        kind = [triplet for triplet in every if triplet.attribute == name]
        if len(kind) < per_attribute:
            raise ValueError(
                f"the gallery has {len(kind)} changes of {name}, {per_attribute} asked"
            )
        drawn += chance.sample(kind, per_attribute)
    return drawn


def changed_again(triplets: Sequence[Triplet], seed: int) -> list[Triplet]:
    """The same, each with a second attribute changed as well, drawn at random."""
    chance = random.Random(seed)
    changed = []
    for each in triplets:
        further = [one for one in triplets_of(each.target) if one.attribute != each.attribute]
        changed.append(replace(each, target=chance.choice(further).target))
    return changed
