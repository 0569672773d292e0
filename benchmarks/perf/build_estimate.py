"""How near estimates of builds come to the truth: ratios of estimated to taken.

    python -m benchmarks.perf.build_estimate --shape 20000x384 --shape 50000x512@50MB

Each build is one of vectors that are put in, in a process of its own. Wall time is what is
compared, so what else runs on the machine counts in both.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.perf.build_memory import TEXTS, measured_build
from indexer.estimate import BuildSize, estimate_build, look_at_machine
from retrieval.ann.spec import IndexSpec
from retrieval.memory import parse_size

_SHAPES = ("20000x384", "50000x512", "50000x512@50MB")


def compared(shape: str) -> str:
    """One line: the shape, then estimate, truth and ratio of seconds, memory and disk."""
    sizes, _, budget = shape.partition("@")
    n, dim = map(int, sizes.split("x"))
    max_memory = parse_size(budget) if budget else None
    spec = IndexSpec("auto").resolved(n, dim)
    size = BuildSize(n, dim, TEXTS, n, max_memory)
    before = look_at_machine()
    with tempfile.TemporaryDirectory() as folder:
        taken = measured_build(Path(folder), max_memory, items=n, dim=dim, with_texts=True)
    found = estimate_build(size, spec, before)
    pairs = {
        "s": (found.seconds, taken.seconds),
        "MB of memory": (found.peak_bytes / 1e6, taken.peak_bytes / 1e6),
        "MB on disk": (found.disk_bytes / 1e6, taken.disk_bytes / 1e6),
    }
    said = [
        f"{own:.1f} of {true:.1f} {unit} ({own / true:.2f})" for unit, (own, true) in pairs.items()
    ]
    return f"{shape}: " + ", ".join(said)


def main() -> None:
    """Print a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", action="append", metavar="NxDIM[@SIZE]")
    for shape in parser.parse_args().shape or _SHAPES:
        sys.stdout.write(compared(shape) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
