"""The vectors of one segment: memory-mapped float16, no byte used before its block was checked.

`vectors.npy` is far too large to hash at every open, and a flipped bit in it would silently change
a ranking. So `vectors.sums` holds the sha256 of every 64 KiB block of the file (header included);
it is itself hashed at opening, and each block is checked when a read first touches it.
"""

import io
import mmap
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from retrieval.errors import CorruptCollectionError
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

BLOCK_BYTES = 1 << 16
_SUM_BYTES = 32
MAX_DIM = BLOCK_BYTES // 2
"""A row fits into one block, so it touches at most two."""


def array_bytes(array: npt.NDArray[Any]) -> bytes:
    """`array` as the bytes of a .npy file, format 1.0, never pickled."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def array_from_bytes(data: bytes, path: Path) -> Int64Array:
    """The (n,) int64 array in the checked bytes of a .npy file.

    Raises:
        CorruptCollectionError: the bytes are another array.
    """
    return cast(Int64Array, _array(data, path, np.int64))


def floats_from_bytes(data: bytes, path: Path) -> Float32Array:
    """The (n,) float32 array in the checked bytes of a .npy file; raises as `array_from_bytes`."""
    return cast(Float32Array, _array(data, path, np.float32))


def _array(data: bytes, path: Path, dtype: type[np.generic]) -> npt.NDArray[Any]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise CorruptCollectionError(f"{path} is no array: {error}") from error
    if not isinstance(array, np.ndarray):
        raise CorruptCollectionError(f"{path} is no array, but {type(array).__name__}")
    if array.dtype != dtype or array.ndim != 1:
        raise CorruptCollectionError(
            f"{path} holds {array.dtype} {array.shape}, not {np.dtype(dtype)} (n,)"
        )
    return array


def vectors_header(n: int, dim: int) -> bytes:
    """The bytes of a vectors.npy of n rows before the first row."""
    buffer = io.BytesIO()
    description = {"descr": "<f2", "fortran_order": False, "shape": (n, dim)}
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


class BlockSums:
    """The content of vectors.sums in the making: sha256 of each block, one after the other."""

    def __init__(self) -> None:
        self._sums: list[bytes] = []
        self._block = sha256()
        self._n_open = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the file."""
        view = memoryview(data).cast("B")
        while len(view):
            piece = view[: BLOCK_BYTES - self._n_open]
            self._block.update(piece)
            self._n_open += len(piece)
            view = view[len(piece) :]
            if self._n_open == BLOCK_BYTES:
                self._close_block()

    def digests(self) -> bytes:
        """The sums of all bytes so far; ends the last block."""
        if self._n_open:
            self._close_block()
        return b"".join(self._sums)

    def _close_block(self) -> None:
        self._sums.append(self._block.digest())
        self._block = sha256()
        self._n_open = 0


def block_sum(data: bytes) -> bytes:
    """The sum of one block, 32 bytes."""
    return sha256(data).digest()


def block_sums(data: bytes) -> bytes:
    """The content of vectors.sums for all bytes of a vectors.npy."""
    sums = BlockSums()
    sums.update(data)
    return sums.digests()


class CheckedVectors:
    """Rows of one vectors.npy.

    Safe to read from several threads: the worst that a race does is to check a block twice.
    """

    def __init__(self, path: Path, size_bytes: int, sums: bytes) -> None:
        """Map `path`; reads its header block only.

        Args:
            path: of vectors.npy.
            size_bytes: what the manifest says.
            sums: checked bytes of vectors.sums.

        Raises:
            CorruptCollectionError: the file is missing, has another size, or its header is bad.
        """
        self._path = path
        self._size = size_bytes
        self._sums = sums
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (FileNotFoundError, ValueError) as error:  # ValueError: an empty file
            raise CorruptCollectionError(f"{path} is missing or empty") from error
        self.check_size()
        n_blocks = -(-size_bytes // BLOCK_BYTES)
        if len(sums) != n_blocks * _SUM_BYTES:
            raise CorruptCollectionError(f"{path} has {n_blocks} blocks, its sums say otherwise")
        self._is_checked = np.zeros(n_blocks, dtype=np.bool_)
        self._check_blocks(np.zeros(1, dtype=np.int64))
        self._rows = self._map_rows()
        self._is_row_checked = np.zeros(self.n, dtype=np.bool_)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self._rows.shape[0])

    @property
    def dim(self) -> int:
        """Length of a row."""
        return int(self._rows.shape[1])

    @property
    def rows(self) -> Float16Array:
        """All rows where they are mapped, (n, dim): to read only what was checked before."""
        return self._rows

    def gather(self, rows: Int64Array) -> Float32Array:
        """The given rows, in the given order, shape (len(rows), dim).

        Raises:
            CorruptCollectionError: a block that holds one of them is damaged.
            IndexError: a row is out of range.
        """
        return as_single(self.gather_half(rows))

    def gather_half(self, rows: Int64Array) -> Float16Array:
        """As `gather`, in the numbers of the file: who gathers from many segments casts once."""
        self.check_size()
        if not self._is_row_checked[rows].all():
            self.check_rows(rows)
        return self._rows[rows]

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order, as (first row, (m, dim) block) with m <= chunk_rows."""
        if chunk_rows < 1:
            raise ValueError(f"chunk_rows must be at least 1, got {chunk_rows}")
        stride = self._rows.strides[0]
        for start in range(0, self.n, chunk_rows):
            stop = min(start + chunk_rows, self.n)
            self.check_size()
            first = (self._offset + start * stride) // BLOCK_BYTES
            last = (self._offset + stop * stride - 1) // BLOCK_BYTES
            self._check_blocks(np.arange(first, last + 1))
            yield start, as_single(self._rows[start:stop])

    def check_size(self) -> None:
        """Check that the file still has the size that it should have; to be asked before each read.

        Raises:
            CorruptCollectionError: it has not.
        """
        # Reading a mapped page behind the end of a file that was cut short kills the process
        # (SIGBUS); asking for the size first costs a microsecond.
        if (found := self._map.size()) != self._size:
            raise CorruptCollectionError(
                f"{self._path} has {found} bytes; the manifest says {self._size}"
            )

    def check_rows(self, rows: Int64Array) -> None:
        """Check the blocks that hold these rows, those that no read has touched yet.

        Raises:
            CorruptCollectionError: one is damaged.
        """
        rows = rows % max(1, self.n)  # as indexing counts from the end
        stride = self._rows.strides[0]
        start = self._offset + rows * stride
        first, last = start // BLOCK_BYTES, (start + stride - 1) // BLOCK_BYTES
        self._check_blocks(np.concatenate([first, last]))
        # Kept by row too: that is all a gather looks at where nothing is left to check.
        self._is_row_checked[rows] = True

    def check_all(self) -> None:
        """Check every block that no read has touched yet.

        Raises:
            CorruptCollectionError: one is damaged.
        """
        self.check_size()
        self._check_blocks(np.arange(len(self._is_checked)))
        self._is_row_checked[:] = True

    def _map_rows(self) -> Float16Array:
        header = io.BytesIO(self._map[: min(self._size, BLOCK_BYTES)])
        try:
            np.lib.format.read_magic(header)
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(header)
        except ValueError as error:
            raise CorruptCollectionError(f"{self._path} is no array: {error}") from error
        self._offset = header.tell()
        right = dtype == np.float16 and len(shape) == 2 and not is_fortran
        if not right or self._offset + 2 * shape[0] * shape[1] != self._size:
            raise CorruptCollectionError(
                f"{self._path} holds {dtype} {shape}, not float16 (n, dim) of {self._size} bytes"
            )
        flat: Float16Array = np.frombuffer(self._map, dtype=np.float16, offset=self._offset)
        return flat.reshape(shape)

    def _check_blocks(self, blocks: Int64Array) -> None:
        unchecked = np.unique(blocks[~self._is_checked[blocks]])
        for block in unchecked.tolist():
            start = block * BLOCK_BYTES
            found = sha256(self._map[start : start + BLOCK_BYTES]).digest()
            if found != self._sums[block * _SUM_BYTES : (block + 1) * _SUM_BYTES]:
                raise CorruptCollectionError(
                    f"{self._path} is damaged in its block {block} (bytes {start} and on)",
                    hint="delete the collection and index again, or restore the file",
                )
            self._is_checked[block] = True
