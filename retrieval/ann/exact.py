"""Exact search: the oracle that every index is measured against, and the one definition of a score.

A score is one dot product, computed by `pair_scores` for one query and one row at a time, so its
bits depend on nothing but the two vectors: not on the batch, the chunk, the segment or the index
that brought the row. A matrix product is faster and not so (BLAS sums in an order that depends on
the shapes), so here it only screens: rows within its error bound of the cut are scored again.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.model import Float16Array, Float32Array, Int64Array

BoolArray: TypeAlias = npt.NDArray[np.bool_]

Ranking: TypeAlias = tuple[Float32Array, Int64Array]
"""Scores and ids, each (Q, w): score descending, ties by id ascending. A query with fewer than w
answers ends in (-inf, NO_ID)."""

NO_ID = -1

CHUNK_ROWS = 8_192
"""Rows scored at a time: 12 MiB of float32 at 384 dimensions."""

QUERY_BLOCK = 256
"""Queries scored at a time: 8 MiB of scores against one chunk."""


class RowChunks(Protocol):
    """Unit rows that are read in order: what an exact search needs."""

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order, cast: (number of the first row, up to chunk_rows rows)."""
        ...


class VectorRows(RowChunks, Protocol):
    """Unit rows on disk in float16: what a search needs of a segment's vectors."""

    @property
    def n(self) -> int:
        """Number of rows."""
        ...

    @property
    def dim(self) -> int:
        """Length of a row."""
        ...

    def gather_half(self, rows: Int64Array) -> Float16Array:
        """The named rows in their order, (len(rows), dim)."""
        ...


def pair_scores(rows: Float32Array, query: Float32Array) -> Float32Array:
    """The scores of rows (..., dim) for a query that broadcasts against them, (...).

    One BLAS dot product a row: equal vectors give equal bits wherever the row lies.
    """
    scores: Float32Array = np.vecdot(rows, query)
    return scores


def screening_margin(queries: Float32Array) -> Float32Array:
    """How far below a cut the screening product may put a row that belongs above it, (Q,).

    Two float32 sums of the same dim products differ by at most 2 * dim * u * |q| * |x|, u = 2**-24
    and |x| = 1 up to the rounding to float16; the cut itself is off by as much again.

    Source: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1.
    """
    dim = queries.shape[1]
    margin: Float32Array = np.float32(4.2 * dim * 2.0**-24) * np.linalg.norm(queries, axis=1)
    return margin


def top_k(scores: Float32Array, ids: Int64Array, k: int) -> Ranking:
    """The k best of each row by the tie rule: score descending, then id ascending.

    Args:
        scores: (Q, c), no NaN.
        ids: (Q, c), or (c,) when all queries share their candidates.
        k: at least 1; a row of c < k gives c.

    Returns:
        Scores and ids, (Q, min(k, c)).
    """
    n_queries, n_candidates = scores.shape
    width = min(k, n_candidates)
    best_scores = np.empty((n_queries, width), np.float32)
    best_ids = np.empty((n_queries, width), np.int64)
    for number, row in enumerate(scores):
        row_ids = ids if ids.ndim == 1 else ids[number]
        if width < n_candidates:  # all that tie with the k-th stay in, so that the id decides
            kept = np.flatnonzero(row >= np.partition(row, -width)[-width])
            row, row_ids = row[kept], row_ids[kept]
        order = np.lexsort((row_ids, -row))[:width]
        best_scores[number] = row[order]
        best_ids[number] = row_ids[order]
    return best_scores, best_ids


def merge_rankings(rankings: Iterable[Ranking], k: int) -> Ranking:
    """One ranking of the k best from several over disjoint items, each of at most k."""
    scores, ids = zip(*rankings, strict=True)
    if len(scores) == 1:
        return scores[0], ids[0]
    return top_k(np.hstack(scores), np.hstack(ids), k)


def exact_search(
    vectors: RowChunks,
    ids: Int64Array,
    queries: Float32Array,
    k: int,
    *,
    allowed: BoolArray | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Ranking:
    """Rank every (allowed) row of one segment for every query.

    Args:
        vectors: (n, dim), read chunk by chunk.
        ids: (n,) of the rows.
        queries: (Q, dim) float32.
        k: at least 1.
        allowed: (n,) False for rows that must not show; None allows all.
        chunk_rows: rows at a time; the answer is the same whatever it is.

    Returns:
        Scores and ids, (Q, min(k, allowed rows)).
    """
    n_queries = len(queries)
    margin = screening_margin(queries)
    best = np.empty((n_queries, 0), np.float32), np.empty((n_queries, 0), np.int64)
    for start, rows in vectors.chunks(chunk_rows):
        chunk_ids = ids[start : start + len(rows)]
        if allowed is not None:
            kept = allowed[start : start + len(rows)]
            rows, chunk_ids = rows[kept], chunk_ids[kept]
        if len(rows):
            found = [
                _search_chunk(
                    rows, chunk_ids, queries[at], margin[at], (best[0][at], best[1][at]), k
                )
                for at in _blocks(n_queries)
            ]
            best = np.vstack([scores for scores, _ in found]), np.vstack([i for _, i in found])
    return best


def _blocks(n_queries: int) -> list[slice]:
    return [slice(at, at + QUERY_BLOCK) for at in range(0, max(1, n_queries), QUERY_BLOCK)]


def _search_chunk(
    rows: Float32Array,
    ids: Int64Array,
    queries: Float32Array,
    margin: Float32Array,
    best: Ranking,
    k: int,
) -> Ranking:
    """The ranking so far, `best`, improved by one chunk."""
    best_scores, best_ids = best
    width = min(k, best_scores.shape[1] + len(rows))
    scores = np.empty((len(queries), width), np.float32)
    found_ids = np.empty((len(queries), width), np.int64)
    is_full = best_scores.shape[1] == k
    for number, products in enumerate(queries @ rows.T):
        floor = best_scores[number, -1] if is_full else -np.inf
        near = np.flatnonzero(products >= floor - margin[number])
        if near.size > k:
            cut = np.partition(products[near], -k)[-k]
            near = near[products[near] >= cut - margin[number]]
        exact = pair_scores(rows[near], queries[number])
        row_scores, row_ids = top_k(
            np.concatenate([best_scores[number], exact])[None],
            np.concatenate([best_ids[number], ids[near]]),
            k,
        )
        scores[number], found_ids[number] = row_scores[0], row_ids[0]
    return scores, found_ids
