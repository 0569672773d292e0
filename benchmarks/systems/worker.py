"""The process that one system runs in: takes commands on stdin, a JSON object a line, and answers.

Started by `benchmarks.systems.process` as a script, so that it runs in environments that know
nothing of polyseek; there it sees this package alone. Threads are limited before NumPy is loaded.
"""

import contextlib
import importlib
import importlib.metadata
import json
import math
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """Carries the commands out."""

    def __init__(self, module: str, kind: str, task: "dict[str, Any]") -> None:
        """Load the system, not yet its library."""
        from benchmarks.systems.base import Task

        self._task = Task(**task)
        self._system = getattr(importlib.import_module(module), kind)()
        self._searcher: Any = None

    def load(self, package: str) -> "dict[str, Any]":
        """Import the library that does the work, so that no measure begins with it."""
        version = getattr(importlib.import_module(package), "__version__", None)
        if version is None:  # hnswlib has none
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                version = importlib.metadata.version(package)
        return {"version": str(version or "")}

    def build(self) -> "dict[str, Any]":
        """Build, and time it."""
        started_ns = time.perf_counter_ns()
        self._system.build(self._task)
        return {"seconds": (time.perf_counter_ns() - started_ns) / 1e9}

    def open(self) -> "dict[str, Any]":
        """Open what was built, and time it."""
        started_ns = time.perf_counter_ns()
        self._searcher = self._system.open(self._task)
        elapsed_ns = time.perf_counter_ns() - started_ns
        about = self._searcher.describe()
        knob = about.knob
        return {
            "ms": elapsed_ns / 1e6,
            "spec": about.spec,
            "params": about.params,
            "resident_bytes": about.resident_bytes,
            "page_cache_bytes": about.page_cache_bytes,
            "knob": None if knob is None else knob.name,
            "ladder": [] if knob is None else list(knob.ladder),
        }

    def search(self, asked: "dict[str, Any]") -> "dict[str, Any]":
        """Answer queries `batch` at a time; durations of the calls, and the rows if `out` is named.

        `start` and `calls` choose which: call i begins at query start + i * batch, and goes on at
        the first query after the last one.
        """
        import numpy as np

        from benchmarks.systems.base import Setting

        vectors = np.load(asked["queries"])
        parts = None if asked.get("parts") is None else np.load(asked["parts"])
        k, batch, out = asked["k"], asked["batch"], asked.get("out")
        durations, rows = [], []
        for call in range(asked["calls"]):
            first = asked["start"] + call * batch
            size = batch if out is None else min(batch, len(vectors) - first)
            chosen = np.arange(first, first + size) % len(vectors)
            queries = np.ascontiguousarray(vectors[chosen])
            own = None if parts is None else np.ascontiguousarray(parts[chosen])
            setting = Setting(asked["modality"], asked["value"], own)
            started_ns = time.perf_counter_ns()
            found = self._searcher.search(queries, k, setting)
            durations.append(time.perf_counter_ns() - started_ns)
            if out is not None:
                rows.append(self._searcher.rows(found, k))
        if out is not None:
            np.save(out, np.vstack(rows))
        return {"ns": durations}


def _finite(value: Any) -> Any:  # noqa: ANN401
    """The same with None for NaN and infinity, which JSON lacks and peers may say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def main() -> None:
    """Serve until stdin ends."""
    start = json.loads(sys.argv[1])
    for name in _THREAD_VARIABLES:
        os.putenv(name, str(start["task"]["threads"]))
    os.putenv("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin slow every library on busy cores
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    root = Path(__file__).resolve().parents[2]
    if start["is_own"]:
        sys.path.insert(0, str(root))
    else:
        package = types.ModuleType("benchmarks")
        package.__path__ = [str(root / "benchmarks")]
        sys.modules["benchmarks"] = package
    worker: Any = None
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop("do")
        try:
            if worker is None:
                worker = Worker(start["module"], start["kind"], start["task"])
            answer = getattr(worker, name)(**command)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is the answer
            answer = {"error": type(error).__name__, "message": str(error)}
        answers.write(json.dumps(_finite(answer), default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
