"""Recall of approximate search against exact search."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.model import Float32Array, Int64Array


@dataclass(frozen=True, slots=True)
class MeanRecall:
    """Mean over queries, and its standard error (sample standard deviation over sqrt(Q))."""

    mean: float
    standard_error: float

    @classmethod
    def of(cls, per_query: npt.NDArray[np.float64]) -> "MeanRecall":
        """From the recall of each query.

        Raises:
            ValueError: fewer than two queries.
        """
        if len(per_query) < 2:
            raise ValueError("a standard error needs at least two queries")
        error = float(per_query.std(ddof=1)) / len(per_query) ** 0.5
        return cls(float(per_query.mean()), error)


def recall_per_query(
    rows: Int64Array, scores: Float32Array, cuts: Float32Array, k: int
) -> npt.NDArray[np.float64]:
    """Share of the k best that each query was given, (Q,).

    An answer counts if its exact score is at least that of the k-th best item: of items that tie at
    the cut any will do. A row that is named twice counts once, a missing one not at all.

    Args:
        rows: (Q, at least k) row numbers, best first; negative where an answer is missing.
        scores: exact scores of these rows, computed by the harness; of missing ones anything.
        cuts: (Q,) exact score of the k-th best row.
        k: at least 1.

    Raises:
        ValueError: the shapes do not fit.
    """
    if k < 1 or rows.shape != scores.shape or rows.shape[1] < k or cuts.shape != (len(rows),):
        raise ValueError(f"k {k}, rows {rows.shape}, scores {scores.shape}, cuts {cuts.shape}")
    counts = (rows[:, :k] >= 0) & (scores[:, :k] >= cuts[:, None])
    order = np.argsort(rows[:, :k], axis=1, kind="stable")
    ordered = np.take_along_axis(rows[:, :k], order, axis=1)
    again = np.zeros(ordered.shape, np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    first = np.take_along_axis(counts, order, axis=1) & ~again
    recall: npt.NDArray[np.float64] = first.sum(axis=1) / k
    return recall
