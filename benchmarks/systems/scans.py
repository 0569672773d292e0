"""polyseek's two exact searches over the mapped float16 vectors, and plain products over float32.

`exact` and `gemm` keep nothing in memory. `product` holds all vectors in float32 and is the limit
that batched claims are measured against, not a system of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems.base import (
    Description,
    RowNumbers,
    Setting,
    Task,
    Vectors,
    as_float32,
    open_base,
    padded,
    size_of,
)
from retrieval.ann.exact import exact_search
from retrieval.ann.gemm import gemm_search
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single


class HalfRows:
    """Vectors in float16 as a search sees those of a segment."""

    def __init__(self, rows: Float16Array) -> None:
        """Take (n, dim) rows, mapped or in memory."""
        self._rows = rows
        self.n, self.dim = rows.shape

    def gather_half(self, rows: Int64Array) -> Float16Array:
        """The named rows in their order."""
        return np.asarray(self._rows[rows])

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order, cast."""
        for start in range(0, self.n, chunk_rows):
            yield start, as_single(np.asarray(self._rows[start : start + chunk_rows]))


class Scan:
    """Reads every vector for every search."""

    def __init__(self, task: Task, name: str) -> None:
        """Map the vectors; those that are not in float16 were copied so by the build."""
        own = Path(task.folder, "base.npy")
        path = own if own.exists() else Path(task.base)
        self._rows = HalfRows(open_base(str(path)))
        self._ids = np.arange(self._rows.n)
        self._search = exact_search if name == "exact" else gemm_search
        self._name = name
        self._bytes = size_of(path)

    def describe(self) -> Description:
        """Nothing resident: the vectors are pages of a file."""
        return Description(self._name, {}, 0, self._bytes)

    def search(self, queries: Vectors, k: int, setting: Setting) -> RowNumbers:
        """The exact ranking."""
        return self._search(self._rows, self._ids, queries, k)[1]

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """As they are."""
        return padded(found, k)


class _Scanning:
    name = ""

    def build(self, task: Task) -> None:
        """Nothing, or a float16 copy of vectors in another format."""
        base = open_base(task.base)
        if base.dtype != np.float16:
            np.save(Path(task.folder, "base.npy"), np.asarray(base, np.float16))

    def open(self, task: Task) -> Scan:
        """Map the vectors. NumPy takes its threads from the environment."""
        return Scan(task, self.name)


class Exact(_Scanning):
    """`retrieval.ann.exact.exact_search`."""

    name = "exact"


class Gemm(_Scanning):
    """`retrieval.ann.gemm.gemm_search`."""

    name = "gemm"

    def open(self, task: Task) -> Scan:
        """Map the vectors."""
        import torch

        torch.set_num_threads(task.threads)
        return super().open(task)


class ProductScan:
    """All vectors in float32 in memory; one matrix product and one topk a search."""

    def __init__(self, task: Task) -> None:
        """Read the vectors."""
        import torch

        torch.set_num_threads(task.threads)
        self._torch = torch
        self._rows = torch.from_numpy(as_float32(open_base(task.base)))

    def describe(self) -> Description:
        """Everything resident."""
        return Description("float32 product and topk", {}, self._rows.nbytes)

    def search(self, queries: Vectors, k: int, setting: Setting) -> Any:  # noqa: ANN401
        """Scores and rows, as torch gives them."""
        products = self._torch.from_numpy(queries) @ self._rows.T
        return products.topk(min(k, len(self._rows)))

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """The rows."""
        return padded(found.indices.numpy(), k)


class Product:
    """torch's own exact search."""

    def build(self, task: Task) -> None:
        """Nothing."""

    def open(self, task: Task) -> ProductScan:
        """Read the vectors."""
        return ProductScan(task)
