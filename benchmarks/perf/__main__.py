"""`python -m benchmarks.perf`: every ratio that needs no data beyond what packages carry."""

import runpy
import sys

BENCHMARKS = ("startup_ratio", "search_ratio", "device_ratio")


def main() -> None:
    """Run one after the other, each with its defaults."""
    for name in BENCHMARKS:
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        sys.argv = [name]
        runpy.run_module(f"benchmarks.perf.{name}", run_name="__main__")
    sys.stdout.write(
        "index_ratio, index_peers and encoder_ratio need a folder of pictures: see --help of each\n"
    )


if __name__ == "__main__":
    main()
