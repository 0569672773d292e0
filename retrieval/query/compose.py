"""Put the vectors of a query's leaves together into one unit vector.

Laws (tests/retrieval/query/test_compose.py): a one-term query is that term, bit for bit; scaling
all weights by one positive factor changes nothing; slerp at 0 is the start, at 1 the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from retrieval.errors import QueryError
from retrieval.model import Float32Array
from retrieval.query.algebra import Expression, Leaf
from retrieval.query.feedback import Marks, Surroundings, moved
from retrieval.query.normal import LEAVES, modality_of, terms
from retrieval.query.ways import Feedback, Mean, Pseudo, Residual, Slerp

_CANCELS_BELOW = 1e-3
"""Length of the sum, with weights that add up to 1 in size, under which its direction is noise."""

_SMALL_SINE = 1e-6
"""Below this the arc has no direction: equal vectors fall back to the straight line."""

CommonText: TypeAlias = Callable[[], Float32Array]
"""Gives the mean of the embeddings of captions, (dim,): what all texts have in common."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Works out expressions from the vectors of their leaves.

    Attributes:
        vectors: a unit row, (dim,), for each leaf and each text with images in it.
        common_text: asked for only by a residual that names nothing to go away from.
        surroundings: asked for only by feedback.
    """

    vectors: Mapping[Leaf | Pseudo, Float32Array]
    common_text: CommonText
    surroundings: Callable[[], Surroundings] | None = None

    def direction(self, expression: Expression) -> Float32Array:
        """The unit vector (dim,) of an expression that is a vector.

        Raises:
            QueryError: terms cancel out, or slerp is asked between opposite vectors.
        """
        weighted = list(terms(expression))
        if len(weighted) == 1 and weighted[0][0] > 0:
            return self._unit(weighted[0][1])
        rows = np.array([self._unit(part) for _, part in weighted])
        return weighted_sum(rows, [weight for weight, _ in weighted])

    def _unit(self, part: Expression) -> Float32Array:
        if isinstance(part, (*LEAVES, Pseudo)):
            return self.vectors[part]
        if isinstance(part, Slerp):
            return slerp(self.direction(part.start), self.direction(part.end), part.at)
        if isinstance(part, Residual):
            return self._moved(part)
        if isinstance(part, Mean):
            return self._mean_direction(part.parts)
        if isinstance(part, Feedback):
            return self._after(part)
        raise AssertionError(f"{part!r} is no vector")  # `normal` lets none of them pass

    def _moved(self, residual: Residual) -> Float32Array:
        anchor = self.direction(residual.anchor)
        towards = self._mean(residual.towards)
        away = self._mean(residual.away) if residual.away else self.common_text()
        change = towards - away
        length = np.linalg.norm(change)
        if length < _CANCELS_BELOW:
            raise QueryError(
                "the residual has no direction: what is wanted equals what it starts from",
                hint="give texts that differ",
            )
        step = change / length
        return weighted_sum(np.array([anchor, step]), [1.0, residual.gain])

    def _mean_direction(self, parts: Sequence[Expression]) -> Float32Array:
        """Of several parts, each of which counts as much as any other."""
        rows = np.array([self.direction(part) for part in parts])
        return weighted_sum(rows, [1.0] * len(rows))

    def _after(self, feedback: Feedback) -> Float32Array:
        assert self.surroundings is not None  # who plans feedback gives them
        start = None if feedback.start is None else self.direction(feedback.start)
        around = self.surroundings()
        marks = Marks(
            self._centred(feedback.liked, around), self._centred(feedback.disliked, around)
        )
        return moved(start, marks, around.searched)

    def _centred(self, marked: Sequence[Leaf], around: Surroundings) -> Float32Array:
        """Marks without what all of their kind have in common, (n, dim)."""
        rows = [self.vectors[leaf] - around.mean_of(modality_of(leaf)) for leaf in marked]
        return np.array(rows, np.float32)

    def _mean(self, examples: Sequence[Expression]) -> Float32Array:
        mean: Float32Array = np.array([self.direction(each) for each in examples]).mean(axis=0)
        return mean


def weighted_sum(vectors: Float32Array, weights: list[float]) -> Float32Array:
    """The direction of the weighted sum of unit rows; negative weights subtract.

    Args:
        vectors: (t, dim) unit rows, t >= 1.
        weights: t finite numbers, none 0.

    Raises:
        QueryError: the sum is all but zero.
    """
    if len(weights) == 1 and weights[0] > 0:
        return np.array(vectors[0])
    shares = np.asarray(weights, np.float64)
    shares = shares / np.abs(shares).max()  # first, so that the sum of huge weights stays finite
    shares /= np.abs(shares).sum()
    total = shares @ vectors.astype(np.float64)
    length = np.linalg.norm(total)
    if length < _CANCELS_BELOW:
        raise QueryError(
            "the query cancels out: what is subtracted equals what is added",
            hint="change a term or its weight",
        )
    direction: Float32Array = (total / length).astype(np.float32)
    return direction


def slerp(start: Float32Array, end: Float32Array, at: float) -> Float32Array:
    """The unit vector at the share `at` of the arc from start to end (unit vectors, (dim,)).

    Source: K. Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985; for composed
    queries Jang et al., ECCV 2024.

    Raises:
        QueryError: the vectors are opposite, so that no arc between them is the shortest.
    """
    if at in (0.0, 1.0):
        return np.array(end if at else start)
    a, b = start.astype(np.float64), end.astype(np.float64)
    # The angle from the chord: arccos of a cosine near 1 loses half the digits.
    angle = 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))
    sine = np.sin(angle)
    if sine >= _SMALL_SINE:
        mixed = (np.sin((1 - at) * angle) * a + np.sin(at * angle) * b) / sine
    elif angle < 1:
        mixed = (1 - at) * a + at * b
    else:
        raise QueryError(
            "slerp has no direction: the two terms are opposite", hint="use compose='sum'"
        )
    direction: Float32Array = (mixed / np.linalg.norm(mixed)).astype(np.float32)
    return direction
