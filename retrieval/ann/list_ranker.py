"""The best of many rows for one query, where about the best will do: ranks inverted lists.

A search waits for the rows to come from memory, so they are kept short. In float16 some hundreds of
centroids are ranked in 75 us instead of 106 in float32, between scans of codes. Thousands would be
more bytes than those codes. Rounded to 4 bits a dimension they are an eighth of float32, and FAISS
scans them in registers: 0.16 ms instead of 0.45 for 4,000 rows of 512 dimensions. 95 % of the best
64 are among the 64 found then, and all of the best 32 (docs/design/index.md); a quarter more are
found, and ranked exactly.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from retrieval.ann.exact import NO_ID
from retrieval.ann.faiss_io import load_faiss
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

_FEW_NUMBERS = 1 << 20
"""Matrices up to this size (2 MiB in float16) are not rounded further."""

_LEVELS = 16
_REACH = 3.0
"""Levels are spread over so many standard deviations to both sides of the mean of a dimension."""

_BIAS_COLUMNS = 16
"""A bias is one more dimension of the rows, cut into parts, so that none is longer than others:
FastScan rounds products to the range of the longest."""

_FAST_MULTIPLE = 16
"""FAISS takes so many numbers of float16 at a time; rows of another length a tenth as fast."""

_ROUNDED_COLUMNS = 64
"""Rounded at a time, an even number: all at once would take five copies of the matrix."""

_SHORT_LIST = 1.25
"""Rows found by rounded numbers for each that is asked for."""

_THE_LIST = np.zeros(1, np.int64)
_ITS_SCORE = np.zeros(1, np.float32)


@dataclass(frozen=True, slots=True)
class RankedRows:
    """Rows, best first, and their exact scores, (count,) each."""

    rows: Int64Array
    scores: Float32Array


def ranker_bytes(n: int, dim: int) -> int:
    """What a ranker holds of so many rows, a bias included, besides those it was given."""
    if n * dim > _FEW_NUMBERS:
        return n * (dim + 2 * _BIAS_COLUMNS) // 2
    return n * (2 * (dim + 2 + _FAST_MULTIPLE) + 8)


class ListRanker:
    """Ranks the rows of one matrix by their product with a query."""

    def __init__(
        self, weight: Float32Array | Float16Array, bias: Float32Array | None = None
    ) -> None:
        """Take the rows, and keep them in float16; large matrices are rounded further.

        Args:
            weight: (n, dim) of magnitudes up to 65,504; large ones stay in the type that they come
                in.
            bias: (n,) float32, as large at most, added to the products; None is zero.
        """
        self._n = len(weight)
        self._rows: _HalvedRows | _RoundedRows = (
            _RoundedRows(weight, bias) if weight.size > _FEW_NUMBERS else _HalvedRows(weight, bias)
        )

    def best(self, query: Float32Array, count: int) -> RankedRows:
        """About the best rows for a query (dim,), min(count, n) of them.

        Args:
            query: float32.
            count: at least 1.
        """
        return self._rows.best(query, min(count, self._n))


class _HalvedRows:
    """Rows in float16, and a bias as two more dimensions: its value, and what that leaves of it.

    In FAISS they are the one list of an index with inverted lists: a search in those by a single
    query starts no threads. Those that a flat index of float16 starts wait for each other, 10 ms on
    a machine that is busy.
    """

    def __init__(self, weight: Float32Array | Float16Array, bias: Float32Array | None) -> None:
        n, dim = weight.shape
        width = -(-(dim + 2) // _FAST_MULTIPLE) * _FAST_MULTIPLE
        rows = np.zeros((n, width), np.float32)
        rows[:, :dim] = _single(weight)
        if bias is not None:
            rows[:, dim] = bias.astype(np.float16)
            rows[:, dim + 1] = bias - rows[:, dim]
        faiss = load_faiss()
        everything = faiss.IndexFlatIP(width)
        everything.add(np.zeros((1, width), np.float32))
        kind, product = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        self._index: Any = faiss.IndexIVFScalarQuantizer(everything, width, 1, kind, product, False)
        self._index.referenced_objects = [everything]  # lives as long as the index
        self._index.is_trained = True
        self._index.add(rows)
        self._parameters = faiss.SearchParametersIVF(nprobe=1)
        self._asked = np.zeros(width, np.float32)
        self._asked[dim : dim + 2] = 1
        self._dim = dim

    def best(self, query: Float32Array, count: int) -> RankedRows:
        """As `ListRanker.best`, count <= n."""
        asked = self._asked.copy()
        asked[: self._dim] = query
        scores = np.empty(count, np.float32)
        rows = np.empty(count, np.int64)
        pointer = load_faiss().swig_ptr
        self._index.search_preassigned_c(
            1, pointer(asked), count, pointer(_THE_LIST), pointer(_ITS_SCORE),
            pointer(scores), pointer(rows), False, self._parameters, None,
        )  # fmt: skip
        return RankedRows(rows, scores)


class _RoundedRows:
    """Rows of which FAISS scans 4 bits a number, and of which the best are ranked exactly."""

    def __init__(self, weight: Float32Array | Float16Array, bias: Float32Array | None) -> None:
        self._weight = weight
        self._bias = bias

    @cached_property
    def _index(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """Made by the first query: opening an index does not wait for it."""
        return _rounded(self._weight, self._bias)

    def best(self, query: Float32Array, count: int) -> RankedRows:
        """As `ListRanker.best`, count <= n."""
        n_found = math.ceil(_SHORT_LIST * count)
        found = self._search(query, n_found) if n_found < len(self._weight) else None
        # FAISS finds fewer where all rows are equal.
        if found is None or len(found) < count:
            return _best(self._scores(query), count)
        best = _best(self._scores(query, found), count)
        return RankedRows(found[best.rows], best.scores)

    def _scores(self, query: Float32Array, rows: Int64Array | None = None) -> Float32Array:
        """Of some rows, or of all; exact."""
        # Row by row (vecdot): BLAS would hand a matrix of this size to all processors, and a search
        # of half a millisecond then waits for the slowest on a machine that is busy.
        here = slice(None) if rows is None else rows
        scores: Float32Array = np.vecdot(_single(self._weight[here]), query)
        return scores if self._bias is None else scores + self._bias[here]

    def _search(self, query: Float32Array, count: int) -> Int64Array:
        """The best rows by rounded numbers, (at most count,)."""
        faiss = load_faiss()
        asked = np.zeros(self._index.d, np.float32)
        asked[: len(query)] = query
        if self._bias is not None:
            asked[len(query) : len(query) + _BIAS_COLUMNS] = 1
        scores = np.empty(count, np.float32)
        rows = np.empty(count, np.int64)
        pointer = faiss.swig_ptr
        self._index.search_c(1, pointer(asked), count, pointer(scores), pointer(rows))
        found: Int64Array = rows[rows != NO_ID]
        return found


def _single(rows: Float32Array | Float16Array) -> Float32Array:
    if rows.dtype == np.float16:
        return as_single(cast("Float16Array", rows))
    return rows.astype(np.float32, copy=False)


def _rounded(weight: Float32Array | Float16Array, bias: Float32Array | None) -> Any:  # noqa: ANN401
    """FAISS's index over rows of which each number is one of 16 levels of its dimension."""
    faiss = load_faiss()
    n, width = len(weight), weight.shape[1] + (0 if bias is None else _BIAS_COLUMNS)
    width += width % 2  # two codes are one byte
    levels = np.empty((width, _LEVELS), np.float32)
    codes = np.empty((n, width // 2), np.uint8)
    for at in range(0, width, _ROUNDED_COLUMNS):
        end = min(width, at + _ROUNDED_COLUMNS)
        levels[at:end], numbers = _levelled(_columns(weight, bias, at, end))
        codes[:, at // 2 : end // 2] = numbers[:, ::2] | numbers[:, 1::2] << 4
    plain = faiss.IndexPQ(width, width, 4, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(levels.ravel(), plain.pq.centroids)
    faiss.copy_array_to_vector(codes.ravel(), plain.codes)
    plain.is_trained = True
    plain.ntotal = n
    return faiss.IndexPQFastScan(plain)


def _columns(
    weight: Float32Array | Float16Array, bias: Float32Array | None, start: int, end: int
) -> Float32Array:
    """Columns of the matrix with its bias behind it, (n, end - start); zeros behind the last."""
    columns = np.zeros((len(weight), end - start), np.float32)
    dim = weight.shape[1]
    own = _single(weight[:, start:end])
    columns[:, : own.shape[1]] = own
    if bias is not None:
        first, last = max(start, dim), min(end, dim + _BIAS_COLUMNS)
        if first < last:
            columns[:, first - start : last - start] = (bias / _BIAS_COLUMNS)[:, None]
    return columns


def _levelled(rows: Float32Array) -> tuple[Float32Array, npt.NDArray[np.uint8]]:
    """The levels of each column, (columns, 16), and which of them each number is nearest to."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    low = np.maximum(rows.min(axis=0), mean - _REACH * deviation)
    step = np.minimum(rows.max(axis=0), mean + _REACH * deviation) - low
    step = np.maximum(step / (_LEVELS - 1), np.finfo(np.float32).tiny)
    numbers = np.clip(np.rint((rows - low) / step), 0, _LEVELS - 1).astype(np.uint8)
    levels = low[:, None] + step[:, None] * np.arange(_LEVELS, dtype=np.float32)
    return levels.astype(np.float32), numbers


def _best(scores: Float32Array, count: int) -> RankedRows:
    """The best of all scores, best first."""
    chosen = np.argpartition(scores, -count)[-count:]
    rows = chosen[np.argsort(-scores[chosen], kind="stable")]
    return RankedRows(rows, scores[rows])
