"""How long `polyseek --help` takes, as a ratio to the least a typer program can take.

    python -m benchmarks.perf.startup_ratio [--rounds 20]

The limit is a typer program with one empty command, started by the same interpreter.
"""

import argparse
import subprocess
import sys

from benchmarks.perf.timing import interleave

BARE = """
import typer
app = typer.Typer()
@app.command()
def nothing() -> None: ...
app(['--help'])
"""
OURS = "from cli.commands import app; app(['--help'])"


def measure(rounds: int) -> str:
    """Run both, turn by turn; returns one line for a reader."""

    def arm(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)

    times = interleave(
        {"bare typer": lambda _: arm(BARE), "polyseek": lambda _: arm(OURS)}, rounds=rounds
    )
    ours, bare = times["polyseek"], times["bare typer"]
    return (
        f"--help: {ours.p50_ms:.0f} ms, bare typer {bare.p50_ms:.0f} ms, "
        f"ratio {ours.p50_ms / bare.p50_ms:.2f} (median of {rounds} interleaved rounds)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    sys.stdout.write(measure(parser.parse_args().rounds) + "\n")


if __name__ == "__main__":
    main()
