"""What searching a collection takes of memory: growth of RssAnon in a process that searches.

    python -m benchmarks.perf.search_memory --items 50000 [--max-memory 60MB]
    python -m benchmarks.perf.search_memory --collection FOLDER [--max-memory 120MB]

Without --collection one of synthetic vectors is built in a temporary folder. The process imports
everything first; what follows is its own doing: opening, images and texts one by one, in a batch,
with filters that keep many and few, with items that are left out, and hits with their records. The
queries are vectors of the collection's own items and sums of these, so that no encoder is needed.
Pages of mapped files, which the system takes back at need, do not count.
"""

import argparse
import gc
import json
import logging
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.perf.build_memory import Measured, MemoryWatch
from benchmarks.perf.search_ratio import ReadyVectors, build_collection
from benchmarks.perf.synthetic import CrossModalSpace
from retrieval.ann.faiss_io import load_faiss
from retrieval.engine import SearchEngine
from retrieval.memory import give_back, parse_size
from retrieval.model import Float32Array, ItemId
from retrieval.query.algebra import ItemRef, Query
from retrieval.store.collection import Collection
from retrieval.store.filters.grammar import parse_filter

_ASKED = 100
_BATCH = 256
_K = 10
_FILTERS = ("width > 0", "width >= 1", "width > 1", "not has gps", "height > 0", "width > 100000")
_log = logging.getLogger(__spec__.name if __spec__ else __name__)


def measured_search(folder: Path, max_memory: int | None) -> Measured:
    """Search a collection in a process of its own.

    Args:
        folder: of the collection.
        max_memory: as in `SearchEngine.open`.
    """
    command = [sys.executable, "-m", __spec__.name, "--worker", "--collection", str(folder)]
    if max_memory is not None:
        command += ["--max-memory", str(max_memory)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def build(folder: Path, items: int, dim: int = 512, texts: int = 20_000) -> None:
    """A collection of synthetic vectors, in segments as a run makes them."""
    space = CrossModalSpace(dim)
    build_collection(folder, space.images(items), ReadyVectors(space.texts(texts)))


def _work(folder: Path, max_memory: int | None) -> Measured:
    """Search in this process."""
    _import_everything(folder)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    started_s = time.monotonic()
    with MemoryWatch() as watch:
        _log.addHandler(watch)
        _log.info("opening")
        with SearchEngine.open(folder, device="cpu", max_memory=max_memory) as engine:
            _search(engine)
    seconds = time.monotonic() - started_s
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Measured(seconds, max(watch.stages.values()), watch.stages, disk)


def _search(engine: SearchEngine) -> None:
    gallery = engine.collection.gallery("images")
    step = max(1, gallery.entry.n_rows // _BATCH)  # a copy of all ids would count
    some = np.concatenate([segment.ids[::step] for segment in gallery.segments])
    ids = np.setdiff1d(some, gallery.tombstones)[:_BATCH]
    vectors = _mixed(gallery.gather(ids))
    for modality in ("image", "text", "composed"):
        _log.info(f"{modality}s, one by one")
        for vector in vectors[:_ASKED]:
            engine.search_vectors(vector[None], _K, modality=modality)
    _log.info("a batch")
    engine.search_vectors(vectors, _K, modality="text")
    _log.info("hits")
    for item in ids[:_ASKED].tolist():
        engine.search(Query(ItemRef(ItemId(item))), _K)
    _log.info("hits of a batch")
    engine.search_batch([Query(ItemRef(ItemId(each))) for each in ids.tolist()], _K)
    for text in _FILTERS:
        _log.info(f"filter {text}")
        where = parse_filter(text)
        engine.search_vectors(
            vectors[:16], _K, exclude=[*map(ItemId, ids[:3].tolist())], where=where
        )
        engine.search(Query(ItemRef(ItemId(int(ids[0])))), _K, where=where)
    _log.info("1,000 hits")
    engine.search(Query(ItemRef(ItemId(int(ids[0])))), 1_000)


def _mixed(rows: Float32Array) -> Float32Array:
    """Sums of two rows each, of length 1: queries that no item answers by itself."""
    sums = rows + np.roll(rows, 1, axis=0)
    unit: Float32Array = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return unit


def _import_everything(folder: Path) -> None:
    """Load what is loaded when it is first needed: FAISS, BLAS, the catalogue's statements."""
    load_faiss()
    square = np.ones((256, 256), np.float32)
    square @ square
    with Collection.open(folder) as collection:
        first = int(collection.gallery("images").segments[0].ids[0])
        collection.catalogue.hydrate([ItemId(first)], collection.generation)
        import safetensors.numpy  # noqa: F401
    del collection
    gc.collect()
    give_back()  # what this has freed would not count when it is used again


def main() -> None:
    """Search and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--max-memory", type=parse_size)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        sys.stdout.write(json.dumps(asdict(_work(asked.collection, asked.max_memory))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.collection or Path(scratch, "collection")
        if asked.collection is None:
            build(folder, asked.items, asked.dim)
        found = measured_search(folder.resolve(), asked.max_memory)
    sys.stdout.write(f"{found.seconds:.1f} s, {found.peak_bytes / 1e6:.1f} MB\n")
    for stage, n_bytes in found.stages.items():
        sys.stdout.write(f"  {stage}: {n_bytes / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
