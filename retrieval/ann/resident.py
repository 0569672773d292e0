"""The rows of a gallery as the matrix product reads them: from a device's own memory if they fit.

On a CUDA device the float16 rows are copied once and stay, so that a search reads them at the speed
of that memory. Where they would take too much of it, each search streams them from the files. On a
CPU nothing is copied: the pages of the files are in memory already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

if TYPE_CHECKING:
    import torch

RESIDENT_SHARE = 0.5
"""Of the free memory of a device, what the rows of one gallery may take: the rest is for products
(256 MiB at a time, see gemm.py), the encoder and a second gallery."""

_COPIED_ROWS = 65_536
"""Rows copied to a device at a time: 64 MiB at 512 dimensions."""


class HalfSource(Protocol):
    """Where the float16 rows of a gallery are fetched from, by the position of their items."""

    def halves_of(self, positions: Int64Array) -> Float16Array:
        """(len(positions), dim)."""
        ...


@dataclass(frozen=True, slots=True)
class GalleryRows:
    """Some rows of a gallery, as `gemm_search` and `exact_search` read them.

    Attributes:
        source: of the rows.
        positions: (n,) of the rows in the gallery, ascending, n >= 1.
        dim: length of a row.
        kept: (rows of the gallery, dim) float16 on a device; None where the rows are streamed.
    """

    source: HalfSource
    positions: Int64Array
    dim: int
    kept: "torch.Tensor | None" = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.positions)

    def gather_half(self, rows: Int64Array) -> Float16Array:
        """The named rows in their order, (len(rows), dim)."""
        return self.source.halves_of(self.positions[rows])

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order, cast: (number of the first row, up to chunk_rows rows)."""
        for start in range(0, self.n, chunk_rows):
            half = self.source.halves_of(self.positions[start : start + chunk_rows])
            yield start, as_single(half)

    def on_device(self, rows: Int64Array) -> "torch.Tensor | None":
        """The named rows, ascending, if they are kept on a device; not copied if they adjoin."""
        if self.kept is None:
            return None
        own = self.positions[rows]
        first, end = int(own[0]), int(own[-1]) + 1
        if end - first == len(own):
            return self.kept[first:end]
        import torch

        return self.kept[torch.from_numpy(own).to(self.kept.device)]


def copied_rows(source: HalfSource, n: int, dim: int, device: str) -> "torch.Tensor | None":
    """All rows of a gallery in the memory of a device, (n, dim) float16; None if they do not fit.

    Args:
        source: of the rows.
        n: rows, at least 1.
        dim: length of a row.
        device: of torch.
    """
    import torch

    if 2 * n * dim > RESIDENT_SHARE * free_bytes(device):
        return None
    try:
        kept = torch.empty((n, dim), dtype=torch.float16, device=device)
        for start in range(0, n, _COPIED_ROWS):
            positions = np.arange(start, min(n, start + _COPIED_ROWS))
            half = np.ascontiguousarray(source.halves_of(positions))
            kept[start : start + len(half)] = torch.from_numpy(half).to(device)
    except torch.OutOfMemoryError:  # others took the memory meanwhile
        return None
    return kept


def free_bytes(device: str) -> int:
    """Free memory of a CUDA device; 0 for others, which read the files' own pages."""
    import torch

    wanted = torch.device(device)
    return torch.cuda.mem_get_info(wanted)[0] if wanted.type == "cuda" else 0
