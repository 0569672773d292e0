"""The file of a segment's codes: inverted lists in the form in which they are searched.

Lists lie one after the other, so a search maps the file and reads the lists that it visits:
opening copies nothing, and what is not asked for takes no memory. Little-endian:

    magic (8 bytes), nlist, bytes of one code, rows of a block (int64 each)
    rows in each list, int64 (nlist,)
    for each list, from the next multiple of 64 bytes on:
        codes of its rows, filled up to whole blocks
        row numbers, int64, at the end of that

A block is one row of 8-bit codes, or 32 of 4-bit codes as FastScan reads them: filled up with
zeros. FAISS is told where the lists lie (OnDiskInvertedLists) and reads them in place.
"""

import mmap
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

from retrieval.ann.faiss_io import load_faiss, read_lists
from retrieval.errors import CorruptCollectionError
from retrieval.model import Int64Array

CodesSource: TypeAlias = bytes | Path
"""Codes of a segment: their file, or the bytes of one where there is none yet."""

MAGIC = b"pslists\x01"
FAST_BLOCK = 32
"""Rows that FastScan scans at a time."""

_ALIGNED = 64
_HEADER = struct.Struct("<8sqqq")
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each list of a file lies.

    Attributes:
        code_bytes: of one code.
        block: rows of a block.
        sizes: (nlist,) rows in each list.
    """

    code_bytes: int
    block: int
    sizes: Int64Array

    @property
    def capacities(self) -> Int64Array:
        """Rows that the codes of each list have room for: whole blocks, (nlist,)."""
        full: Int64Array = -(-self.sizes // self.block) * self.block
        return full

    @property
    def offsets(self) -> Int64Array:
        """Of each list from the start of the file, and the size of the file, (nlist + 1,)."""
        taken = self.capacities * self.code_bytes + self.sizes * _ID_BYTES
        start = _HEADER.size + self.sizes.nbytes
        steps = np.concatenate([[_up(start)], _up(taken)])
        return np.cumsum(steps)

    @property
    def n_rows(self) -> int:
        """Rows in all lists."""
        return int(self.sizes.sum())

    def header(self) -> bytes:
        """The bytes before the first list."""
        head = _HEADER.pack(MAGIC, len(self.sizes), self.code_bytes, self.block)
        return (head + self.sizes.astype("<i8").tobytes()).ljust(int(self.offsets[0]), b"\0")

    @classmethod
    def read(cls, head: bytes | mmap.mmap, n_bytes: int) -> "Layout":
        """The layout that a file of n_bytes begins with.

        Raises:
            CorruptCollectionError: it is no such file, or of another length.
        """
        if len(head) < _HEADER.size or head[: len(MAGIC)] != MAGIC:
            raise CorruptCollectionError("a file of codes does not begin as one")
        _, nlist, code_bytes, block = _HEADER.unpack_from(head)
        table = head[_HEADER.size : _HEADER.size + _ID_BYTES * max(0, nlist)]
        if not (0 < _ID_BYTES * nlist == len(table) and block in (1, FAST_BLOCK)):
            raise CorruptCollectionError("a file of codes begins with numbers that cannot be")
        sizes = np.frombuffer(table, "<i8").astype(np.int64)
        layout = cls(code_bytes, block, sizes)
        if (
            not 0 < code_bytes <= n_bytes
            or (sizes < 0).any()
            or (sizes > n_bytes).any()
            or int(layout.offsets[-1]) != n_bytes
        ):
            raise CorruptCollectionError("a file of codes is not as long as its lists")
        return layout


def written_pieces(lists: Any, code_bytes: int, *, is_fast: bool) -> Iterator[bytes]:  # noqa: ANN401
    """FAISS inverted lists as the bytes of a file, piece by piece.

    Args:
        lists: ArrayInvertedLists, or BlockInvertedLists of FastScan.
        code_bytes: of one code.
        is_fast: whether they are FastScan's.
    """
    faiss = load_faiss()
    sizes = np.fromiter(map(lists.list_size, range(lists.nlist)), np.int64, lists.nlist)
    layout = Layout(code_bytes, FAST_BLOCK if is_fast else 1, sizes)
    yield layout.header()
    for number, (size, room) in enumerate(
        zip(sizes.tolist(), layout.capacities.tolist(), strict=True)
    ):
        if not size:
            continue
        yield faiss.rev_swig_ptr(lists.get_codes(number), room * code_bytes).tobytes()
        yield faiss.rev_swig_ptr(lists.get_ids(number), size).tobytes()
        yield b"\0" * int(-(room * code_bytes + size * _ID_BYTES) % _ALIGNED)


class MappedCodes:
    """A file of codes that FAISS reads in place.

    Attributes:
        layout: of the file.
        lists: FAISS inverted lists; they live as long as this.
    """

    def __init__(self, source: CodesSource) -> None:
        """Map codes.

        Args:
            source: a file, which need not have been checked against the manifest yet (but before
                it is searched), or the checked bytes of one, which are put into a file without a
                name.

        Raises:
            CorruptCollectionError: it is no file of codes, or not there.
        """
        with _opened(source) as file:
            try:
                self._map = _mapped(file)
                self.layout = Layout.read(self._map, len(self._map))
            except CorruptCollectionError as error:
                which = source if isinstance(source, Path) else "codes"
                raise CorruptCollectionError(f"{which}: {error}") from error
            # The open file, not its name: what is mapped here is what FAISS maps.
            name = f"/proc/self/fd/{file.fileno()}"
            self.lists = read_lists(_faiss_header(self.layout, name))
        self.lists.prefetch_nthread = 0  # else every search starts threads

    def check_size(self) -> None:
        """Reading behind the end of a file that was cut short would kill the process (SIGBUS).

        Raises:
            CorruptCollectionError: it was.
        """
        if self._map.size() != len(self._map):
            raise CorruptCollectionError(
                "a file of codes was cut short while it was searched",
                hint="`polyseek collection verify --repair` makes it again",
            )


def _opened(source: CodesSource) -> IO[bytes]:
    if isinstance(source, Path):
        try:
            return source.open("rb")
        except FileNotFoundError as error:
            raise CorruptCollectionError(f"{source} is missing") from error
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(source)
    file.flush()
    return file


def _mapped(file: IO[bytes]) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise CorruptCollectionError("a file of codes is empty") from error


def _faiss_header(layout: Layout, name: str) -> bytes:
    """What FAISS writes of lists that lie in another file: `OnDiskInvertedLists`."""
    table = np.stack([layout.sizes, layout.capacities, layout.offsets[:-1]], axis=1)
    file_name, nlist = name.encode(), len(layout.sizes)
    return b"".join(
        [
            struct.pack("<4sQQQ", b"ilod", nlist, layout.code_bytes, nlist),
            table.astype("<u8").tobytes(),
            struct.pack("<QQ", 0, len(file_name)),
            file_name,
            struct.pack("<Q", int(layout.offsets[-1])),
        ]
    )


def _up(n_bytes: Any) -> Any:  # noqa: ANN401 - a number or an array of them
    return -(-n_bytes // _ALIGNED) * _ALIGNED
