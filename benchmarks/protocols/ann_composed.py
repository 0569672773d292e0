"""Composed queries of a measurement: a text and an image, added."""

from dataclasses import dataclass

import numpy as np

from retrieval.errors import SourceError
from retrieval.model import Float32Array, Int64Array

_SHORTEST = 1e-2
"""Length of a sum of two unit vectors below which they cancel out, and rounding decides."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Composed queries.

    Attributes:
        sums: (Q, dim) float32 unit rows.
        parts: (Q, 2, dim) the text and the image that each is the sum of.
        kept: (Q,) number of the given pair that each is.
    """

    sums: Float32Array
    parts: Float32Array
    kept: Int64Array


def compose_pairs(texts: Float32Array, images: Float32Array) -> Pairs:
    """The sum of text i and image i, of length 1, for each i; pairs that cancel out are left out.

    Args:
        texts: (Q, dim) float32 unit rows.
        images: (Q, dim) float32 unit rows.
    """
    sums = texts + images
    lengths = np.linalg.norm(sums, axis=1)
    kept = np.flatnonzero(lengths >= _SHORTEST)
    parts = np.stack([texts[kept], images[kept]], axis=1)
    return Pairs(sums[kept] / lengths[kept, None], parts, kept)


def pair_up(texts: Float32Array, images: Float32Array, seed: int) -> Pairs:
    """Each text with another image, drawn: files often hold the caption of image i in row i.

    Args:
        texts: (t, dim) float32 unit rows.
        images: (i, dim) float32 unit rows; the longer of the two is cut.
        seed: of the drawing.

    Raises:
        SourceError: fewer than two pairs are left, for the others cancel out.
    """
    size = min(len(texts), len(images))
    order = np.random.default_rng(seed).permutation(len(images))[:size]
    pairs = compose_pairs(texts[:size], images[order])
    if len(pairs.sums) < 2:
        raise SourceError(
            "texts and images of the queries cancel out when they are added",
            hint="all have to come from one encoder",
        )
    return pairs
