"""Exact search of a gallery by torch's matrix product, where that is quicker than NumPy's.

The answers are those of `exact_search`, bit for bit (gemm.py), so the choice between the two is one
of time alone. A small gallery that is asked one question at a time never loads torch.
"""

import sys
import threading
from typing import TYPE_CHECKING

from retrieval.ann.devices import computing_device
from retrieval.ann.exact import Ranking
from retrieval.ann.gemm import gemm_search
from retrieval.ann.resident import GalleryRows, HalfSource, copied_rows
from retrieval.encoders.precision import cpu_bf16_gain
from retrieval.model import Float32Array, Int64Array

if TYPE_CHECKING:
    import torch

BATCH_QUERIES = 8
BATCH_ROWS = 16_384
"""From so many of each on the product in bfloat16 is quicker on a processor that has it: 1.2 to 1.5
times from 20,000 rows of 512 dimensions on, but 0.9 to 1.3 times at 1,000 and 4,000, and for one
query 0.4 to 1.1 (one thread of a busy machine, medians of 5 interleaved rounds)."""

WORTH_LOADING = 1 << 27
"""Pairs of a query and a row from which on a batch pays for loading torch, if nothing did so far:
some 2 s (estimated, not measured), at 16 ns saved for a pair (64 queries, 20,000 rows)."""


class ProductScan:
    """Exact search of one gallery on one device; safe to share between threads."""

    def __init__(self, source: HalfSource, n: int, device: str) -> None:
        """Take a gallery; nothing is read or loaded yet.

        Args:
            source: of its rows.
            n: rows, dead ones too.
            device: "cpu", "cuda", "cuda:1", or "auto" for CUDA if torch finds it; any other kind is
                searched on the CPU.
        """
        self._source = source
        self._n = n
        self._asked = device
        self._lock = threading.Lock()
        self._found: str | None = None if device.startswith(("auto", "cuda")) else "cpu"
        self._is_copied = False
        self._kept: torch.Tensor | None = None

    def serves(self, n_rows: int, n_queries: int) -> bool:
        """Whether so many queries over so many rows are quicker here than by `exact_search`.

        Raises:
            EncoderUnavailableError: CUDA was asked for by name, and torch finds none.
        """
        n_pairs = n_rows * n_queries
        is_named = self._asked.startswith("cuda")
        if not n_pairs or not (is_named or "torch" in sys.modules or n_pairs >= WORTH_LOADING):
            return False
        if self._device() != "cpu":
            return True
        return n_queries >= BATCH_QUERIES and n_rows >= BATCH_ROWS and cpu_bf16_gain() > 1

    def search(
        self, positions: Int64Array, ids: Int64Array, queries: Float32Array, k: int
    ) -> Ranking:
        """Rank the rows at some positions, ascending and at least one; see `gemm_search`."""
        dim = queries.shape[1]
        rows = GalleryRows(self._source, positions, dim, self._resident(dim))
        return gemm_search(rows, ids, queries, k, device=self._device())

    def _device(self) -> str:
        if self._found is None:
            self._found = computing_device(self._asked)
        return self._found

    def _resident(self, dim: int) -> "torch.Tensor | None":
        with self._lock:
            if not self._is_copied:
                self._kept = copied_rows(self._source, self._n, dim, self._device())
                self._is_copied = True
            return self._kept
