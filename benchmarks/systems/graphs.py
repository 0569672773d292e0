"""Graph indexes of others: hnswlib and usearch, with their own defaults but for M and ef."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems.base import (
    ADD_ROWS,
    Description,
    Knob,
    RowNumbers,
    Setting,
    Task,
    Vectors,
    as_float32,
    open_base,
    padded,
    size_of,
)

M = 32
EF_CONSTRUCTION = 200
"""What the peers' own benchmarks use for vectors of several hundred dimensions."""

LADDER = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


def _knob(task: Task, n: int) -> Knob:
    """No ef below k, and none of use far above n."""
    values = [ef for ef in LADDER if ef >= task.k and ef < 2 * n]
    return Knob("ef", values or [max(task.k, LADDER[0])])


class HnswlibSearcher:
    """An open hnswlib index."""

    def __init__(self, task: Task) -> None:
        """Load the graph and its vectors into memory."""
        import hnswlib

        self._path = Path(task.folder, "index.bin")
        n, dim = open_base(task.base).shape
        self._index = hnswlib.Index(space="ip", dim=dim)
        self._index.load_index(str(self._path), max_elements=n)
        self._index.set_num_threads(task.threads)
        self._knob = _knob(task, n)
        self._n = n

    def describe(self) -> Description:
        """All of it resident."""
        params = {"M": M, "ef_construction": EF_CONSTRUCTION}
        return Description(f"hnsw{M}", params, size_of(self._path), knob=self._knob)

    def search(self, queries: Vectors, k: int, setting: Setting) -> Any:  # noqa: ANN401
        """Labels and distances."""
        self._index.set_ef(setting.value)
        return self._index.knn_query(queries, k=min(k, self._n))

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """The labels are rows."""
        return padded(found[0].astype(np.int64), k)


class Hnswlib:
    """github.com/nmslib/hnswlib."""

    def build(self, task: Task) -> None:
        """Add the rows in order, with all threads."""
        import hnswlib

        base = open_base(task.base)
        index = hnswlib.Index(space="ip", dim=base.shape[1])
        index.init_index(
            max_elements=len(base), ef_construction=EF_CONSTRUCTION, M=M, random_seed=task.seed
        )
        index.set_num_threads(task.threads)
        for start in range(0, len(base), ADD_ROWS):
            rows = as_float32(base[start : start + ADD_ROWS])
            index.add_items(rows, np.arange(start, start + len(rows)))
        index.save_index(str(Path(task.folder, "index.bin")))

    def open(self, task: Task) -> HnswlibSearcher:
        """Load it."""
        return HnswlibSearcher(task)


class UsearchSearcher:
    """An open usearch index, its vectors in float16."""

    def __init__(self, task: Task) -> None:
        """Load the graph and its vectors into memory."""
        from usearch.index import Index

        self._path = Path(task.folder, "index.usearch")
        self._index: Any = Index.restore(str(self._path), view=False)
        self._threads = task.threads
        self._knob = _knob(task, len(open_base(task.base)))

    def describe(self) -> Description:
        """All of it resident."""
        params = {"connectivity": M, "expansion_add": EF_CONSTRUCTION, "dtype": "f16"}
        return Description(f"hnsw{M},f16", params, size_of(self._path), knob=self._knob)

    def search(self, queries: Vectors, k: int, setting: Setting) -> Any:  # noqa: ANN401
        """Its own matches, one query or many."""
        self._index.expansion_search = setting.value
        return self._index.search(queries, k, threads=self._threads)

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """Keys are rows; places beyond the number of matches hold nothing."""
        keys = np.atleast_2d(np.asarray(found.keys)).astype(np.int64)
        counts = np.atleast_1d(np.asarray(getattr(found, "counts", keys.shape[1])))
        ids = padded(keys, k)
        ids[np.arange(k)[None, :] >= counts[:, None]] = -1
        return ids


class Usearch:
    """github.com/unum-cloud/usearch."""

    def build(self, task: Task) -> None:
        """Add the rows in order, with all threads."""
        from usearch.index import Index

        base = open_base(task.base)
        index = Index(
            ndim=base.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=M,
            expansion_add=EF_CONSTRUCTION,
        )
        for start in range(0, len(base), ADD_ROWS):
            rows = as_float32(base[start : start + ADD_ROWS])
            index.add(np.arange(start, start + len(rows)), rows, threads=task.threads)
        index.save(str(Path(task.folder, "index.usearch")))

    def open(self, task: Task) -> UsearchSearcher:
        """Load it."""
        return UsearchSearcher(task)
