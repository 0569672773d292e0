"""What a composed query costs beside a plain text query, after encoding.

    python -m benchmarks.perf.compose_ratio --base base.npy --train-texts train_text.npy
        --text-queries q_text.npy --image-queries q_image.npy [--collection FOLDER] [--rounds 300]

One line. A collection is built of the vectors, in --collection if that is named (and used again if
it is there). Vectors stand for encoded texts and images, so that what is timed is the engine, from
an expression to ten hits with their records: one query at a time, all ways taking turns. Reported:
median milliseconds, and their ratio to the plain text query's.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.perf.search_ratio import ReadyVectors, build_collection
from benchmarks.perf.timing import interleave
from retrieval.engine import SearchEngine
from retrieval.model import Float32Array
from retrieval.query.algebra import Expression, Vector
from retrieval.query.ways import Product, Residual, Slerp

Way: TypeAlias = Callable[[Vector, Vector, Vector], Expression]

WAYS: dict[str, Way] = {
    "text": lambda text, other, image: text,
    "image": lambda text, other, image: image,
    "text + text": lambda text, other, image: text + other,
    "image + text": lambda text, other, image: image + text,
    "slerp(image, text)": lambda text, other, image: Slerp(image, text),
    "slerp(text, text)": lambda text, other, image: Slerp(text, other),
    "residual(image, text, text)": lambda text, other, image: Residual(image, (text,), (other,)),
    "text - text": lambda text, other, image: text - other,
    "product(image, text)": lambda text, other, image: Product(image, text),
}
"""Ways to put a text, another text and an image together."""


def measure(
    engine: SearchEngine, texts: list[Vector], images: list[Vector], rounds: int
) -> list[str]:
    """A line for each way, as a table."""

    def ask(way: Way, number: int) -> None:
        text, image = texts[number % len(texts)], images[number % len(images)]
        engine.search(way(text, texts[(number + 1) % len(texts)], image))

    timings = interleave(
        {name: partial(ask, way) for name, way in WAYS.items()}, rounds=rounds, warm_up=10
    )
    plain = timings["text"].p50_ms
    lines = ["| query | ms | over a text |", "|---|---|---|"]
    for name, timing in timings.items():
        lines.append(f"| {name} | {timing.p50_ms:.2f} | {timing.p50_ms / plain:.2f} |")
    return lines


def _rows(path: Path) -> Float32Array:
    rows: Float32Array = np.load(path).astype(np.float32)
    return rows


def main() -> None:
    """Build or open the collection, measure, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--base", "--train-texts", "--text-queries", "--image-queries"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.collection or Path(temporary) / "collection"
        encoder = ReadyVectors(_rows(options.train_texts))
        if not folder.exists():
            build_collection(folder, _rows(options.base), encoder)
        texts = [Vector.of(row, "text") for row in _rows(options.text_queries)]
        images = [Vector.of(row, "image") for row in _rows(options.image_queries)]
        with SearchEngine.open(folder, encoder=encoder, device="cpu") as engine:
            sys.stdout.write("\n".join(measure(engine, texts, images, options.rounds)) + "\n")


if __name__ == "__main__":
    main()
