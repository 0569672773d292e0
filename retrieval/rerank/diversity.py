"""Choose hits that are relevant and unlike each other."""

import numpy as np

from retrieval.errors import QueryError
from retrieval.model import Float32Array, Int64Array


def check_diversity(share: float) -> None:
    """Raise QueryError unless the share of diversity lies in [0, 1)."""
    if not 0 <= share < 1:
        raise QueryError(
            f"diversity lies between 0 and 1, got {share}", hint="0.3 is a good first try"
        )


def diverse_order(relevance: Float32Array, rows: Float32Array, share: float, k: int) -> Int64Array:
    """The k candidates that maximal marginal relevance chooses, in the order of the choice.

    One after another, the candidate of the greatest (1 - share) * r - share * s is taken, where r
    is its relevance and s its greatest likeness to one that was taken before (0 for the first).
    Ties go to the candidate that comes first. So a share of 0 leaves the order as it is. This is
    1 - share = lambda of the source.

    Both are put on one scale here, because the cosines of a text with images all lie within a tenth
    or two and those of images with each other do not: r is 1 for the best candidate and 0 for the
    last, s is 1 for equal vectors and 0 for what is no more alike than two candidates are on
    average.

    Source: J. Carbonell, J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering
    Documents and Producing Summaries", SIGIR 1998; the scale is ours.

    Args:
        relevance: (n,) descending, finite.
        rows: (n, dim) unit rows of the candidates.
        share: of diversity, in [0, 1).
        k: at least 1.

    Returns:
        min(k, n) different numbers of candidates.

    Raises:
        QueryError: the share is out of range.
    """
    check_diversity(share)
    n = len(relevance)
    if share == 0 or n < 2:
        return np.arange(min(k, n))
    worth = (1 - share) * _scaled(relevance)
    usual = float(np.linalg.norm(rows.astype(np.float64).mean(axis=0)) ** 2)
    most_alike = np.zeros(n)
    is_left = np.ones(n, np.bool_)
    chosen = np.empty(min(k, n), np.int64)
    for place in range(len(chosen)):
        marginal = np.where(is_left, worth - share * most_alike, -np.inf)
        taken = int(np.argmax(marginal))  # the first of equal ones
        chosen[place], is_left[taken] = taken, False
        alike = (rows @ rows[taken] - usual) / max(1 - usual, 1e-6)
        most_alike = np.maximum(most_alike, alike)
    return chosen


def _scaled(relevance: Float32Array) -> np.ndarray:
    wide = relevance.astype(np.float64)
    range_of = wide.max() - wide.min()
    return (wide - wide.min()) / range_of if range_of > 0 else np.zeros(len(wide))
