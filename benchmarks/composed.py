"""What each way to compose finds, on pictures whose right answers are known.

    python -m benchmarks.composed [--model local-dir:FOLDER] [--per-attribute 60] [--seeds 5]

The pictures are those of `benchmarks.shapes`: 960 combinations of colour, shape, size and place,
three pictures of each. A query shows a picture of one combination and says one change ("blue", "in
the middle"); the three pictures of the changed combination are its answers. Without --model a small
CLIP is trained, a minute on one core, that has never seen a fifth of the combinations.

Reported: mAP@10 over all queries and by the attribute that changes, and the standard error over
draws of queries; and the mAP@10 over as many other queries, with other pictures, for whatever is to
be chosen by these figures (the share of an arc, a gain, a template). The first ways know the
picture and the change; those that follow also know the word for what the picture has instead
("red"). Pseudo-tokens are those of a LinCIR phi that learnt from the captions of the trained
combinations.

A second table asks for two changes at once ("blue star").
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.shapes.lessons import TEMPLATES, lessons_of
from benchmarks.shapes.pictures import VALUES, draw
from benchmarks.shapes.triplets import Triplet, changed_again, sample_triplets
from benchmarks.shapes.world import World, encoder_of, opened_world
from retrieval.encoders.base import Encoder
from retrieval.learn.phi_lessons import PhiRecipe
from retrieval.learn.phi_lincir import train_lincir
from retrieval.model import Float32Array
from retrieval.query.algebra import Expression, Text, Vector
from retrieval.query.modes import Mode, ModeName, composed
from retrieval.query.ways import Product, Residual, Slerp

K = 10
_QUERY_SEED = 3_000_000
_OTHERS = 1_000
"""Seeds from here on draw the queries that are not reported."""

Way: TypeAlias = Callable[[Vector, Triplet], Expression]


def _in_template(template: str, image: Vector, asked: Triplet) -> Expression:
    return composed(image + Text(asked.change), Mode(ModeName.PSEUDO), template)


def _in_template_minus(template: str, image: Vector, asked: Triplet) -> Expression:
    return _in_template(template, image, asked) - Text(asked.undone)


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


BY_PSEUDO_TOKENS: dict[str, Way] = {
    f"`{template}`": partial(_in_template, template) for template in TEMPLATES
}
"""Ways to ask with a picture and a change, of a collection with a phi."""

BY_PSEUDO_TOKENS_WITH_THE_UNDONE: dict[str, Way] = {
    f"`{template}`, minus": partial(_in_template_minus, template) for template in TEMPLATES
}
"""The same, which say what is to go as well."""


def _edit(image: Vector, asked: Triplet, gain: float) -> Expression:
    return Residual(image, (Text(asked.change),), (Text(asked.undone),), gain)


EVERY_WAY = (
    WITH_A_CHANGE,
    BY_PSEUDO_TOKENS,
    WITH_THE_UNDONE,
    BY_PSEUDO_TOKENS_WITH_THE_UNDONE,
)


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
    def draw(
        cls, encoder: Encoder, per_attribute: int, seed: int, *, twice: bool = False
    ) -> "Asked":
        """Draw queries of one change, or of two; their pictures are none of the gallery's."""
        triplets = tuple(sample_triplets(per_attribute, seed))
        if twice:
            triplets = tuple(changed_again(triplets, seed))
        pictures = [draw(each.reference, _QUERY_SEED + seed) for each in triplets]
        return cls(triplets, encoder.encode_images(pictures))

    def without(self, known: Collection[Triplet]) -> "Asked":
        """The queries that are none of those."""
        kept = [number for number, each in enumerate(self.triplets) if each not in known]
        return Asked(tuple(self.triplets[number] for number in kept), self.images[kept])


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


def table(
    world: World, draws: Sequence[Asked], others: Sequence[Asked], ways: Mapping[str, Way]
) -> Iterator[str]:
    """A line for each way: mAP@10, its standard error over draws, by attribute, and of others."""
    attributes = [each.attribute for asked in draws for each in asked.triplets]
    for name, way in ways.items():
        by_draw = [average_precisions(world, asked, way) for asked in draws]
        means = [float(np.mean(each)) for each in by_draw]
        spread = float(np.std(means, ddof=1)) / len(means) ** 0.5 if len(means) > 1 else 0.0
        every = np.concatenate(by_draw)
        own = [every[[each == name for each in attributes]].mean() for name in VALUES]
        of_others = [average_precisions(world, asked, way) for asked in others]
        own.append(np.concatenate(of_others).mean())
        shown = " | ".join(f"{value:.3f}" for value in own)
        yield f"| {name} | {np.mean(means):.3f} +- {spread:.3f} | {shown} |"


def main() -> None:
    """Index, ask in every way, write the tables to standard output."""
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
        phi = train_lincir(lessons_of(encoder), PhiRecipe())
        with opened_world(encoder, folder, phi=phi) as world:
            for twice in (False, True):
                draws, others = (
                    [
                        Asked.draw(encoder, options.per_attribute, first + number, twice=twice)
                        for number in range(options.seeds)
                    ]
                    for first in (0, _OTHERS)
                )
                reported = frozenset(each for asked in draws for each in asked.triplets)
                _write("two changes" if twice else "way", "mAP@10", *VALUES, "other queries")
                _write(*["---"] * (3 + len(VALUES)))
                for ways in EVERY_WAY:
                    for line in table(
                        world, draws, [each.without(reported) for each in others], ways
                    ):
                        sys.stdout.write(line + "\n")
                        sys.stdout.flush()


def _write(*cells: str) -> None:
    sys.stdout.write("| " + " | ".join(cells) + " |\n")


if __name__ == "__main__":
    main()
