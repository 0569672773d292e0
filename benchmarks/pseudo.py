"""Composed queries by pseudo-tokens, in the world of shapes, where every answer is known.

    python -m benchmarks.pseudo [--model local-dir:FOLDER] [--method ridge ...] [--seeds 5]
                                [--template "{image} {text}" ...]

A query is a picture and one change in words ("blue", "in the middle"); right are the three pictures
of the changed combination, in a gallery of three pictures of all 960 combinations. mAP@10 in
percent, by templates. A phi learns from captions and pictures of the trained combinations alone;
the pictures of queries and gallery are drawn with other seeds, and a fifth of the combinations was
never trained. Without --model a tiny CLIP is trained first, which takes a minute.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.shapes.grammar import FORMS, PARTIAL_FORMS, english
from benchmarks.shapes.pictures import ALL, TRAINED, Attributes, draw
from benchmarks.shapes.triplets import Triplet, sample_triplets
from benchmarks.shapes.world import GALLERY_SEED, VIEWS, encoder_of
from retrieval.ann.exact import top_k
from retrieval.encoders.base import Encoder
from retrieval.encoders.injection import Injector, injector_of
from retrieval.learn.oti import invert
from retrieval.learn.phi import DEFAULT_TEMPLATE, filled
from retrieval.learn.phi_lessons import Lessons, PhiRecipe
from retrieval.learn.phi_lincir import train_lincir
from retrieval.learn.phi_pic2word import train_pic2word
from retrieval.learn.phi_ridge import train_ridge
from retrieval.model import Float32Array

DEPTH = 10
QUERY_SEED = 1_000_100
"""Of the pictures in queries, which are none of the gallery's."""

TRAINING_VIEWS = 2
TEMPLATES = (
    DEFAULT_TEMPLATE,
    "a photo of {image}, {text}",
    "{image} {text}",
    "{text} {image}",
    "a {image} that is {text}",
)
"""That of SEARLE and LinCIR, that of Pic2Word, and three that a caption of this world resembles."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What is searched, what is asked, and what there is to learn from.

    Attributes:
        encoder: of all of it.
        gallery: (g, dim) unit rows, VIEWS pictures of each combination in the order of ALL.
        triplets: q of them.
        references: (q, dim) of their pictures.
        taught: captions and pictures of the trained combinations.
    """

    encoder: Encoder
    gallery: Float32Array
    triplets: tuple[Triplet, ...]
    references: Float32Array
    taught: Lessons

    @classmethod
    def of(cls, encoder: Encoder, per_attribute: int = 100, seed: int = 0) -> "World":
        """Draw and embed a world."""
        triplets = tuple(sample_triplets(per_attribute, seed))
        said = [english(one, form) for one in TRAINED for form in FORMS + PARTIAL_FORMS]
        return cls(
            encoder,
            _drawn(encoder, ALL, range(GALLERY_SEED, GALLERY_SEED + VIEWS)),
            triplets,
            _drawn(encoder, [each.reference for each in triplets], [QUERY_SEED]),
            Lessons.of(encoder, said, _drawn(encoder, TRAINED, range(TRAINING_VIEWS))),
        )

    @property
    def changes(self) -> list[str]:
        """The words of each query."""
        return [each.change for each in self.triplets]

    def lessons(self, template: str = DEFAULT_TEMPLATE) -> Lessons:
        """What a phi learns from."""
        return replace(self.taught, template=template)

    def mean_ap(self, queries: Float32Array) -> float:
        """The mean over queries, (q, dim) unit rows, of average precision at DEPTH, in percent.

        Average precision is over the ranks of the VIEWS right pictures, ties by id.
        """
        numbers = np.arange(len(self.gallery))
        _, ids = top_k(queries @ self.gallery.T, numbers, DEPTH)
        first = {one: VIEWS * number for number, one in enumerate(ALL)}
        starts = np.array([first[each.target] for each in self.triplets])[:, None]
        right = (ids >= starts) & (ids < starts + VIEWS)
        return float(100 * average_precision_at_k(right, np.full(len(right), VIEWS)).mean())


def pseudo_queries(
    injector: Injector, tokens: Float32Array, words: Sequence[str], template: str
) -> Float32Array:
    """Embed words with images in them.

    Args:
        injector: into the text tower.
        tokens: (n, n_tokens, width) of the images.
        words: n of them.
        template: with both slots.

    Returns:
        (n, dim) unit rows.
    """
    texts = [filled(template, own, said) for own, said in zip(tokens, words, strict=True)]
    return injector.encode(texts)[0]


TokensOf = Callable[[World, str, int], Float32Array]
"""The pseudo-tokens of a world's references, for a template and a seed: (q, n_tokens, width)."""


def by_ridge(world: World, template: str, seed: int) -> Float32Array:
    """By the closed form, from the captions of the world."""
    del seed
    return train_ridge(world.lessons(template)).tokens(world.references)


def by_ridge_of_own_captions(world: World, template: str, seed: int) -> Float32Array:
    """By the closed form, from polyseek's own captions, which say nothing of this world."""
    del seed
    lessons = Lessons.of(world.encoder, (), world.taught.images, template)
    return train_ridge(lessons).tokens(world.references)


def by_lincir(world: World, template: str, seed: int) -> Float32Array:
    """By LinCIR, from the captions of the world."""
    phi = train_lincir(world.lessons(template), PhiRecipe(seed=seed))
    return phi.tokens(world.references)


def by_pic2word(world: World, template: str, seed: int) -> Float32Array:
    """By Pic2Word, from the pictures of the world."""
    phi = train_pic2word(world.lessons(template), PhiRecipe(seed=seed))
    return phi.tokens(world.references)


def by_oti(world: World, template: str, seed: int) -> Float32Array:
    """By optimisation for each query."""
    lessons = world.lessons(template)
    gap = lessons.text_mean - lessons.image_mean
    return invert(lessons.injector, world.references, gap, template, seed=seed)


METHODS: Mapping[str, TokensOf] = {
    "ridge": by_ridge,
    "ridge-own": by_ridge_of_own_captions,
    "lincir": by_lincir,
    "pic2word": by_pic2word,
    "oti": by_oti,
}
_PROMPTED = ("pic2word", "oti")
"""Methods that look at the template while they learn."""


def baselines(world: World) -> Iterator[tuple[str, float]]:
    """What the picture alone finds, the words alone, and their sum."""
    words = world.encoder.encode_texts(world.changes)
    total = world.references + words
    yield "image alone", world.mean_ap(world.references)
    yield "words alone", world.mean_ap(words)
    yield "sum", world.mean_ap(total / np.linalg.norm(total, axis=1, keepdims=True))


def trials(
    world: World, method: str, seeds: int, templates: Sequence[str] = TEMPLATES
) -> Mapping[str, list[float]]:
    """The mAP of a method by templates, one number for each seed."""
    injector = injector_of(world.encoder)
    found: dict[str, list[float]] = {template: [] for template in templates}
    for seed in range(1 if method.startswith("ridge") else seeds):
        known: dict[str, Float32Array] = {}
        for template in templates:
            before = template.partition("{image}")[0] if method in _PROMPTED else ""
            key = before.replace("{text}", "").strip()
            if key not in known:
                known[key] = METHODS[method](world, template, seed)
            queries = pseudo_queries(injector, known[key], world.changes, template)
            found[template].append(world.mean_ap(queries))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--model", help="local-dir:FOLDER of a CLIP of shapes")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--template", nargs="+", choices=TEMPLATES, default=list(TEMPLATES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--per-attribute", type=int, default=100)
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        encoder = encoder_of(options.model, Path(folder) / "model")
        world = World.of(encoder, options.per_attribute)
        for label, value in baselines(world):
            _say(f"{label:11} {'':30} {value:5.1f}")
        for method in options.method:
            measured = trials(world, method, options.seeds, options.template)
            for template, values in measured.items():
                spread = f" +- {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
                _say(f"{method:11} {template:30} {np.mean(values):5.1f}{spread}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _drawn(encoder: Encoder, among: Sequence[Attributes], seeds: Sequence[int]) -> Float32Array:
    """Embeddings of pictures; all seeds of one combination stand together."""
    return encoder.encode_images([draw(one, seed) for one in among for seed in seeds])


if __name__ == "__main__":
    sys.exit(main())
