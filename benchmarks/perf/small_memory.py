"""Memory that opening and searching a collection takes of its own, and answers with nothing cached.

    python -m benchmarks.perf.small_memory COLLECTION --images q_image.npy --texts q_text.npy

Memory of its own is what no file backs (RssAnon): the system cannot take it back. Vectors and codes
are mapped, so their pages are the system's to drop; that is done here (madvise and posix_fadvise),
and the same queries are asked again. Writes one JSON object:

    vector_bytes   of the vectors of all images
    own_bytes      memory of its own that opening, and all searches, have added
    mapped_bytes   pages of the collection's files in memory after the searches
    left_bytes     the same after they were dropped
    is_same        whether every answer was the same, scores included
    ms, cold_ms    median time of a query, before the pages were dropped and right after
"""

import argparse
import ctypes
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from retrieval.ann.exact import Ranking
from retrieval.ann.faiss_io import load_faiss
from retrieval.engine import SearchEngine
from retrieval.model import Float32Array, Modality

_MADV_DONTNEED = 4
_KIB = 1024
_K = 10


def own_bytes() -> int:
    """Memory of this process that no file backs."""
    return _KIB * _field(Path("/proc/self/status").read_text(), "RssAnon:")


def _field(text: str, name: str) -> int:
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name))


def mappings(folder: Path) -> Iterator[tuple[int, int, str, int]]:
    """What is mapped of the files below a folder: start, length, path, bytes in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        span, *_, path = line.split(maxsplit=5)
        if path.startswith(f"{folder}/"):
            start, end = (int(each, 16) for each in span.split("-"))
            resident = next(int(each.split()[1]) for each in lines if each.startswith("Rss:"))
            yield start, end - start, path, _KIB * resident


def mapped_bytes(folder: Path) -> int:
    """Bytes in memory of what is mapped of the files below a folder."""
    return sum(resident for *_, resident in mappings(folder))


def drop_pages(folder: Path) -> None:
    """Take the pages of mapped files out of this process and out of the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    for start, length, path, _ in [*mappings(folder)]:
        if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED):
            raise OSError(ctypes.get_errno(), f"madvise failed for {path}")
    for path in {path for _, _, path, _ in mappings(folder)}:
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def ask(
    engine: SearchEngine, queries: Mapping[Modality, Float32Array]
) -> tuple[list[Ranking], float]:
    """The answers, one query at a time, and the median time of one in ms."""
    answers, ms = [], []
    for modality, vectors in queries.items():
        for query in vectors:
            started = time.perf_counter()
            answers.append(engine.search_vectors(query[None], _K, modality=modality))
            ms.append((time.perf_counter() - started) * 1e3)
    return answers, float(np.median(ms))


def measure(folder: Path, queries: Mapping[Modality, Float32Array]) -> dict[str, object]:
    """What the docstring of the module lists."""
    torch.ones(2, 2) @ torch.ones(2, 2)  # libraries take their memory now
    load_faiss()
    ask_nothing = own_bytes()
    with SearchEngine.open(folder) as engine:
        first, _ = ask(engine, queries)
        grown, mapped = own_bytes() - ask_nothing, mapped_bytes(folder)
        _, ms = ask(engine, queries)
        drop_pages(folder)
        left = mapped_bytes(folder)
        again, cold_ms = ask(engine, queries)
        segments = engine.collection.gallery("images").segments
        n_bytes = sum(2 * len(each.ids) * each.vectors.dim for each in segments)
    return {
        "vector_bytes": n_bytes,
        "own_bytes": grown,
        "mapped_bytes": mapped,
        "left_bytes": left,
        "is_same": all(
            np.array_equal(before[0], after[0]) and np.array_equal(before[1], after[1])
            for before, after in zip(first, again, strict=True)
        ),
        "ms": ms,
        "cold_ms": cold_ms,
    }


def main() -> None:
    """Measure one collection."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collection", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--n-queries", type=int, default=100)
    arguments = parser.parse_args()
    queries: dict[Modality, Float32Array] = {
        "image": np.load(arguments.images)[: arguments.n_queries].astype(np.float32),
        "text": np.load(arguments.texts)[: arguments.n_queries].astype(np.float32),
    }
    sys.stdout.write(f"{json.dumps(measure(arguments.collection.resolve(), queries))}\n")


if __name__ == "__main__":
    main()
