"""Arrays for the time of a build: in memory, or in a file without a name."""

import tempfile
from pathlib import Path

import numpy as np

from retrieval.model import Float32Array


def scratch_rows(n: int, dim: int, folder: Path | None) -> Float32Array:
    """An array (n, dim) to be filled.

    On disk it is mapped: the system writes its pages out and takes them back as it needs room, and
    the file is gone with the array.

    Args:
        n: rows.
        dim: of each.
        folder: for the file; None is in memory.

    Raises:
        OSError: there is no room on that disk.
    """
    if folder is None or not n:
        return np.empty((n, dim), np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.asarray(np.memmap(file, np.float32, mode="w+", shape=(n, dim)))
