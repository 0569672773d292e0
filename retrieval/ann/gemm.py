"""Fast exact search: a half-precision matrix product screens, float32 dot products decide.

The ranking is that of `exact_search`, bit for bit. The product of rounded numbers is off by no
more than a bound that is known beforehand, so every row that could belong to the k best is among
those whose product lies within that bound of the k-th best product; only these are scored. Where
too many rows lie so close (thousands of copies of one picture, say), the query is answered by
`exact_search` itself. Needs no FAISS and runs wherever torch does.
"""

from typing import TYPE_CHECKING

import numpy as np

from retrieval.ann.exact import (
    BoolArray,
    Ranking,
    VectorRows,
    exact_search,
    pair_scores,
    top_k,
)
from retrieval.ann.resident import GalleryRows
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

if TYPE_CHECKING:
    import torch

CHUNK_ROWS = 16_384
"""Rows multiplied at a time: 16 MiB of bfloat16 and 32 of float32 at 512 dimensions."""

CUDA_CHUNKS = 16
"""Chunks at a time on a CUDA device, which waits for the processor after each time: 256 MiB of
float32 products with one block of queries. Not measured: no device was at hand."""

QUERY_BLOCK = 256
"""Queries multiplied at a time: 8 MiB of bfloat16 products with one chunk."""

QUERY_GROUP = 4_096
"""Queries that share one pass over the rows."""

KEPT_PAIRS = 1 << 22
"""Pairs of a query and a row that may wait for their score at a time: 80 MiB."""

MOST_KEPT = 16_384
"""Rows that may wait for one query, more if it asked for more: 32 MiB when they are scored."""

_CAST_ROWS = 2_048
"""Rows cast at a time, so that the passes of a cast stay in the processor's cache."""

_LONGEST = 1.001
"""No unit row is longer after it was rounded to float16: 1 + 2**-11."""

_UNIT_ROUNDOFF = {"bfloat16": 2.0**-8, "float32": 2.0**-24}
"""u of each format: rounding to the nearest changes no normal number by more than u times it."""

_LOST_BITS = 2.0**-22
"""What rounding to bfloat16 changes a subnormal float16 by, at most: half of 2**3 * 2**-24."""

_SLACK = 1e-6
"""For the bound's own arithmetic, done in float32, and for products that underflow."""


def gemm_search(
    vectors: VectorRows,
    ids: Int64Array,
    queries: Float32Array,
    k: int,
    *,
    allowed: BoolArray | None = None,
    device: str = "cpu",
) -> Ranking:
    """Rank every (allowed) row of one segment for every query, as `exact_search` does.

    Args:
        vectors: (n, dim), read chunk by chunk; with `allowed`, only the rows that it allows. What
            `GalleryRows` keeps on the device is read there.
        ids: (n,) of the rows.
        queries: (Q, dim) float32.
        k: at least 1.
        allowed: (n,) False for rows that must not show; None allows all.
        device: of torch, for the products: bfloat16 on a CPU, float16 on a CUDA device.

    Returns:
        Scores and ids, (Q, min(k, allowed rows)); score descending, ties by id ascending.

    Raises:
        RuntimeError: torch has no such device here.
    """
    rows = np.arange(vectors.n) if allowed is None else np.flatnonzero(allowed)
    width = min(k, len(rows))
    scores = np.empty((len(queries), width), np.float32)
    found_ids = np.empty((len(queries), width), np.int64)
    if not width:
        return scores, found_ids
    for start in range(0, len(queries), QUERY_GROUP):
        group = slice(start, start + QUERY_GROUP)
        screen = _Screen(queries[group], width, device)
        for at in range(0, len(rows), screen.chunk_rows):
            screen.take(_read(vectors, rows[at : at + screen.chunk_rows]), at)
        for number, near in enumerate(screen.near_rows(), start):
            if near is not None:
                own = rows[near]
                exact = pair_scores(as_single(vectors.gather_half(own)), queries[number])
                best = top_k(exact[None], ids[own], width)
                scores[number], found_ids[number] = best[0][0], best[1][0]
        crowded = start + np.flatnonzero(screen.is_crowded)
        if crowded.size:
            ranking = exact_search(vectors, ids, queries[crowded], k, allowed=allowed)
            scores[crowded], found_ids[crowded] = ranking
    return scores, found_ids


def _read(vectors: VectorRows, rows: Int64Array) -> "Float16Array | torch.Tensor":
    kept = vectors.on_device(rows) if isinstance(vectors, GalleryRows) else None
    return vectors.gather_half(rows) if kept is None else kept


class _Screen:
    """One pass over the rows for a group of queries: keeps the rows that may be among the best.

    Attributes:
        chunk_rows: to be taken at a time.
        is_crowded: (Q,) True for queries with too many such rows; theirs are not kept.
    """

    def __init__(self, queries: Float32Array, width: int, device: str) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self._dtype = torch.float16 if self._device.type == "cuda" else torch.bfloat16
        self.chunk_rows = CHUNK_ROWS * (CUDA_CHUNKS if self._device.type == "cuda" else 1)
        full = torch.from_numpy(np.array(queries)).to(self._device)  # a copy: torch may not write
        self._queries = full.to(self._dtype)
        self._error = self._score_error(full)
        self._best = torch.full((len(full), width), -torch.inf, device=self._device)
        self._limit = max(4 * width, min(MOST_KEPT, KEPT_PAIRS // max(1, len(full))))
        self._kept: list[tuple[Int64Array, Int64Array, Float32Array]] = []
        self._n_kept = np.zeros(len(full), np.int64)
        self.is_crowded: BoolArray = np.zeros(len(full), np.bool_)

    def take(self, rows: "Float16Array | torch.Tensor", first: int) -> None:
        """Multiply all queries with the next rows, whose numbers begin at `first`."""
        screened = self._on_device(rows)
        for at in range(0, len(self._queries), QUERY_BLOCK):
            block = slice(at, at + QUERY_BLOCK)
            products = self._products(self._queries[block], screened)
            best = products.topk(min(self._best.shape[1], len(rows)), sorted=False).values.float()
            pool = self._torch.hstack([self._best[block], best])
            self._best[block] = pool.topk(self._best.shape[1]).values
            self._keep(products, self._floor(block).to(products.dtype), at, first)
        self._prune()

    def near_rows(self) -> "list[Int64Array | None]":
        """Numbers of the rows to score for each query, ascending; None for a crowded one."""
        numbers, rows, _ = self._joined()
        order = np.lexsort((rows, numbers))  # rows ascending: neighbours share pages
        ends = np.cumsum(np.bincount(numbers, minlength=len(self._n_kept)))
        return [
            None if is_crowded else near
            for is_crowded, near in zip(
                self.is_crowded, np.split(rows[order], ends[:-1]), strict=True
            )
        ]

    def _keep(self, products: "torch.Tensor", floor: "torch.Tensor", at: int, first: int) -> None:
        pairs = (products >= floor[:, None]).nonzero(as_tuple=True)
        values = products[pairs].float().cpu().numpy()
        numbers, rows = (each.cpu().numpy() for each in pairs)
        numbers += at
        waiting = self._n_kept + np.bincount(numbers, minlength=len(self._n_kept))
        self.is_crowded |= waiting > self._limit
        if (crowded := self.is_crowded[numbers]).any():
            numbers, rows, values = numbers[~crowded], rows[~crowded], values[~crowded]
        self._kept.append((numbers, rows + first, values))

    def _prune(self) -> None:
        """Let go of rows that were near the best so far and are no longer."""
        numbers, rows, values = self._joined()
        floor = self._floor(slice(None)).cpu().numpy()
        # The values were rounded to the format of the products, the floor was not: no row that
        # passed by its rounding may fall here.
        stays = (values >= floor[numbers] - self._output_roundoff()) & ~self.is_crowded[numbers]
        self._kept = [(numbers[stays], rows[stays], values[stays])]
        self._n_kept = np.bincount(numbers[stays], minlength=len(self._n_kept))

    def _joined(self) -> tuple[Int64Array, Int64Array, Float32Array]:
        numbers, rows, values = zip(*self._kept, strict=True)
        return np.concatenate(numbers), np.concatenate(rows), np.concatenate(values)

    def _score_error(self, queries: "torch.Tensor") -> "torch.Tensor":
        """Bound on |product before it is rounded for output - score| of any unit row, (Q,).

        With q' and x' for the rounded query q and row x, and u for the roundoff of their format:
        |q'x' - qx| <= |q' - q| |x| + |q'| |x' - x|, where |q' - q| is measured and |x' - x| <=
        u |x| + sqrt(dim) 2**-22 (0 for float16, in which the rows are kept). Products of two such
        numbers are exact in float32; the two float32 sums of dim terms, this one and that of the
        score, add at most dim * 2**-24 |q| |x| each.

        Source: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., sections 2.2
        (rounding) and 3.1 (inner products).
        """
        rounded = self._queries.float()
        dim = queries.shape[1]
        of_rows = 0.0
        if self._dtype == self._torch.bfloat16:
            of_rows = _UNIT_ROUNDOFF["bfloat16"] * _LONGEST + dim**0.5 * _LOST_BITS
        lengths = self._torch.linalg.vector_norm(queries, dim=1)
        moved = self._torch.linalg.vector_norm(rounded - queries, dim=1)
        sums = 2.2 * dim * _UNIT_ROUNDOFF["float32"]
        bound: torch.Tensor = (
            _LONGEST * (moved + sums * lengths)
            + of_rows * self._torch.linalg.vector_norm(rounded, dim=1)
            + _SLACK
        )
        return bound

    def _floor(self, block: slice) -> "torch.Tensor":
        """Products below this belong to none of the k best, (queries of the block,).

        k rows have a rounded product of at least c, the k-th best so far: theirs were at least
        c - u|c| before, their scores at least c - u|c| - error. A row with such a score had a
        product of at least c - u|c| - 2 error, and its rounded product is at least that, rounded,
        because rounding keeps the order.
        """
        cut = self._best[block, -1]
        return (
            cut - self._output_roundoff() * cut.abs().nan_to_num(posinf=0) - 2 * self._error[block]
        )

    def _output_roundoff(self) -> float:
        # On CUDA the products come out as float32: sums that were split are joined in it, too.
        return _UNIT_ROUNDOFF["float32" if self._device.type == "cuda" else "bfloat16"]

    def _on_device(self, rows: "Float16Array | torch.Tensor") -> "torch.Tensor":
        if isinstance(rows, self._torch.Tensor):
            if rows.dtype == self._dtype:
                return rows
            rows = rows.numpy()
        if self._dtype == self._torch.float16:
            return self._torch.from_numpy(np.ascontiguousarray(rows)).to(self._device)
        screened = self._torch.empty(rows.shape, dtype=self._torch.bfloat16)
        for at in range(0, len(rows), _CAST_ROWS):
            bits = self._torch.from_numpy(rows[at : at + _CAST_ROWS].view(np.int16))
            self._cast(bits, screened[at : at + _CAST_ROWS])
        return screened.to(self._device)

    def _cast(self, bits: "torch.Tensor", out: "torch.Tensor") -> None:
        """Round finite float16, given as its bits, to the nearest bfloat16.

        As in `as_single`, the bits shifted to where bfloat16 keeps them are the number times
        2**-112. Three bits of the mantissa fall out, and half of their weight added beforehand
        rounds: a carry runs on into the exponent, where it belongs.
        """
        shifted = (bits & 0x7FFF).add_(4).bitwise_right_shift_(3).bitwise_or_(bits & -0x8000)
        self._torch.mul(shifted.view(self._torch.bfloat16), 2.0**112, out=out)

    def _products(self, queries: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        if self._device.type == "cuda":
            return self._torch.mm(queries, rows.T, out_dtype=self._torch.float32)
        return queries @ rows.T
