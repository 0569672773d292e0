"""The vectors of a measurement, checked before anything is built."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.readers.vectors import open_vectors
from retrieval.errors import SettingsError, SourceError
from retrieval.model import Float32Array

_UNIT_TOLERANCE = 2e-3
"""What storing a unit vector as float16 can do to its length, with room."""

_CHECKED_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class AnnInputs:
    """What is indexed and asked.

    Attributes:
        base: (n, dim) unit rows, mapped.
        queries: unit rows by modality, each (Q, dim) float32.
        train_texts: (t, dim) text vectors that a system may train and tune with; None without.
        sources: name and sha256 of each file, by role.
    """

    base: npt.NDArray[np.floating[Any]]
    queries: dict[str, Float32Array]
    train_texts: npt.NDArray[np.floating[Any]] | None
    sources: dict[str, dict[str, str]]


def read_inputs(
    base: Path, queries: dict[str, Path], train_texts: Path | None, limit: int | None
) -> AnnInputs:
    """Open and check all files.

    Args:
        base: of the vectors to index.
        queries: of the queries, by modality.
        train_texts: of texts that are no queries.
        limit: rows of the base to take, from its start; None takes all.

    Raises:
        SourceError: a file is missing, is no array of float vectors, holds NaN or a row that is
            not of length 1, or has another dimension than the base; or there are too few rows.
        SettingsError: the limit is too small.
    """
    if limit is not None and limit < 2:
        raise SettingsError(f"limit {limit} is too small", hint="take at least two vectors")
    rows = open_vectors(base)[:limit]
    _check(rows, base)
    asked = {modality: open_vectors(path) for modality, path in queries.items()}
    texts = None if train_texts is None else open_vectors(train_texts)
    others = [(path, asked[modality]) for modality, path in queries.items()]
    if train_texts is not None and texts is not None:
        others.append((train_texts, texts))
    for path, array in others:
        if array.shape[1] != rows.shape[1]:
            raise SourceError(
                f"{path} has vectors of {array.shape[1]} numbers, {base} of {rows.shape[1]}",
                hint="all have to come from one encoder",
            )
        if len(array) < 2:
            raise SourceError(f"{path} has {len(array)} row", hint="a mean needs at least two")
        _check(array, path)
    files = {"base": base, **{f"{name}_queries": path for name, path in queries.items()}}
    if train_texts is not None:
        files["train_texts"] = train_texts
    return AnnInputs(
        base=rows,
        queries={name: np.ascontiguousarray(each, np.float32) for name, each in asked.items()},
        train_texts=texts,
        sources={
            role: {"name": path.name, "sha256": _digest(path)} for role, path in files.items()
        },
    )


def blocks(rows: npt.NDArray[np.floating[Any]], size: int) -> Iterator[tuple[int, Float32Array]]:
    """All rows in order, as float32: (number of the first row, up to `size` rows)."""
    for start in range(0, len(rows), size):
        yield start, np.ascontiguousarray(rows[start : start + size], np.float32)


def _check(rows: npt.NDArray[np.floating[Any]], path: Path) -> None:
    for start, block in blocks(rows, _CHECKED_ROWS):
        lengths = np.linalg.norm(block.astype(np.float64), axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT_TOLERANCE))
        if not wrong.size:
            continue
        row, length = start + int(wrong[0]), lengths[wrong[0]]
        if not np.isfinite(length):
            raise SourceError(
                f"row {row} of {path} holds NaN or infinity", hint="leave such vectors out"
            )
        raise SourceError(
            f"row {row} of {path} has length {length:.4g}, not 1",
            hint="divide each vector by its length",
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
