"""How many items of a gallery score more than one item, and how many score the same.

Scores are cosines of float32 rows, summed in float64 and rounded to float32. A matrix product gives
most of them a little wrong, and a little otherwise for blocks of another size. So it only says what
is clear; what lies within its error of the item's score is worked out. Counts are therefore the
same for every size of block.
"""

import math
from dataclasses import dataclass

import numpy as np

from retrieval.model import Float32Array, Int64Array

WORK_BYTES = 64 << 20
"""What blocks may take, unless said otherwise."""

_ROUNDING = 2.0**-24
"""Unit roundoff of float32."""

_TILE = 256
"""Rows and items that are worked out at once in float64: what a processor's cache holds."""

_DENSE = 8
"""Where more than one pair in eight is near, working out all of a block is faster."""

_PAIR_BYTES = 16
"""Of a block a score, its copy, two marks, and what is kept of near ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """Items whose place in the ranking of a query is sought.

    Attributes:
        owners: (T,) the query of each, ascending.
        items: (T,) their numbers.
        scores: (T,) exact.
    """

    owners: Int64Array
    items: Int64Array
    scores: Float32Array

    def part(self, start: int, stop: int) -> "Sought":
        """Some of them."""
        return Sought(self.owners[start:stop], self.items[start:stop], self.scores[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Of each item that is sought.

    Attributes:
        above: (T,) how many items score more.
        before: (T,) how many score the same and have a smaller number.
        level: (T,) how many others score the same.
    """

    above: Int64Array
    before: Int64Array
    level: Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some queries beside some items.

    Attributes:
        rows: (b, dim) queries.
        first: number of the first query.
        chunk: (c, dim) items.
        start: number of the first item.
        scores: (b, c) of the matrix product; -inf where an item is left out.
        error: the most that these are wrong.
    """

    rows: Float32Array
    first: int
    chunk: Float32Array
    start: int
    scores: Float32Array
    error: float


def exact_scores(queries: Float32Array, items: Float32Array) -> Float32Array:
    """The cosines of pairs of unit rows, (n, dim) and (n, dim) -> (n,), as ranks are made of."""
    sums = np.einsum("nd,nd->n", queries.astype(np.float64), items.astype(np.float64))
    scores: Float32Array = sums.astype(np.float32)
    return scores


def scores_of_pairs(
    queries: Float32Array, gallery: Float32Array, owners: Int64Array, items: Int64Array
) -> Float32Array:
    """The exact scores of queries and items by number, (n,) and (n,) -> (n,).

    Raises:
        ValueError: one is not finite.
    """
    scores = np.empty(len(owners), np.float32)
    for at in range(0, len(owners), _TILE):
        some = slice(at, at + _TILE)
        scores[some] = exact_scores(queries[owners[some]], gallery[items[some]])
    if not np.isfinite(scores).all():
        raise ValueError("a row is not finite")
    return scores


def count(
    queries: Float32Array,
    gallery: Float32Array,
    sought: Sought,
    excluded: Int64Array | None = None,
    *,
    work_bytes: int = WORK_BYTES,
) -> Counts:
    """Go through the whole gallery for each query that has an item sought.

    Args:
        queries: (Q, dim) rows of length 1 or about that.
        gallery: (G, dim) likewise; may be a map of a file, which is read once for each block of
            queries.
        sought: of these queries.
        excluded: (Q, x) items that are left out of each ranking; -1 leaves out none.
        work_bytes: what blocks may take; smaller ones read the gallery more often.

    Raises:
        ValueError: a row is not finite.
    """
    zeros = np.zeros(len(sought.items), np.int64)
    counts = Counts(zeros, zeros.copy(), zeros.copy())
    b, c = shape_of_blocks(len(queries), len(gallery), gallery.shape[1], work_bytes)
    for first in range(0, len(queries), b):
        lo, hi = np.searchsorted(sought.owners, [first, first + b]).tolist()
        if lo == hi:
            continue
        rows = np.ascontiguousarray(queries[first : first + b], np.float32)
        out = None if excluded is None else excluded[first : first + b]
        for start in range(0, len(gallery), c):
            chunk = np.ascontiguousarray(gallery[start : start + c], np.float32)
            block = _product(rows, first, chunk, start, out)
            for at in range(lo, hi, b):
                _tally(block, sought, counts, at, min(at + b, hi))
    return counts


def shape_of_blocks(n_queries: int, n_items: int, dim: int, work_bytes: int) -> tuple[int, int]:
    """Queries and items of a block: a square where there are enough of both."""
    row_bytes = 8 * dim
    quarter = work_bytes // 4
    b = min(n_queries, max(1, (math.isqrt(dim * dim + quarter) - dim) // 2))
    room = work_bytes - b * row_bytes
    return max(1, b), max(1, min(n_items, room // (b * _PAIR_BYTES + row_bytes) if b else 1))


def _product(
    rows: Float32Array, first: int, chunk: Float32Array, start: int, out: Int64Array | None
) -> _Block:
    error = _error(rows, chunk)
    scores = rows @ chunk.T
    if out is not None:
        here, which = np.nonzero((out >= start) & (out < start + len(chunk)))
        scores[here, out[here, which] - start] = -np.inf
    return _Block(rows, first, chunk, start, scores, error)


def _error(rows: Float32Array, chunk: Float32Array) -> float:
    """The most that a product in float32 is wrong, whatever the order of its sums.

    Source: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. 2002, section 3.1:
    n u / (1 - n u) times the lengths; here with some more for the bounds' own rounding.
    """
    squares = [float(np.einsum("nd,nd->n", each, each).max()) for each in (rows, chunk)]
    longest = math.sqrt(squares[0] * squares[1])
    if not np.isfinite(longest):
        raise ValueError("a row is not finite")
    terms = float(rows.shape[1] + 8) * _ROUNDING
    return terms / (1 - terms) * max(longest, 1.0)


def _tally(block: _Block, sought: Sought, counts: Counts, lo: int, hi: int) -> None:
    """Count in one block for some of the items that are sought."""
    own = sought.part(lo, hi)
    rows = own.owners - block.first
    is_whole = len(rows) == len(block.rows) and bool((np.diff(rows) == 1).all())
    scores = block.scores if is_whole else block.scores[rows]
    above = scores > (own.scores + np.float32(block.error))[:, None]
    near = scores >= (own.scores - np.float32(block.error))[:, None]
    near ^= above
    if np.count_nonzero(near) * _DENSE > near.size:
        _work_out_all(block, sought, counts, lo, hi)
        return
    counts.above[lo:hi] += above.sum(axis=1)
    places = np.flatnonzero(near)
    which, columns = places // near.shape[1], places % near.shape[1]
    exact = scores_of_pairs(block.rows, block.chunk, rows[which], columns)
    limits, numbers = own.scores[which], columns + block.start
    ties = (exact == limits) & (numbers != own.items[which])
    for kept, marks in (
        (counts.above, exact > limits),
        (counts.before, ties & (numbers < own.items[which])),
        (counts.level, ties),
    ):
        kept[lo:hi] += np.bincount(which[marks], minlength=hi - lo)


def _work_out_all(block: _Block, sought: Sought, counts: Counts, lo: int, hi: int) -> None:
    """The same, where most of a block is near."""
    for at in range(lo, hi, _TILE):
        stop = min(at + _TILE, hi)
        own = sought.part(at, stop)
        rows = block.rows[own.owners - block.first].astype(np.float64)
        for start in range(0, len(block.chunk), _TILE):
            some = slice(start, start + _TILE)
            exact = np.einsum("qd,nd->qn", rows, block.chunk[some].astype(np.float64))
            exact = exact.astype(np.float32)
            exact[np.isneginf(block.scores[own.owners - block.first, some])] = -np.inf
            numbers = block.start + start + np.arange(exact.shape[1])
            limits, items = own.scores[:, None], own.items[:, None]
            ties = (exact == limits) & (numbers != items)
            counts.above[at:stop] += (exact > limits).sum(axis=1)
            counts.before[at:stop] += (ties & (numbers < items)).sum(axis=1)
            counts.level[at:stop] += ties.sum(axis=1)
