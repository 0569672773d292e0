"""Annotation files: found, read, hashed, and refused with a reason."""

import codecs
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.datasets.base import DatasetError


def find(folder: Path, names: Sequence[str], what: str) -> Path:
    """The first of some files that is there.

    Args:
        folder: to look in.
        names: relative paths, the preferred one first.
        what: they are, for the error.

    Raises:
        DatasetError: none is.
    """
    if (path := first_there(folder, names)) is not None:
        return path
    raise DatasetError(
        f"no {what} in {folder}", hint=f"put there {' or '.join(names)}; --data names its parent"
    )


def first_there(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of some files that is in a folder; None where none is."""
    return next((path for name in names if (path := folder / name).exists()), None)


def read_json(path: Path) -> tuple[Any, str]:
    """The value of a JSON file, and the sha256 (hex) of its bytes.

    Raises:
        DatasetError: it cannot be read, is cut off, or is no JSON.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    try:
        value = orjson.loads(content.removeprefix(codecs.BOM_UTF8))
        return value, hashlib.sha256(content).hexdigest()
    except orjson.JSONDecodeError as error:
        raise DatasetError(
            f"{path} is no JSON, or is cut off: {error}", hint="get the file again"
        ) from error
