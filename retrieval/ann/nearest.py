"""The best-scoring of a few thousand rows for each of many vectors: which list an item belongs to.

The answer is decided by `pair_scores`, so a vector gets the same one whatever it comes with; a
matrix product only says which rows could be the best. In bfloat16, on a processor that multiplies
it (AMX), that takes a third of the time of float32.
"""

import sys
from typing import TYPE_CHECKING

import numpy as np

from retrieval.ann.exact import pair_scores, screening_margin
from retrieval.encoders.precision import cpu_bf16_gain
from retrieval.model import Float32Array, Int64Array

if TYPE_CHECKING:
    import torch

_WORTH_ROUNDING, _WORTH_LOADING = 1 << 24, 1 << 26
"""Pairs of a vector and a row from which on products in bfloat16 pay for rounding the rows, and for
loading torch, too: 2,048 vectors and 3,906 rows of 512 dimensions take 70 ms, in float32 180."""

CHUNK = 2_048
"""Vectors at a time: 16 MiB of bfloat16 products with 4,096 rows."""

_BLOCK = 32
"""Products that are looked at together: only in a block whose best is near are there rivals."""

_MOST_RIVALS = 32
"""Rows near the best for each vector, in the mean over a chunk, that the screen is used for: of
thousands of equal rows every one is near, and float32 is quicker then."""

_UNIT_ROUNDOFF = 2.0**-8
"""Of bfloat16: rounding to the nearest changes no normal number by more than this share of it."""

_SLACK = 1e-6
"""For the bound's own arithmetic, done in float32, and for products that underflow."""


def nearest_rows(vectors: Float32Array, rows: Float32Array, chunk: int = CHUNK) -> Int64Array:
    """Number of the best-scoring row for each vector, the lowest among equals, (n,).

    Args:
        vectors: (n, dim) unit rows.
        rows: (c, dim) of norm at most 1, at least one, e.g. the centroids of the inverted lists.
        chunk: vectors at a time, and rows scored at a time; more than CHUNK are not taken. The
            answer is the same whatever it is.
    """
    chunk = min(chunk, CHUNK)
    screen = _HalfScreen(rows) if _is_worth_it(len(vectors) * len(rows)) else None
    nearest = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), chunk):
        here = slice(start, start + chunk)
        found = screen.nearest(vectors[here]) if screen else None
        nearest[here] = _by_single_products(vectors[here], rows) if found is None else found
    return nearest


def _is_worth_it(n_pairs: int) -> bool:
    least = _WORTH_ROUNDING if "torch" in sys.modules else _WORTH_LOADING
    return n_pairs >= least and cpu_bf16_gain() > 1


def _by_single_products(vectors: Float32Array, rows: Float32Array) -> Int64Array:
    products = vectors @ rows.T
    near = products >= (products.max(axis=1) - screening_margin(vectors))[:, None]
    nearest: Int64Array = near.argmax(axis=1).astype(np.int64)
    for number in np.flatnonzero(near.sum(axis=1) > 1):
        rivals = np.flatnonzero(near[number])
        nearest[number] = rivals[pair_scores(rows[rivals], vectors[number]).argmax()]
    return nearest


class _HalfScreen:
    """Products with the same rows in bfloat16."""

    def __init__(self, rows: Float32Array) -> None:
        import torch

        self._torch = torch
        self._rows = rows
        full = torch.from_numpy(rows)
        rounded = full.bfloat16()
        self._moved = float(_lengths(rounded.float() - full).max())
        self._longest = float(_lengths(full).max())
        n_more = -len(rows) % _BLOCK  # the last block is filled up with its last row
        self._targets = torch.cat([rounded, rounded[-1:].expand(n_more, -1)])

    def nearest(self, vectors: Float32Array) -> Int64Array | None:
        """As `nearest_rows`; None where too many rows are near."""
        full = self._torch.from_numpy(vectors)
        rounded = full.bfloat16()
        products = (rounded @ self._targets.T).view(len(vectors), -1, _BLOCK)
        in_blocks = products.amax(dim=2).float()
        floor = self._floor(in_blocks.amax(dim=1), full, rounded)
        numbers, blocks = (in_blocks >= floor[:, None]).nonzero(as_tuple=True)
        if len(numbers) > _MOST_RIVALS * len(vectors):
            return None
        near, places = (products[numbers, blocks].float() >= floor[numbers][:, None]).nonzero(
            as_tuple=True
        )
        if len(near) > _MOST_RIVALS * len(vectors):
            return None
        rivals = (blocks[near] * _BLOCK + places).clamp_max_(len(self._rows) - 1)
        return self._best(vectors, numbers[near].numpy(), rivals.numpy())

    def _floor(
        self, best: "torch.Tensor", full: "torch.Tensor", rounded: "torch.Tensor"
    ) -> "torch.Tensor":
        """Products below this are of no row that could be the best for its vector, (n,).

        With v' and r' for the rounded vector v and row r: |v'r' - vr| <= |v' - v| |r| + |v'| |r' -
        r|, and two float32 sums of dim terms add dim * 2**-24 |v| |r| each. A row whose product,
        rounded to bfloat16, is b had at least b - u|b| before, so the best score is at least that
        less the error; whoever has it has a product of no less than that less the error again. It
        was rounded like this floor, which keeps the order.

        Source: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., sections 2.2
        (rounding) and 3.1 (inner products).
        """
        sums = 2.2 * full.shape[1] * 2.0**-24
        error = (
            self._longest * (_lengths(rounded.float() - full) + sums * _lengths(full))
            + self._moved * _lengths(rounded.float())
            + _SLACK
        )
        floor = best - _UNIT_ROUNDOFF * best.abs() - 2 * error
        return floor.bfloat16().float()

    def _best(self, vectors: Float32Array, numbers: Int64Array, rivals: Int64Array) -> Int64Array:
        """The best of the rivals, which are ascending for each vector, (n,)."""
        scores = np.empty(len(rivals), np.float32)
        for start in range(0, len(rivals), len(vectors)):
            here = slice(start, start + len(vectors))
            scores[here] = pair_scores(self._rows[rivals[here]], vectors[numbers[here]])
        firsts = np.searchsorted(numbers, np.arange(len(vectors)))
        is_best = scores == np.maximum.reduceat(scores, firsts)[numbers]
        _, first_best = np.unique(numbers[is_best], return_index=True)
        nearest: Int64Array = rivals[is_best][first_best]
        return nearest


def _lengths(rows: "torch.Tensor") -> "torch.Tensor":
    import torch

    lengths: torch.Tensor = torch.linalg.vector_norm(rows, dim=1)
    return lengths
