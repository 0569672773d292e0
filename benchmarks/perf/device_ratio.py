"""Time of exact search, training and coding on a device, beside raw calls and the CPU.

    python -m benchmarks.perf.device_ratio [--device cpu|cuda] [--items 100000] [--dim 512]

The raw product is by hand what exact search screens with: half-precision rows that lie on the
device, a matrix product and the k best; float16 on CUDA, bfloat16 on a CPU. Exact search reads the
rows of a gallery, and its answers are those of float32 dot products, bit for bit. k-means and
coding are timed on the device and on the CPU, turn by turn.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.perf.synthetic import CrossModalSpace
from benchmarks.perf.timing import Timing, interleave
from retrieval.ann.clustering import spherical_kmeans
from retrieval.ann.codebook import Codebook
from retrieval.ann.devices import computing_device
from retrieval.ann.fanout import FanOut, Part
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

_K = 10
_LISTS = 256
_SAMPLE = 20_000
_ROUNDS = 3


class MemoryRows:
    """The float16 rows of one segment, in memory."""

    def __init__(self, rows: Float16Array) -> None:
        self.rows = rows
        self.n, self.dim = rows.shape

    def check_size(self) -> None:
        """Memory is not cut short."""

    def check_rows(self, rows: Int64Array) -> None:
        """Nor does it decay."""

    def gather_half(self, rows: Int64Array) -> Float16Array:
        """The named rows in their order."""
        return self.rows[rows]

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order, cast."""
        for start in range(0, self.n, chunk_rows):
            yield start, as_single(self.rows[start : start + chunk_rows])


def raw_product(rows: Float16Array, device: str) -> Callable[[Float32Array], object]:
    """The product of queries with rows that lie on the device, and the k best, by hand."""
    import torch

    dtype = torch.float16 if device.startswith("cuda") else torch.bfloat16
    kept = torch.from_numpy(rows).to(device).to(dtype)

    def search(queries: Float32Array) -> object:
        half = torch.from_numpy(queries).to(device).to(dtype)
        found = (half @ kept.T).topk(_K, dim=1)
        return found.values.float().cpu(), found.indices.cpu()

    return search


def measure_search(
    rows: Float16Array, queries: Float32Array, device: str, rounds: int
) -> dict[str, Timing]:
    """All queries in one batch: the raw product, and exact search on the same device."""
    ids = np.arange(len(rows))
    raw = raw_product(rows, device)
    ours = FanOut([Part(ids, MemoryRows(rows))], device=device)
    return interleave(
        {
            "raw product": lambda _: raw(queries),
            "exact search": lambda _: ours.search(queries, _K),
        },
        rounds=rounds,
        warm_up=1,
    )


def measure_build(vectors: Float32Array, device: str, rounds: int) -> list[dict[str, Timing]]:
    """k-means and coding on the CPU and on the device, which may be the CPU by the device's way."""
    sample = np.ascontiguousarray(vectors[:_SAMPLE])
    there = "cpu:0" if device == "cpu" else device  # the way of a device, taken on the CPU
    spec = IndexSpec("ivfpq", _LISTS, vectors.shape[1] // 2, bits=4)
    book = Codebook(train_codebook(sample, spec, seed=0))

    def kmeans(where: str) -> object:
        return spherical_kmeans(sample, _LISTS, shares=(1,) * _ROUNDS, seed=0, device=where)

    return [
        interleave(
            {"k-means, cpu": lambda _: kmeans("cpu"), "k-means, device": lambda _: kmeans(there)},
            rounds=rounds,
            warm_up=1,
        ),
        interleave(
            {
                "coding, cpu": lambda _: book.encode([(0, sample)]),
                "coding, device": lambda _: book.encode([(0, sample)], there),
            },
            rounds=rounds,
            warm_up=1,
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    device = computing_device(arguments.device)
    space = CrossModalSpace(arguments.dim)
    vectors, queries = space.images(arguments.items), space.texts(arguments.queries)
    groups = [
        measure_search(vectors.astype(np.float16), queries, device, arguments.rounds),
        *measure_build(vectors, device, arguments.rounds),
    ]
    sys.stdout.write(f"{device}: {arguments.items:,} x {arguments.dim}, {len(queries)} queries\n")
    for timings in groups:
        limit = next(iter(timings.values()))
        for name, timing in timings.items():
            sys.stdout.write(
                f"{name:16} p50 {timing.p50_ms:9.1f} ms  ratio {timing.p50_ms / limit.p50_ms:5.2f}"
                f"  (n={timing.rounds})\n"
            )


if __name__ == "__main__":
    main()
