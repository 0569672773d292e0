"""What ranks cost beside the matrix product that they need, and how much memory they take.

    python -m benchmarks.perf.ranks_ratio [--queries 25010] [--items 5000] [--right 1] [--rounds 3]
    python -m benchmarks.perf.ranks_ratio --items 500000 --queries 4000 --of 100000 --mapped

The first is COCO's 5,000 pictures and their captions. The product is taken in the same blocks, and
both take turns. `best` ranks one right answer a query, `every` all of --right. The vectors are
synthetic (`synthetic`); with --alike they are one vector, the worst that can be. With --of, the
seconds are also told for so many queries: each block of queries goes through the whole gallery for
itself, so that time grows as their number does. With --mapped the gallery is the map of a file.
Memory is growth of RssAnon while ranks are made, and the peak of the whole process.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.metrics import counting
from benchmarks.metrics.ranks import Positives, best_ranks, positive_ranks
from benchmarks.perf.build_memory import MemoryWatch
from benchmarks.perf.synthetic import CrossModalSpace
from benchmarks.perf.timing import interleave
from retrieval.memory import give_back, parse_size
from retrieval.model import Float32Array


def product(queries: Float32Array, gallery: Float32Array, work_bytes: int) -> None:
    """All scores, in the blocks that ranks take, and nothing made of them."""
    b, c = counting.shape_of_blocks(len(queries), len(gallery), gallery.shape[1], work_bytes)
    for first in range(0, len(queries), b):
        for start in range(0, len(gallery), c):
            _ = queries[first : first + b] @ gallery[start : start + c].T


def positives(n_queries: int, n_items: int, right: int) -> Positives:
    """As many right answers for each query, drawn."""
    rng = np.random.default_rng(0)
    items = rng.integers(0, n_items - right + 1, n_queries)[:, None] + np.arange(right)
    return Positives(np.arange(n_queries + 1) * right, items.ravel())


def measure(queries: Float32Array, gallery: Float32Array, options: argparse.Namespace) -> list[str]:
    """One line a way to rank."""
    work_bytes = parse_size(options.work)
    right = positives(len(queries), len(gallery), options.right)
    arms: dict[str, Callable[[int], object]] = {
        "product": lambda _: product(queries, gallery, work_bytes),
        "best": lambda _: best_ranks(queries, gallery, right, work_bytes=work_bytes),
        "every": lambda _: positive_ranks(queries, gallery, right, work_bytes=work_bytes),
    }
    taken = {}
    for name, arm in arms.items():
        give_back()
        with MemoryWatch() as watch:
            arm(0)
        taken[name] = max(watch.stages.values(), default=0)
    timings = interleave(arms, rounds=options.rounds, warm_up=0)
    times = (options.of or len(queries)) / len(queries)
    lines = ["| way | s | of all, s | over the product | RssAnon grows by, MB |", "|---" * 5 + "|"]
    for name, timing in timings.items():
        seconds, ratio = timing.p50_ms / 1e3, timing.p50_ms / timings["product"].p50_ms
        lines.append(
            f"| {name} | {seconds:.2f} | {times * seconds:.0f} | {ratio:.2f} "
            f"| {taken[name] / 2**20:.0f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*lines, f"peak of the process, mapped pages too: {peak:.0f} MB"]


def main() -> None:
    """Draw vectors, measure, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = {"queries": 25_010, "items": 5_000, "dim": 512, "right": 1, "rounds": 3, "of": 0}
    for name, value in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--work", default=f"{counting.WORK_BYTES >> 20}MB")
    parser.add_argument("--mapped", action="store_true")
    parser.add_argument("--alike", action="store_true")
    options = parser.parse_args()
    space = CrossModalSpace(options.dim)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gallery.npy")
        np.save(path, space.images(options.items))
        queries = space.texts(options.queries)
        gallery: Float32Array = np.load(path, mmap_mode="r" if options.mapped else None)
        if options.alike:
            gallery = np.repeat(gallery[:1], options.items, axis=0)
        sys.stdout.write("\n".join(measure(queries, gallery, options)) + "\n")


if __name__ == "__main__":
    main()
