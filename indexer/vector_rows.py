"""Rows of vectors that others have made, one by one: usable or not, what each belongs to."""

import contextlib
import math
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from indexer.readers.base import Skip
from indexer.readers.vectors import VectorPart
from retrieval.errors import SourceError
from retrieval.model import FileRef, Float32Array, display_path

_UNIT_TOLERANCE = 2e-3
"""What storing a unit vector as float16 can do to its length, with room."""

_CHECKED_AT_ONCE = 1024

_IN_DOUBLE = 128
"""Rows in double precision at a time: 0.5 MB at 512 dimensions, which stay in a core's cache."""

_UNTIDY = re.compile(rb"//|/\.\.?(?:/|$)|/$")
"""What os.path.normpath would change in an absolute path; it takes longer than looking does."""

_FOLDERS_KEPT = 256

_ADDRESS = re.compile(rb"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row.

    Attributes:
        sha256: hex digest of the row as little-endian float32, as it came: the item's identity.
        file: that its id names.
        caption: what is said with it, or "".
        vector: (dim,) of length 1.
        was_scaled: whether it came with another length.
    """

    sha256: str
    file: FileRef
    caption: str
    vector: Float32Array
    was_scaled: bool


def read_rows(part: VectorPart, span: range) -> list[Row | Skip]:
    """Some rows of a part, or why they cannot be used, in their order."""
    raw, lengths = _numbers(part, span)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        unit = (raw / lengths[:, None]).astype(np.float32)
    was_scaled = np.abs(lengths - 1.0) > _UNIT_TOLERANCE
    content, row_bytes = raw.data.cast("B"), raw.itemsize * raw.shape[1]
    rows: list[Row | Skip] = []
    # Asked once a folder, and anew for the next rows: ids of files that are not here share a few.
    is_folder = lru_cache(_FOLDERS_KEPT)(os.path.isdir)
    for at, (number, length, scaled) in enumerate(
        zip(span, lengths.tolist(), was_scaled.tolist(), strict=True)
    ):
        name = part.ids[number]
        problem = _problem_of(name, length)
        if problem:
            where = part.name + b":%d" % (number + 1)
            rows.append(Skip(where if problem == "no id" else name, problem))
            continue
        rows.append(
            Row(
                sha256=sha256(content[at * row_bytes : (at + 1) * row_bytes]).hexdigest(),
                file=_place(name, part.base, is_folder),
                caption=_caption(part, number),
                vector=unit[at],
                was_scaled=scaled,
            )
        )
    return rows


def check_any_usable(parts: Sequence[VectorPart]) -> None:
    """Raise SourceError where no row of any part can be used: no collection must come of it."""
    problem = ""
    for part in parts:
        for start in range(0, len(part.ids), _CHECKED_AT_ONCE):
            span = range(start, min(start + _CHECKED_AT_ONCE, len(part.ids)))
            for number, length in zip(span, _numbers(part, span)[1], strict=True):
                problem = _problem_of(part.ids[number], length)
                if not problem:
                    return
    raise SourceError(
        f"no usable vector in {display_path(parts[0].name)}: {problem}",
        hint="each needs an id, and finite numbers that are not all zero",
    )


def _numbers(part: VectorPart, span: range) -> tuple[Float32Array, npt.NDArray[np.float64]]:
    """Rows (n, dim) as they are, as float32, and their lengths (n,)."""
    with np.errstate(over="ignore"):
        raw = np.ascontiguousarray(part.vectors[span.start : span.stop], dtype="<f4")
    lengths = np.empty(len(raw))
    # In double precision no square of a float32 overflows.
    for start in range(0, len(raw), _IN_DOUBLE):
        part_of_it = raw[start : start + _IN_DOUBLE].astype(np.float64)
        lengths[start : start + _IN_DOUBLE] = np.linalg.norm(part_of_it, axis=1)
    return raw, lengths


def _problem_of(name: bytes, length: float) -> str:
    if not name.strip() or b"\0" in name:
        return "no id"
    if not math.isfinite(length):
        return "vector is not finite"
    return "" if length > 0 else "vector is zero"


def _caption(part: VectorPart, number: int) -> str:
    """What is said with a row; of a text of which only an id came, the id is all there is."""
    said = " ".join(part.captions[number].split()) if part.captions else ""
    return said or (display_path(part.ids[number]) if part.gallery == "texts" else "")


def _place(name: bytes, base: bytes, is_folder: Callable[[bytes], bool]) -> FileRef:
    """The file that an id names, if it is one; else the id itself, an address or a key.

    With its size and time, a later run over its folder takes the file for known, and leaves the
    vector that came for it.

    Args:
        name: the id.
        base: absolute folder that a relative path starts from.
        is_folder: whether a path is one of a folder; in what is none there is nothing to look for.
    """
    if not _ADDRESS.match(name):
        path = name if name.startswith(b"/") else base.rstrip(b"/") + b"/" + name
        if _UNTIDY.search(path):
            path = os.path.normpath(path)
        if is_folder(path.rpartition(b"/")[0] or b"/"):
            with contextlib.suppress(OSError):
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    return FileRef(path, status.st_size, status.st_mtime_ns)
    return FileRef(name, 0, 0)
