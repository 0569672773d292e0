"""FAISS as its own users have it: any factory key, and what autofaiss makes of the same memory."""

import contextlib
import re
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

SAMPLE = 262_144
"""Rows to train on, at most."""

_INDEX = "index.faiss"

_WORKING_BYTES = 8_000_000_000
"""That autofaiss is allowed while it builds, besides the index: it refuses to build one that takes
more than nine tenths of the memory it is told of."""

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class FaissSearcher:
    """An open FAISS index, with its nprobe or efSearch as the knob."""

    def __init__(self, task: Task, spec: str) -> None:
        """Load the index into memory."""
        import faiss

        faiss.omp_set_num_threads(task.threads)
        self._faiss = faiss
        self._path = Path(task.folder, _INDEX)
        self._index = faiss.read_index(str(self._path))
        self._spec = spec
        self._value: int | None = None
        self._knob = self._find_knob(task)

    def describe(self) -> Description:
        """All of it resident."""
        return Description(self._spec, {}, size_of(self._path), knob=self._knob)

    def search(self, queries: Vectors, k: int, setting: Setting) -> Any:  # noqa: ANN401
        """Distances and rows."""
        value = setting.value
        if self._knob is not None and value is not None and value != self._value:
            space = self._faiss.ParameterSpace()
            space.set_index_parameter(self._index, self._knob.name, float(value))
            self._value = value
        return self._index.search(queries, k)

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """FAISS marks what is missing by -1, as we do."""
        return padded(found[1], k)

    def _find_knob(self, task: Task) -> "Knob | None":
        index: Any = self._index
        if isinstance(index, self._faiss.IndexPreTransform):
            index = self._faiss.downcast_index(index.index)
        base = getattr(index, "base_index", None)
        if base is not None:
            index = self._faiss.downcast_index(base)
        if hasattr(index, "nprobe"):
            steps = range(index.nlist.bit_length())
            return Knob("nprobe", sorted({min(1 << step, index.nlist) for step in steps}))
        if hasattr(index, "hnsw"):
            return Knob("efSearch", [ef for ef in (16 << s for s in range(9)) if ef >= task.k])
        return None


class Faiss:
    """Any key of FAISS's index_factory, with inner products."""

    def build(self, task: Task) -> None:
        """Train on a sample of the base, and add it."""
        import faiss

        faiss.omp_set_num_threads(task.threads)
        base = open_base(task.base)
        index = faiss.index_factory(base.shape[1], task.option, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            rng = np.random.default_rng(task.seed)
            size = min(SAMPLE, len(base))
            index.train(as_float32(base[np.sort(rng.choice(len(base), size, replace=False))]))
        for start in range(0, len(base), ADD_ROWS):
            index.add(as_float32(base[start : start + ADD_ROWS]))
        faiss.write_index(index, str(Path(task.folder, _INDEX)))

    def open(self, task: Task) -> FaissSearcher:
        """Load it."""
        return FaissSearcher(task, task.option)


class Autofaiss:
    """github.com/criteo/autofaiss, asked for an index of the same memory, or another."""

    def build(self, task: Task) -> None:
        """Let it choose key and settings; what it says is kept."""
        import json

        import autofaiss

        vectors = Path(task.folder, "vectors")
        vectors.mkdir()
        np.save(vectors / "base.npy", as_float32(open_base(task.base)))
        _, said = autofaiss.build_index(
            embeddings=str(vectors),
            index_path=str(Path(task.folder, _INDEX)),
            index_infos_path=str(Path(task.folder, "infos.json")),
            metric_type="ip",
            max_index_memory_usage=_memory(task),
            current_memory_available=f"{_WORKING_BYTES + 2 * _bytes(_memory(task))}B",
            nb_cores=task.threads,
        )
        if said is None:
            raise RuntimeError("it made no index; what it logged says why")
        (vectors / "base.npy").unlink()
        vectors.rmdir()
        said.pop("index_path", None)
        Path(task.folder, "said.json").write_text(json.dumps(said, default=str))

    def open(self, task: Task) -> "AutofaissSearcher":
        """Load it, with the settings it chose."""
        return AutofaissSearcher(task)


class AutofaissSearcher(FaissSearcher):
    """What autofaiss chose, left as it is."""

    def __init__(self, task: Task) -> None:
        """Load the index, and set what autofaiss chose."""
        import json

        self._said = json.loads(Path(task.folder, "said.json").read_text())
        super().__init__(task, str(self._said.get("index_key", "unknown")))
        self._memory = _memory(task)
        self._knob = None
        with contextlib.suppress(KeyError):
            space = self._faiss.ParameterSpace()
            space.set_index_parameters(self._index, str(self._said["index_param"]))

    def describe(self) -> Description:
        """Its key, and all that it says of itself."""
        params = {"max_index_memory_usage": self._memory, "said": self._said}
        return Description(self._spec, params, size_of(self._path))


def _memory(task: Task) -> str:
    """What the index may take, in autofaiss's spelling."""
    return task.option or f"{task.memory_bytes}B"


def _bytes(memory: str) -> int:
    """Bytes of a number with its unit, e.g. "1.5GB".

    Raises:
        ValueError: it is something else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?B)", memory.strip().upper())
    if found is None:
        raise ValueError(f"a memory is a number with B, KB, MB, GB or TB, not {memory!r}")
    return int(float(found[1]) * _UNITS[found[2]])
