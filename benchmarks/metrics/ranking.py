"""Measures of a ranking whose right answers are known."""

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


def average_precision_at_k(
    relevant: BoolArray, n_relevant: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The average precision of the k best of each query, (Q,).

    The mean of the precision at each relevant place, over the relevant items that k places have
    room for: AP@k = 1 / min(k, R) * sum over places i of [i is relevant] * precision at i.

    Source: A. Baldrati, L. Agnolucci, M. Bertini, A. Del Bimbo, "Zero-Shot Composed Image Retrieval
    with Textual Inversion", ICCV 2023, section 4 (mAP@K of CIRCO).

    Args:
        relevant: (Q, k) whether the item at each place, best first, answers the query.
        n_relevant: (Q,) how many items of the gallery do; at least 1.

    Raises:
        ValueError: a query has no right answer.
    """
    if (n_relevant < 1).any():
        raise ValueError("a query without a right answer has no average precision")
    places = np.arange(1, relevant.shape[1] + 1)
    precision = relevant.cumsum(axis=1) / places
    room = np.minimum(n_relevant, relevant.shape[1])
    averages: npt.NDArray[np.float64] = (precision * relevant).sum(axis=1) / room
    return averages
