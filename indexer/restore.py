"""Damaged files that can be made again byte for byte, from the files beside them."""

import contextlib
import mmap
from collections.abc import Collection as AbstractCollection
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer import durable
from retrieval.errors import CorruptCollectionError
from retrieval.model import Float16Array, Int64Array
from retrieval.store.entries import SegmentEntry
from retrieval.store.file_entry import FileEntry
from retrieval.store.manifest import Manifest
from retrieval.store.segment import IDS, ROWS, SUMS, VECTORS, check_file, records_of
from retrieval.store.vectors import (
    BLOCK_BYTES,
    BlockSums,
    array_bytes,
    block_sum,
    vectors_header,
)

_SUM_BYTES = 32


def damaged_files(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Every file of a generation that is not what the manifest says: what is wrong, by its name."""
    problems: dict[str, str] = {}
    for entry in manifest.files():
        try:
            check_file(folder / entry.name, entry)
        except CorruptCollectionError as error:
            problems[entry.name] = str(error)
        except OSError as error:
            problems[entry.name] = f"{folder / entry.name} cannot be read: {error.strerror}"
    return problems


def restore_files(folder: Path, manifest: Manifest, damaged: AbstractCollection[str]) -> list[str]:
    """Make ids from rows, and block sums from vectors, where those are sound.

    Nothing is put in place that the manifest's sha256 does not vouch for.

    Returns:
        Names of the files that are whole again.
    """
    restored = []
    for gallery in manifest.galleries.values():
        for segment in gallery.segments:
            for base, source in ((IDS, ROWS), (SUMS, VECTORS)):
                entry, made_of = segment.file(base), segment.file(source)
                if entry is None or made_of is None or entry.name not in damaged:
                    continue
                if made_of.name in damaged:
                    continue
                data = _ids(folder, segment) if base == IDS else _sums(folder / made_of.name)
                if FileEntry.of(entry.name, data) == entry:
                    durable.write_file(folder / entry.name, data)
                    restored.append(entry.name)
    return restored


class Remains:
    """What is left of the vectors of a segment whose vectors.npy may be damaged."""

    def __init__(self, path: Path, shape: tuple[int, int], sums: bytes | None) -> None:
        """Look at every block.

        Args:
            path: of vectors.npy, which may be missing or of any size.
            shape: (n, dim) that it should have.
            sums: of its blocks; None trusts no byte of it.
        """
        self._header = vectors_header(*shape)
        self.dim = shape[1]
        self._map: mmap.mmap | bytes = b""
        with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.is_sound = self._sound_rows(shape, sums or b"")

    def gather(self, rows: Int64Array) -> Float16Array:
        """Sound rows, (len(rows), dim)."""
        if not len(rows):
            return np.empty((0, self.dim), np.float16)
        first = len(self._header)
        n_whole = (len(self._map) - first) // (2 * self.dim)
        whole: Float16Array = np.frombuffer(
            self._map, np.float16, count=n_whole * self.dim, offset=first
        )
        return whole.reshape(n_whole, self.dim)[rows]

    def _sound_rows(self, shape: tuple[int, int], sums: bytes) -> Int64Array:
        """Numbers of the rows of which every block is right."""
        n, row_bytes = shape[0], 2 * shape[1]
        size = len(self._header) + n * row_bytes
        n_blocks = -(-size // BLOCK_BYTES)
        is_right = np.zeros(n_blocks, np.bool_)
        for block in range(min(n_blocks, len(sums) // _SUM_BYTES)):
            start = block * BLOCK_BYTES
            data = self._map[start : min(start + BLOCK_BYTES, size)]
            if block == 0:  # the header is known without the file
                data = self._header + data[len(self._header) :]
            is_right[block] = block_sum(data) == sums[block * _SUM_BYTES : (block + 1) * _SUM_BYTES]
        start_of = len(self._header) + np.arange(n) * row_bytes
        first, last = start_of // BLOCK_BYTES, (start_of + row_bytes - 1) // BLOCK_BYTES
        return np.flatnonzero(is_right[first] & is_right[last])


def _ids(folder: Path, segment: SegmentEntry) -> bytes:
    ids = (record.id for record in records_of(folder, segment))
    return array_bytes(np.fromiter(ids, dtype=np.int64))


def _sums(path: Path) -> bytes:
    sums = BlockSums()
    for piece in _pieces(path):
        sums.update(piece)
    return sums.digests()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece
