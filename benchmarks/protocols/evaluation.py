"""What a protocol gives: figures, and what they are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval.model import Int64Array

KS = (1, 5, 10)
"""Depths of recall that papers report."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One protocol, one model.

    Attributes:
        figures: by name; shares in [0, 1], but ranks.
        counts: queries of each direction, and what else a denominator is.
        ranks: of the best right answer of every query, from 1, by direction, and what else
            figures are made of (`answers`): every figure can be computed from them again. Where
            nothing is ranked, of each item whether it counts, 1 or 0, by figure.
        times: seconds and milliseconds of its own, which differ from run to run.
        pictures: the picture of every query, by direction ("t2i"), where it is not the query
            itself: captions of one picture are right or wrong together.
    """

    figures: Mapping[str, float]
    counts: Mapping[str, int]
    ranks: Mapping[str, Int64Array]
    times: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, Int64Array] = field(default_factory=dict)
