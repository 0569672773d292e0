"""The rows of a gallery that lies in many segments, fetched as if they were one array."""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.ann.exact import VectorRows
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

_HALF_BYTES = 2
_SIGN_BIT = 63


class MappedRows(VectorRows, Protocol):
    """Rows of a segment that can be read where they lie, once they were checked."""

    @property
    def rows(self) -> Float16Array:
        """All of them, (n, dim), C order; at one place in memory as long as this object lives."""
        ...

    def check_size(self) -> None:
        """Raise CorruptCollectionError where reading `rows` is not safe; asked before each read."""
        ...

    def check_rows(self, rows: Int64Array) -> None:
        """Raise CorruptCollectionError where one of these rows is not what was written."""
        ...


class Segment(Protocol):
    """What is needed of one segment: its ids, (n,), and the vectors of the same n rows."""

    @property
    def ids(self) -> Int64Array:
        """(n,), n >= 1."""
        ...

    @property
    def vectors(self) -> MappedRows:
        """(n, dim)."""
        ...


class SpreadRows:
    """The rows of several segments; safe to share between threads.

    A row is known by its number, counted through the segments as they stand, or by its position,
    which is where its id stands among all ids, ascending. Both are the same where the segments
    follow each other by id.

    Attributes:
        ids: (n,) of all rows, ascending.
        dim: length of a row; 0 where there is no segment.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Take segments with disjoint ids; no row is read.

        Raises:
            ValueError: vectors are not (n, dim) of one dim in C order, n being the ids' number.
        """
        self._vectors = tuple(each.vectors for each in segments)
        self._starts = np.cumsum([0, *(len(each.ids) for each in segments)])
        ids = _joined([each.ids for each in segments])
        is_ascending = bool((ids[1:] > ids[:-1]).all())
        self._row_of: Int64Array | None = None if is_ascending else np.argsort(ids, kind="stable")
        self.ids: Int64Array = ids if self._row_of is None else ids[self._row_of]
        self._is_checked = np.zeros(len(ids), np.bool_)
        self.dim = self._vectors[0].dim if self._vectors else 0
        for each in segments:
            shape, steps = (len(each.ids), self.dim), (_HALF_BYTES * self.dim, _HALF_BYTES)
            if each.vectors.rows.shape != shape or each.vectors.rows.strides != steps:
                raise ValueError(f"vectors are {each.vectors.rows.shape}, not {shape} in C order")
        if self._vectors:
            self._window, self._units, self._first_units = _window(
                [each.rows for each in self._vectors], self._starts[:-1]
            )

    def positions_in(self, number: int) -> Int64Array | slice:
        """The positions of the rows of a segment, in its order; a slice where they follow."""
        start, end = int(self._starts[number]), int(self._starts[number + 1])
        if self._row_of is None:
            return slice(start, end)
        if not hasattr(self, "_position_of"):
            position_of = np.empty_like(self._row_of)
            position_of[self._row_of] = np.arange(len(self._row_of))
            self._position_of = position_of  # whole: other threads take it from here on
        return self._position_of[start:end]

    def segments_of(self, positions: Int64Array) -> Int64Array:
        """The number of the segment that each row lies in."""
        return self._segments_of(self._rows_at(positions))

    def vectors_of(self, positions: Int64Array) -> Float32Array:
        """The rows at some positions, in the given order, (len(positions), dim).

        Raises:
            CorruptCollectionError: a file is not what was written, or was cut short.
            IndexError: a position is out of range.
        """
        return as_single(self.halves_of(positions))

    def halves_of(self, positions: Int64Array) -> Float16Array:
        """The same as they are kept, in float16."""
        rows = self._rows_at(positions)
        if not rows.size:
            return np.empty((0, self.dim), np.float16)
        # Of few rows each call of NumPy takes longer than what it does: so there are few of them.
        is_checked = self._is_checked[rows]  # IndexError behind the last one
        segments = self._segments_of(rows)
        for number in set(segments.tolist()):
            if number < 0:  # a row before the first one: what lies there in memory is none
                raise IndexError(f"no row {rows.min()}")
            self._vectors[number].check_size()
        if b"\0" in is_checked.tobytes():
            self._check(rows[~is_checked], segments[~is_checked])
        if len(self._vectors) > 1:
            rows = rows * self._units
            rows += self._first_units[segments]
        return self._window[rows].view(np.float16).reshape(len(rows), self.dim)

    def _rows_at(self, positions: Int64Array) -> Int64Array:
        return positions if self._row_of is None else self._row_of[positions]

    def _segments_of(self, rows: Int64Array) -> Int64Array:
        if len(self._vectors) == 1:
            return rows >> _SIGN_BIT  # 0, or -1 before the first one
        segments: Int64Array = self._starts.searchsorted(rows, side="right")
        segments -= 1
        return segments

    def _check(self, rows: Int64Array, segments: Int64Array) -> None:
        """Check rows at their first use, each segment's together."""
        for number in np.unique(segments).tolist():
            here = rows[segments == number]
            self._vectors[number].check_rows(here - self._starts[number])
            self._is_checked[here] = True


def _joined(ids: Sequence[Int64Array]) -> Int64Array:
    """One array of all; that of one segment is not copied."""
    return ids[0] if len(ids) == 1 else np.concatenate([np.empty(0, np.int64), *ids])


def _window(
    blocks: Sequence[Float16Array], starts: Int64Array
) -> tuple[npt.NDArray[np.void], int, Int64Array]:
    """One array over the memory from the lowest block to the highest, to index all of them at once.

    Asking each of 25 blocks for its few rows takes 0.3 ms, nearly all of it NumPy's overhead. The
    window has an element, as long as a row, at every multiple of a step that divides the distances
    of all rows. Between the blocks lies memory of others, or none: only elements that are rows may
    be touched.

    Args:
        blocks: (n, dim) each, of one dim, in C order.
        starts: the number of the first row of each, counted through all of them.

    Returns:
        The window; steps from a row to the next, `units`; and for each block `first`, so that its
        row of number r stands at r * units + first.
    """
    width = _HALF_BYTES * blocks[0].shape[1]
    addresses = [each.__array_interface__["data"][0] for each in blocks]
    low = min(addresses)
    step = math.gcd(width, *(address - low for address in addresses))
    units = width // step
    offsets = np.array([(address - low) // step for address in addresses], np.int64)
    n = max(int(at) + units * (len(each) - 1) + 1 for at, each in zip(offsets, blocks, strict=True))
    lowest = blocks[addresses.index(low)].view(np.dtype((np.void, width))).reshape(-1)
    window = np.lib.stride_tricks.as_strided(lowest, (n,), (step,), writeable=False)
    return window, units, offsets - starts * units
