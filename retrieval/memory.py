"""Sizes of memory as people write them, and what keeps a process within one."""

import contextlib
import ctypes
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[A-Za-z]*)")


def parse_size(text: str) -> int:
    """Bytes of a size as people write it: "50MB", "1.5 GiB", "2000000".

    Raises:
        ValueError: it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = _UNITS.get(match["unit"].upper()) if match else None
    n_bytes = int(float(match["number"]) * factor) if match and factor else 0
    if n_bytes < 1:
        raise ValueError(f"not a size of memory: {text!r}; expected e.g. 500MB or 2GiB")
    return n_bytes


def size_text(n_bytes: int) -> str:
    """A size for people: "999 bytes", "5 MB", "1.5 GB"."""
    if n_bytes < 10**6:
        return f"{n_bytes:,} bytes"
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 10**9 else f"{n_bytes / 1e6:.0f} MB"


def give_back() -> None:
    """Hand memory that was freed back to the system, where the C library can (glibc).

    It keeps what it may need again, and that would count for the next stage.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class _SqliteHeap:
    """The one soft limit of SQLite's heap in this process: the least that is asked for.

    What was set before anybody asked comes back with the last one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[int] = []
        self._before = 0

    def take(self, n_bytes: int) -> None:
        with self._lock:
            if not self._asked:
                self._before = _heap_limit()
            self._asked.append(n_bytes)
            _heap_limit(min(self._asked))

    def release(self, n_bytes: int) -> None:
        with self._lock:
            self._asked.remove(n_bytes)
            _heap_limit(min(self._asked, default=self._before))


def _heap_limit(n_bytes: int | None = None) -> int:
    """Read, or set, SQLite's soft limit; 0 is none. It holds for all connections."""
    setting = "" if n_bytes is None else f" = {n_bytes}"
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        (found,) = connection.execute(f"PRAGMA soft_heap_limit{setting}").fetchone()
    return int(found)


_heap = _SqliteHeap()


@contextmanager
def sqlite_within(n_bytes: int) -> Iterator[None]:
    """Let SQLite's caches of all connections of the process share so many bytes meanwhile.

    Of several such limits at a time the least holds.
    """
    _heap.take(n_bytes)
    try:
        yield
    finally:
        _heap.release(n_bytes)
