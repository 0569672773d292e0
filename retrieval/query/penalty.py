"""What is taken off the score of an item for what it has of something unwanted."""

from dataclasses import dataclass

import numpy as np

from retrieval.model import Float32Array

_ROUNDING = 1e-9
"""Cuts whose variances differ by no more are equal ones that were rounded otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Penalty:
    """The sum over the unwanted parts u of weight * max(0, cosine(item, u) - floor of u).

    Nothing is taken off items below the floor, so that these keep their order; what has more loses
    as much as it has more. Where many items have the part, the floor lies between them and the
    others. Where few or none have it, it lies amid all, and half of them may lose a little: their
    cosines differ by less than those of items that do have it (docs/queries.md has figures).

    Attributes:
        unwanted: (u, dim) unit rows.
        floors: (u,) cosines.
        weights: (u,) more than 0.
    """

    unwanted: Float32Array
    floors: Float32Array
    weights: Float32Array

    @classmethod
    def among(
        cls, unwanted: Float32Array, weights: Float32Array, sample: Float32Array
    ) -> "Penalty":
        """The penalty in a gallery, whose items with and without a part are told apart by a sample.

        Args:
            unwanted: (u, dim) unit rows.
            weights: (u,) more than 0.
            sample: (m, dim) vectors of items of the gallery; of none every floor is 0.
        """
        if not len(sample):
            return cls(unwanted, np.zeros(len(unwanted), np.float32), weights)
        cosines = np.vecdot(sample[:, None], unwanted)
        floors = np.array([otsu_threshold(each) for each in cosines.T], np.float32)
        return cls(unwanted, floors, weights)

    def of(self, rows: Float32Array) -> Float32Array:
        """The penalties of items, (n,), from their vectors, (n, dim)."""
        above = np.maximum(np.vecdot(rows[:, None], self.unwanted) - self.floors, 0)
        penalties: Float32Array = above @ self.weights
        return penalties


def otsu_threshold(values: Float32Array) -> float:
    """The cut of values, (m,), into two classes with the greatest variance between their means.

    Halfway between the two values next to the cut; of equal cuts the lowest; of equal values, or a
    single one, that value.

    Source: N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9(1), 1979; here of the values themselves, without a histogram.
    """
    ordered = np.sort(values.astype(np.float64))
    if ordered[0] == ordered[-1]:
        return float(ordered[0])
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    sums = ordered.cumsum()
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    between = below * above * apart**2
    cut = int(np.argmax(between >= (1 - _ROUNDING) * between.max()))
    return float((ordered[cut] + ordered[cut + 1]) / 2)
