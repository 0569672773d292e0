"""Annotation files: found, read, hashed, and refused with a reason."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    for name in names:
        if (path := folder / name).exists():
            return path
    raise DatasetError(
        f"no {what} in {folder}", hint=f"put there {' or '.join(names)}; --data names its parent"
    )


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
        return json.loads(content), hashlib.sha256(content).hexdigest()
    except ValueError as error:
        raise DatasetError(
            f"{path} is no JSON, or is cut off: {error}", hint="get the file again"
        ) from error
