"""What a build takes of memory and time: growth of RssAnon in a process that builds and no more.

    python -m benchmarks.perf.build_memory --items 50000 --max-memory 50MB

The process imports everything first; what follows is its own doing. Pages of mapped files, which
the system takes back at need, do not count.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.perf.synthetic import CrossModalSpace
from indexer.embeddings import Embeddings, index_embeddings
from indexer.options import BuildOptions, IndexOptions
from indexer.writer import CollectionWriter
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.spec import IndexSpec
from retrieval.memory import parse_size
from retrieval.model import EncoderInfo

_SAMPLED_S = 0.005
TEXTS = 25_000
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a build took.

    Attributes:
        seconds: of the whole.
        peak_bytes: largest growth of RssAnon.
        stages: largest growth by the stage in which it was seen, in bytes.
        disk_bytes: of the collection.
    """

    seconds: float
    peak_bytes: int
    stages: dict[str, int]
    disk_bytes: int


class MemoryWatch(logging.Handler):
    """Samples RssAnon from its start on; the builder's log tells it which stage it is."""

    def __init__(self) -> None:
        """Note what there is now."""
        super().__init__(logging.INFO)
        self._before = anonymous_bytes()
        self._stage = "taking the vectors"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.stages: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take the name of the next stage."""
        self._stage = record.getMessage()

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLED_S):
            growth = anonymous_bytes() - self._before
            self.stages[self._stage] = max(growth, self.stages.get(self._stage, 0))


def anonymous_bytes() -> int:
    """RssAnon of this process."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"{_STATUS} has no RssAnon")


def measured_build(
    folder: Path,
    max_memory: int | None,
    *,
    items: int,
    dim: int = 512,
    with_texts: bool = False,
    spec: str = "auto",
) -> Measured:
    """Build a collection of synthetic vectors in a process of its own.

    Args:
        folder: an empty one, to work in.
        max_memory: as in `BuildOptions`.
        items: vectors.
        dim: of each.
        with_texts: give the build texts to learn the routes from, too.
        spec: of the index.
    """
    space = CrossModalSpace(dim)
    np.save(folder / "base.npy", space.images(items))
    (folder / "ids.txt").write_text("".join(f"rows/{number:09}\n" for number in range(items)))
    if with_texts:
        np.save(folder / "texts.npy", space.texts(TEXTS))
    command = [sys.executable, "-m", __spec__.name, "--worker", str(folder), "--index", spec]
    if max_memory is not None:
        command += ["--max-memory", str(max_memory)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def _work(folder: Path, max_memory: int | None, spec: str) -> Measured:
    """Build what `measured_build` has put into a folder, in this process."""
    _import_everything()
    texts = folder / "texts.npy"
    build = BuildOptions(
        spec=IndexSpec.parse(spec),
        max_memory=max_memory,
        foreign_queries=np.load(texts, mmap_mode="r") if texts.exists() else None,
    )
    source = Embeddings(
        folder / "base.npy", folder / "ids.txt", model="benchmark", fingerprint="0" * 64
    )
    log = logging.getLogger("indexer.build")
    log.setLevel(logging.INFO)
    started_s = time.monotonic()
    with MemoryWatch() as watch:
        log.addHandler(watch)
        index_embeddings(source, folder / "collection", options=IndexOptions(build=build))
    seconds = time.monotonic() - started_s
    files = (path for path in (folder / "collection").rglob("*") if path.is_file())
    disk = sum(path.stat().st_size for path in files)
    return Measured(seconds, max(watch.stages.values()), watch.stages, disk)


def _import_everything() -> None:
    """Load what is loaded when it is first needed, down to the migrations of the catalogue."""
    load_faiss()
    import torch

    weight = torch.ones(1).requires_grad_()
    torch.optim.AdamW([weight])
    space = EncoderInfo("benchmark", 8, "0" * 64)
    with tempfile.TemporaryDirectory() as folder:
        CollectionWriter.open(Path(folder, "collection"), space).close()


def main() -> None:
    """Build and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--max-memory", type=parse_size)
    parser.add_argument("--texts", action="store_true", help="learn the routes of texts, too")
    parser.add_argument("--index", default="auto", metavar="SPEC")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        sys.stdout.write(json.dumps(asdict(_work(asked.worker, asked.max_memory, asked.index))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measured_build(
            Path(folder),
            asked.max_memory,
            items=asked.items,
            dim=asked.dim,
            with_texts=asked.texts,
            spec=asked.index,
        )
    sys.stdout.write(f"{found.seconds:.1f} s, {found.peak_bytes / 1e6:.1f} MB\n")
    for stage, n_bytes in found.stages.items():
        sys.stdout.write(f"  {stage}: {n_bytes / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
