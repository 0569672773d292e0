"""What each way to compose finds, on pictures whose right answers are known.

    python -m benchmarks.composed [--model local-dir:FOLDER] [--per-attribute 60] [--seeds 5]

The pictures are those of `benchmarks.shapes`: 960 combinations of colour, shape, size and place,
three pictures of each. A query shows a picture of one combination and says one change ("blue", "in
the middle"); the three pictures of the changed combination are its answers. Without --model a small
CLIP is trained, a minute on one core, that has never seen a fifth of the combinations.

Reported: mAP@10 over all queries and by the attribute that changes, and the standard error over
draws of queries. Ways above the line know the picture and the change; those below it also know the
word for what the picture has instead ("red").
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.shapes.pictures import VALUES, draw
from benchmarks.shapes.triplets import Triplet, sample_triplets
from benchmarks.shapes.world import World, encoder_of, opened_world
from retrieval.encoders.base import Encoder
from retrieval.model import Float32Array
from retrieval.query.algebra import Expression, Text, Vector
from retrieval.query.modes import Mode, composed
from retrieval.query.ways import Product, Residual, Slerp

K = 10
_QUERY_SEED = 3_000_000

Way: TypeAlias = Callable[[Vector, Triplet], Expression]

WITH_A_CHANGE: dict[str, Way] = {
    "text only": lambda _, asked: Text(asked.change),
    "image only": lambda image, _: image,
    "sum": lambda image, asked: image + Text(asked.change),
    "sum, text 1.5": lambda image, asked: image + Text(asked.change) * 1.5,
    "sum, text 2": lambda image, asked: image + Text(asked.change) * 2.0,
    "slerp 0.5": lambda image, asked: Slerp(image, Text(asked.change), 0.5),
    "slerp 0.75": lambda image, asked: Slerp(image, Text(asked.change), 0.75),
    "slerp 0.7": lambda image, asked: Slerp(image, Text(asked.change), 0.7),
    "slerp 0.8": lambda image, asked: Slerp(image, Text(asked.change), 0.8),
    "residual 1": lambda image, asked: Residual(image, (Text(asked.change),), gain=1.0),
    "residual 1.5": lambda image, asked: Residual(image, (Text(asked.change),), gain=1.5),
    "residual 2": lambda image, asked: Residual(image, (Text(asked.change),), gain=2.0),
    "product": lambda image, asked: Product(image, Text(asked.change)),
    "auto": lambda image, asked: composed(image + Text(asked.change), Mode()),
}
"""Ways to ask with a picture and a change."""

WITH_THE_UNDONE: dict[str, Way] = {
    "sum, minus": lambda image, asked: image + Text(asked.change) - Text(asked.undone),
    "sum, text 1.5, minus": lambda image, asked: (
        image + Text(asked.change) * 1.5 - Text(asked.undone)
    ),
    "signed sum": lambda image, asked: image + Text(asked.change) + -Text(asked.undone),
    "slerp 0.7, minus": lambda image, asked: (
        Slerp(image, Text(asked.change), 0.7) - Text(asked.undone)
    ),
    "residual 0.5, both": lambda image, asked: _edit(image, asked, 0.5),
    "residual 0.7, both": lambda image, asked: _edit(image, asked, 0.7),
    "residual 1, both": lambda image, asked: _edit(image, asked, 1.0),
    "auto, minus": lambda image, asked: composed(
        image + Text(asked.change) - Text(asked.undone), Mode()
    ),
}
"""Ways to ask that say what is to go as well."""


def _edit(image: Vector, asked: Triplet, gain: float) -> Expression:
    return Residual(image, (Text(asked.change),), (Text(asked.undone),), gain)


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries and their pictures.

    Attributes:
        triplets: n of them.
        images: (n, dim) unit rows, the pictures of the references.
    """

    triplets: tuple[Triplet, ...]
    images: Float32Array

    @classmethod
    def draw(cls, encoder: Encoder, per_attribute: int, seed: int) -> "Asked":
        """Draw queries; their pictures are none of the gallery's."""
        triplets = tuple(sample_triplets(per_attribute, seed))
        pictures = [draw(each.reference, _QUERY_SEED + seed) for each in triplets]
        return cls(triplets, encoder.encode_images(pictures))


def average_precisions(world: World, asked: Asked, way: Way) -> list[float]:
    """The average precision of each query among its K best."""
    queries = [
        way(Vector.of(image), each)
        for image, each in zip(asked.images, asked.triplets, strict=True)
    ]
    answers = world.answers(queries, K)
    relevant = np.array(
        [
            [shown == each.target for shown in found]
            for found, each in zip(answers, asked.triplets, strict=True)
        ]
    )
    n_relevant = np.full(len(queries), world.views)
    averages: list[float] = average_precision_at_k(relevant, n_relevant).tolist()
    return averages


def table(world: World, draws: Sequence[Asked], ways: dict[str, Way]) -> list[str]:
    """A line for each way: mAP@10 of all, its standard error over draws, and by attribute."""
    attributes = [each.attribute for asked in draws for each in asked.triplets]
    lines = []
    for name, way in ways.items():
        by_draw = [average_precisions(world, asked, way) for asked in draws]
        means = [float(np.mean(each)) for each in by_draw]
        spread = float(np.std(means, ddof=1)) / len(means) ** 0.5 if len(means) > 1 else 0.0
        every = np.concatenate(by_draw)
        own = [every[[each == name for each in attributes]].mean() for name in VALUES]
        shown = " | ".join(f"{value:.3f}" for value in own)
        lines.append(f"| {name} | {np.mean(means):.3f} +- {spread:.3f} | {shown} |")
    return lines


def main() -> None:
    """Index, ask in every way, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="an encoder that knows the shapes; default: train one")
    parser.add_argument("--per-attribute", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5, help="draws of queries")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        encoder = encoder_of(options.model, folder / "model")
        with opened_world(encoder, folder) as world:
            draws = [
                Asked.draw(encoder, options.per_attribute, seed) for seed in range(options.seeds)
            ]
            lines = ["| way | mAP@10 | " + " | ".join(VALUES) + " |"]
            lines.append("|---" * (2 + len(VALUES)) + "|")
            for ways in (WITH_A_CHANGE, WITH_THE_UNDONE):
                lines += table(world, draws, ways)
            sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
