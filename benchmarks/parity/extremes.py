"""Between which values a figure lies, whatever the order of items that score the same.

A harness that asks torch.topk leaves that order to chance. Its figure may then be any between the
one with all ties against the right answer and the one with all ties for it, and nothing beyond.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from benchmarks.metrics.ranks import Positives
from retrieval.model import Float32Array, Int64Array

_QUERIES = 256

FigureOfRanks: TypeAlias = Callable[[Int64Array], float]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One direction of a protocol: what is ranked for what.

    Attributes:
        queries: (Q, dim) unit rows.
        gallery: (G, dim) unit rows.
        positives: the right answers of each query.
        figures: each a function of the (Q,) ranks, from 1, that does not grow with any of them.
    """

    queries: Float32Array
    gallery: Float32Array
    positives: Positives
    figures: dict[str, FigureOfRanks]

    def between(self, slack: float) -> dict[str, tuple[float, float]]:
        """The least and the most that each figure can be.

        Args:
            slack: scores that differ by no more than this count as ties, at least 0.
        """
        worst, best = extreme_ranks(self.queries, self.gallery, self.positives, slack)
        return {name: (figure(worst), figure(best)) for name, figure in self.figures.items()}


def extreme_ranks(
    queries: Float32Array, gallery: Float32Array, positives: Positives, slack: float
) -> tuple[Int64Array, Int64Array]:
    """The rank of each query's best right answer if ties go before it, and if it goes first.

    Scores are float64 cosines rounded to float32. Right answers never count against each other.

    Args:
        queries: (Q, dim) unit rows.
        gallery: (G, dim) unit rows; all scores of 256 queries are held at once.
        positives: of Q queries.
        slack: scores that differ by no more count as ties.

    Returns:
        Both (Q,), from 1; the first is nowhere less than the second.
    """
    worst, best = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    wide = gallery.astype(np.float64).T
    for start in range(0, len(queries), _QUERIES):
        block = np.arange(start, min(start + _QUERIES, len(queries)))
        scores = (queries[block].astype(np.float64) @ wide).astype(np.float32).astype(np.float64)
        is_right = np.zeros(scores.shape, np.bool_)
        first, last = positives.offsets[block[0]], positives.offsets[block[-1] + 1]
        is_right[positives.queries[first:last] - start, positives.items[first:last]] = True
        top = np.where(is_right, scores, -np.inf).max(axis=1, keepdims=True)
        worst[block] = 1 + (~is_right & (scores >= top - slack)).sum(axis=1)
        best[block] = 1 + (~is_right & (scores > top + slack)).sum(axis=1)
    return worst, best
