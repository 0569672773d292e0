"""Rank by the part of a query that an item fits least: what fits every part, as no vector can ask.

Source: T-norms of fuzzy logic (R. Fagin, "Combining Fuzzy Information from Multiple Systems", PODS
1996, where an "and" is the minimum of the scores); the scores are centred, because some texts are
closer to all pictures than others are.
"""

from dataclasses import dataclass

import numpy as np

from retrieval.model import Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Weakest:
    """The least, over the parts p, of cosine(item, p) - usual of p.

    Attributes:
        parts: (p, dim) unit rows.
        usual: (p,) the mean cosine of each part with items of the gallery.
    """

    parts: Float32Array
    usual: Float32Array

    @classmethod
    def among(cls, parts: Float32Array, sample: Float32Array) -> "Weakest":
        """What ranks a gallery of which there is a sample, (m, dim); m = 0 centres nothing."""
        usual = (parts @ sample.T).mean(axis=1) if len(sample) else np.zeros(len(parts), np.float32)
        return cls(parts, usual)

    def of_items(self, rows: Float32Array) -> Float32Array:
        """The least centred cosines of items, (n,), from their vectors, (n, dim)."""
        weakest: Float32Array = (rows @ self.parts.T - self.usual).min(axis=1)
        return weakest
