"""Put the vectors of a query's terms together into one unit vector.

Laws (tests/retrieval/query/test_compose.py): a one-term query is that term, bit for bit; scaling
all weights by one positive factor changes nothing; slerp at 0 is the image, at 1 the text.
"""

import numpy as np

from retrieval.errors import QueryError
from retrieval.model import Float32Array
from retrieval.query.algebra import Query

_CANCELS_BELOW = 1e-3
"""Length of the sum, with weights that add up to 1 in size, under which its direction is noise."""

_SMALL_SINE = 1e-6
"""Below this the arc has no direction: equal vectors fall back to the straight line."""


def compose(query: Query, vectors: Float32Array) -> Float32Array:
    """The unit vector (dim,) of a query.

    Args:
        query: its terms, weights and way of composing.
        vectors: (terms, dim) unit rows, row i for term i.

    Raises:
        QueryError: the terms cancel out, or slerp is asked between opposite vectors.
    """
    if query.compose == "sum":
        return weighted_sum(vectors, [term.weight for term in query.terms])
    # The arc runs from the image to the text, in whatever order they were given.
    first, second = (1, 0) if query.terms[0].kind == "text" != query.terms[1].kind else (0, 1)
    return slerp(vectors[first], vectors[second], query.slerp_at)


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
