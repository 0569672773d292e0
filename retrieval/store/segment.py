"""One immutable segment: what its files are, and how each is checked before it is believed."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from retrieval.errors import CorruptCollectionError
from retrieval.model import Float32Array, Int64Array, ItemRecord
from retrieval.store.entries import SegmentEntry
from retrieval.store.file_entry import SHORT_HEX, FileEntry
from retrieval.store.receipts import Receipts
from retrieval.store.rows import decode_row_lines
from retrieval.store.vectors import CheckedVectors, array_from_bytes, floats_from_bytes

VECTORS, SUMS, IDS, ROWS = "vectors.npy", "vectors.sums", "ids.npy", "rows.jsonl"
_NO_RECEIPTS = Receipts(None)


def read_checked(path: Path, entry: FileEntry, receipts: Receipts = _NO_RECEIPTS) -> bytes:
    """All bytes of a file, after its size and sha256 were found to be those of `entry`.

    A receipt stands for the sha256.

    Raises:
        CorruptCollectionError: the file is missing or its bytes are others.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except FileNotFoundError as error:
        raise CorruptCollectionError(f"{path} is missing") from error
    if len(data) != entry.size_bytes:
        raise CorruptCollectionError(
            f"{path} has {len(data)} bytes; the manifest says {entry.size_bytes}"
        )
    if receipts.holds(status, entry.sha256):
        return data
    if sha256(data).hexdigest() != entry.sha256:
        raise CorruptCollectionError(
            f"{path} is damaged: its sha256 is not the manifest's",
            hint="see every damaged file with: polyseek collection verify",
        )
    receipts.record(status, entry.sha256)
    return data


def check_file(path: Path, entry: FileEntry, receipts: Receipts = _NO_RECEIPTS) -> None:
    """Hash a file piece by piece, unless a receipt says that it was done.

    Raises:
        CorruptCollectionError: the file is missing or its bytes are others.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size == entry.size_bytes and receipts.holds(status, entry.sha256):
                return
            digest = sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError as error:
        raise CorruptCollectionError(f"{path} is missing") from error
    if status.st_size != entry.size_bytes or digest.hexdigest() != entry.sha256:
        raise CorruptCollectionError(f"{path} is damaged: it is not what the manifest says")
    receipts.record(status, entry.sha256)


def segment_name(digests: Iterable[bytes]) -> str:
    """The name of a segment, from the sha256 of VECTORS, SUMS, IDS and ROWS, in this order."""
    return sha256(b"".join(digests)).hexdigest()[:SHORT_HEX]


@dataclass(frozen=True, slots=True)
class Segment:
    """An open segment.

    Attributes:
        root: the collection's folder.
        entry: what the manifest says of it.
        ids: (n,) ascending item ids, read-only; row i of `vectors` belongs to ids[i].
        vectors: (n, dim) unit rows, checked as they are read.
        receipts: of the codes that were hashed before.
    """

    root: Path
    entry: SegmentEntry
    ids: Int64Array
    vectors: CheckedVectors
    receipts: Receipts

    @classmethod
    def open(cls, root: Path, entry: SegmentEntry, receipts: Receipts = _NO_RECEIPTS) -> "Segment":
        """Open a segment: hashes ids and block sums, maps the vectors.

        Raises:
            CorruptCollectionError: a file is missing or is not what the manifest says.
        """
        ids_entry, vectors_entry = _file(entry, IDS), _file(entry, VECTORS)
        ids_path = root / ids_entry.name
        ids = array_from_bytes(read_checked(ids_path, ids_entry), ids_path)
        ids.setflags(write=False)
        sums_entry = _file(entry, SUMS)
        sums = read_checked(root / sums_entry.name, sums_entry)
        vectors = CheckedVectors(root / vectors_entry.name, vectors_entry.size_bytes, sums)
        if not len(ids) == vectors.n == entry.n_items or (ids[1:] <= ids[:-1]).any():
            raise CorruptCollectionError(
                f"segment {entry.name} has {vectors.n} vectors and {len(ids)} ids for"
                f" {entry.n_items} items, or its ids do not ascend"
            )
        return cls(root, entry, ids, vectors, receipts)

    @property
    def name(self) -> str:
        """24 hex digits."""
        return self.entry.name

    def records(self) -> Iterator[ItemRecord]:
        """The items as they were born, in the order of `ids`; see `records_of`."""
        return records_of(self.root, self.entry)

    def row_lines(self) -> Iterator[bytes]:
        """The lines of rows.jsonl as they are, in the order of `ids`; streamed, hashed on the way.

        Raises:
            CorruptCollectionError: the file is damaged; raised after the last line at the latest,
                so nothing that was made of the lines may be used before the end.
        """
        entry = _file(self.entry, ROWS)
        path = self.root / entry.name
        digest, n_lines = sha256(), 0
        try:
            with path.open("rb") as file:
                for line in file:
                    digest.update(line)
                    n_lines += 1
                    yield line
        except FileNotFoundError as error:
            raise CorruptCollectionError(f"{path} is missing") from error
        if digest.hexdigest() != entry.sha256 or n_lines != len(self.ids):
            raise CorruptCollectionError(f"{path} is damaged: it is not what the manifest says")

    def codes_file(self, codebook_sha24: str) -> Path | None:
        """Where the codes made with a codebook lie, unchecked; None if there are none yet."""
        entry = self.entry.codes(codebook_sha24)
        return None if entry is None else self.root / entry.name

    def codes_path(self, codebook_sha24: str) -> Path | None:
        """The same, checked. The file is hashed once; see receipts.py.

        Raises:
            CorruptCollectionError: it is missing or its bytes are others.
        """
        entry = self.entry.codes(codebook_sha24)
        if entry is None:
            return None
        path = self.root / entry.name
        check_file(path, entry, self.receipts)
        return path

    def read_bias(self, bank_sha24: str) -> Float32Array | None:
        """Checked hubness biases made with a bank, (n,); None if there are none yet.

        Raises:
            CorruptCollectionError: the file is missing, damaged or of another length.
        """
        entry = self.entry.bias(bank_sha24)
        if entry is None:
            return None
        path = self.root / entry.name
        bias = floats_from_bytes(read_checked(path, entry, self.receipts), path)
        if len(bias) != self.entry.n_items:
            raise CorruptCollectionError(f"{path} is not one number for each item")
        return bias


def records_of(root: Path, entry: SegmentEntry) -> Iterator[ItemRecord]:
    """The items of a segment as they were born, ids ascending; streamed, from rows.jsonl alone.

    Raises:
        CorruptCollectionError: the file is damaged; raised before the first item.
    """
    file = _file(entry, ROWS)
    path = root / file.name
    check_file(path, file)
    with path.open("rb") as lines:
        yield from decode_row_lines(lines, path)


def _file(entry: SegmentEntry, base_name: str) -> FileEntry:
    file = entry.file(base_name)
    if file is None:
        raise CorruptCollectionError(f"segment {entry.name} lists no {base_name}")
    return file
