"""What the right answers are, by exact search, and how near a system's answers come."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.ann import recall_per_query
from benchmarks.protocols.ann_inputs import blocks
from benchmarks.systems.scans import HalfRows
from retrieval.ann.exact import exact_search, pair_scores
from retrieval.ann.gemm import gemm_search
from retrieval.errors import BenchmarkError
from retrieval.model import Float32Array, Int64Array

_SCORED_QUERIES = 256


class SingleRows(HalfRows):
    """Vectors in float32 or float64 as `exact_search` reads them."""

    def __init__(self, rows: npt.NDArray[np.floating[Any]]) -> None:
        self._single = rows
        self.n, self.dim = rows.shape

    def chunks(self, chunk_rows: int) -> Any:  # noqa: ANN401
        """All rows in order, as float32."""
        return blocks(self._single, chunk_rows)


@dataclass(frozen=True, slots=True)
class Truth:
    """Queries whose exact answers are known.

    Attributes:
        queries: (Q, dim) float32.
        cuts: (Q,) exact score of the k-th best row.
        own: (Q,) row that each query was made from and that does not count; None if none was.
        parts: (Q, 2, dim) text and image that each composed query is the sum of; None of others.
    """

    queries: Float32Array
    cuts: Float32Array
    own: Int64Array | None = None
    parts: Float32Array | None = None

    @property
    def extra(self) -> int:
        """How many more than k answers have to be asked for."""
        return 0 if self.own is None else 1


def find_truth(
    base: npt.NDArray[np.floating[Any]],
    queries: Float32Array,
    k: int,
    own: Int64Array | None = None,
) -> Truth:
    """Exact answers over all rows of the base.

    Args:
        base: (n, dim); float16 is searched by `gemm_search`, wider numbers by `exact_search`.
        queries: (Q, dim).
        k: at most n, or n - 1 with `own`.
        own: (Q,) row of the base that each query is.
    """
    depth = k if own is None else k + 1
    ids = np.arange(len(base))
    if base.dtype == np.float16:
        scores, _ = gemm_search(HalfRows(base), ids, queries, depth)
    else:
        scores, _ = exact_search(SingleRows(base), ids, queries, depth)
    # Its own row is the best of a query, or ties with it: without it the cut is one place lower.
    return Truth(queries, scores[:, depth - 1], own)


def recall_of(
    truth: Truth, base: npt.NDArray[np.floating[Any]], rows: Int64Array, k: int
) -> npt.NDArray[np.float64]:
    """Recall of each query by a system's row numbers, (Q, k + truth.extra), best first.

    Raises:
        BenchmarkError: the answers have another shape, or name rows that the base has not.
    """
    expected = (len(truth.queries), k + truth.extra)
    if rows.shape != expected:
        raise BenchmarkError(f"answers of shape {rows.shape}, not {expected}")
    if rows.size and rows.max() >= len(base):
        raise BenchmarkError(f"an answer names row {rows.max()} of {len(base)}")
    if truth.own is not None:
        rows = _without(rows, truth.own)
    scores = np.empty(rows.shape, np.float32)
    for start in range(0, len(rows), _SCORED_QUERIES):
        here = slice(start, start + _SCORED_QUERIES)
        found = np.asarray(base[np.maximum(rows[here], 0).ravel()], np.float32)
        found = found.reshape(*rows[here].shape, base.shape[1])
        scores[here] = pair_scores(found, truth.queries[here, None])
    return recall_per_query(rows, scores, truth.cuts, k)


def _without(rows: Int64Array, own: Int64Array) -> Int64Array:
    """Each line without its own row; without its last where the own one is not there."""
    is_own = rows == own[:, None]
    is_own[~is_own.any(axis=1), -1] = True
    order = np.argsort(is_own, axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1)[:, :-1]
