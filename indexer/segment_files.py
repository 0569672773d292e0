"""Writes a segment piece by piece: its size on disk is no bound on memory.

The bytes are those that a segment of the same content has however it is cut into pieces: a
segment's name is a digest of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from indexer import durable
from retrieval.model import Float16Array, Float32Array, GalleryName, Int64Array, ItemRecord
from retrieval.store.entries import SegmentEntry, gallery_folder, segment_folder
from retrieval.store.file_entry import FileEntry
from retrieval.store.rows import encode_rows
from retrieval.store.segment import IDS, ROWS, SUMS, VECTORS, segment_name
from retrieval.store.vectors import BlockSums, array_bytes, vectors_header

PIECE_ROWS = 4096
"""Rows in memory at a time: 4 MiB of float16 at 512 dimensions."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some items of a segment, in order.

    Attributes:
        ids: (m,) ascending, and after those of the piece before.
        vectors: (m, dim) unit rows.
        rows: their m lines of rows.jsonl.
    """

    ids: Int64Array
    vectors: Float16Array
    rows: bytes


def pieces_of(
    vectors: Float32Array | Float16Array, records: Sequence[ItemRecord]
) -> Iterator[Piece]:
    """Items that are in memory, vectors (n, dim) and n records of ascending ids, as pieces."""
    for start in range(0, len(records), PIECE_ROWS):
        part = records[start : start + PIECE_ROWS]
        yield Piece(
            ids=np.array([record.id for record in part], dtype=np.int64),
            vectors=vectors[start : start + PIECE_ROWS].astype(np.float16),
            rows=encode_rows(part),
        )


def write_segment(
    root: Path, gallery: GalleryName, shape: tuple[int, int], pieces: Iterable[Piece]
) -> SegmentEntry:
    """Put a segment in place, durably and all of it or nothing.

    Args:
        root: the collection's folder.
        gallery: that it belongs to.
        shape: (n, dim) of all pieces together, n at least 1.
        pieces: of the segment, in order; each is written before the next is asked for.

    Returns:
        The manifest's entry.

    Raises:
        ValueError: the pieces hold another number of items, or ids that do not ascend.
        OSError: the disk is full or failing.
    """
    found: list[FileEntry] = []

    def fill(folder: Path) -> str:
        found[:] = _write_files(folder, shape, pieces)
        return segment_name(bytes.fromhex(file.sha256) for file in found)

    durable.write_folder(root / gallery_folder(gallery) / "segments", fill)
    durable.checkpoint("segment_renamed")
    name = segment_name(bytes.fromhex(file.sha256) for file in found)
    prefix = segment_folder(gallery, name)
    files = tuple(FileEntry(f"{prefix}/{e.name}", e.size_bytes, e.sha256) for e in found)
    return SegmentEntry(name, shape[0], files)


def _write_files(
    folder: Path, shape: tuple[int, int], pieces: Iterable[Piece]
) -> Iterator[FileEntry]:
    """Write the four files; yields their entries, with bare names, in the order of the name."""
    ids: list[Int64Array] = []
    sums = BlockSums()
    with (
        durable.new_file(folder / VECTORS) as vector_file,
        durable.new_file(folder / ROWS) as row_file,
    ):
        vectors = _Hashed(VECTORS, vector_file.write)
        rows = _Hashed(ROWS, row_file.write)
        header = vectors_header(*shape)
        vectors.write(header)
        sums.update(header)
        for piece in pieces:
            data = piece.vectors.tobytes()
            vectors.write(data)
            sums.update(data)
            rows.write(piece.rows)
            ids.append(piece.ids)
    every = np.concatenate(ids) if ids else np.empty(0, np.int64)
    if len(every) != shape[0] or (np.diff(every) <= 0).any():
        raise ValueError(f"pieces hold {len(every)} items for {shape[0]}, or ids do not ascend")
    yield vectors.entry
    yield _write_file(folder / SUMS, sums.digests())
    yield _write_file(folder / IDS, array_bytes(every))
    yield rows.entry


def _write_file(path: Path, data: bytes) -> FileEntry:
    with durable.new_file(path) as file:
        file.write(data)
    return FileEntry.of(path.name, data)


class _Hashed:
    """Counts and hashes what it hands on."""

    def __init__(self, name: str, write: Callable[[bytes], object]) -> None:
        self._name = name
        self._write = write
        self._digest = sha256()
        self._n_bytes = 0

    def write(self, data: bytes) -> None:
        self._write(data)
        self._digest.update(data)
        self._n_bytes += len(data)

    @property
    def entry(self) -> FileEntry:
        return FileEntry(self._name, self._n_bytes, self._digest.hexdigest())
