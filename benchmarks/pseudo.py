"""Composed queries by pseudo-tokens, in the world of shapes, where every answer is known.

    python -m benchmarks.pseudo [--model local-dir:FOLDER] [--method ridge ...] [--seeds 5]
                                [--template "{image} {text}" ...]

A query is a picture and one change in words ("blue", "in the middle"); right are the three pictures
of the changed combination, in a gallery of three pictures of all 960 combinations. mAP@10 in
percent, by templates. A phi learns from captions and pictures of the trained combinations alone;
the pictures of queries and gallery are drawn with other seeds, and a fifth of the combinations was
never trained. Without --model a tiny CLIP is trained first, which takes a minute.

Every template is asked on two worlds: one to choose by, and one to report, whose queries, pictures
and gallery are all others. The line of the template that the first world likes best is starred.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.shapes.lessons import TEMPLATES, lessons_of
from benchmarks.shapes.pictures import ALL, Attributes, draw
from benchmarks.shapes.triplets import Triplet, sample_triplets
from benchmarks.shapes.world import GALLERY_SEED, VIEWS, encoder_of
from retrieval.ann.exact import top_k
from retrieval.encoders.base import Encoder
from retrieval.encoders.injection import Injector
from retrieval.learn.oti import invert
from retrieval.learn.phi import filled, prompt_of
from retrieval.learn.phi_lessons import Lessons, PhiRecipe
from retrieval.learn.phi_lincir import train_lincir
from retrieval.learn.phi_pic2word import train_pic2word
from retrieval.learn.phi_ridge import train_ridge
from retrieval.model import Float32Array

DEPTH = 10
QUERY_SEED = 1_000_100
"""Of the pictures in queries, which are none of the gallery's."""

_WORLD_APART = 1_000
"""Between the seeds of the pictures of one world and of the next."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What is searched, and what is asked.

    Attributes:
        encoder: of all of it.
        gallery: (g, dim) unit rows, VIEWS pictures of each combination in the order of ALL.
        triplets: q of them.
        references: (q, dim) of their pictures.
    """

    encoder: Encoder
    gallery: Float32Array
    triplets: tuple[Triplet, ...]
    references: Float32Array

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        per_attribute: int = 100,
        seed: int = 0,
        unlike: Collection[Triplet] = (),
    ) -> "World":
        """Draw and embed a world.

        Args:
            encoder: of all of it.
            per_attribute: queries drawn for each attribute.
            seed: of queries and pictures; worlds of different seeds share no picture.
            unlike: queries that are left out where they are drawn.
        """
        known = frozenset(unlike)
        triplets = tuple(each for each in sample_triplets(per_attribute, seed) if each not in known)
        first = GALLERY_SEED + seed * _WORLD_APART
        asked = QUERY_SEED + seed * _WORLD_APART
        return cls(
            encoder,
            _drawn(encoder, ALL, range(first, first + VIEWS)),
            triplets,
            _drawn(encoder, [each.reference for each in triplets], [asked]),
        )

    @property
    def changes(self) -> list[str]:
        """The words of each query."""
        return [each.change for each in self.triplets]

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


TokensOf: TypeAlias = Callable[[Float32Array], Float32Array]
"""Makes pseudo-tokens of images, (n, dim) unit rows -> (n, n_tokens, width)."""


def by_ridge(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By the closed form, from the captions of the world."""
    del encoder, seed
    return train_ridge(lessons).tokens


def by_ridge_of_own_captions(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By the closed form, from polyseek's own captions, which say nothing of this world."""
    del seed
    return train_ridge(Lessons.of(encoder, (), lessons.images, lessons.template)).tokens


def by_lincir(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By LinCIR, from the captions of the world."""
    del encoder
    return train_lincir(lessons, PhiRecipe(seed=seed)).tokens


def by_lincir_of_own_captions(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By LinCIR, from polyseek's own captions: what `polyseek train phi` does without options."""
    own = Lessons.of(encoder, (), lessons.images, lessons.template)
    return train_lincir(own, PhiRecipe(seed=seed)).tokens


def by_pic2word(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By Pic2Word, from the pictures of the world."""
    del encoder
    return train_pic2word(lessons, PhiRecipe(seed=seed)).tokens


def by_oti(encoder: Encoder, lessons: Lessons, seed: int) -> TokensOf:
    """By optimisation for each query."""
    del encoder
    gap = lessons.text_mean - lessons.image_mean

    def invert_all(images: Float32Array) -> Float32Array:
        return invert(lessons.injector, images, gap, lessons.template, seed=seed)

    return invert_all


METHODS: Mapping[str, Callable[[Encoder, Lessons, int], TokensOf]] = {
    "ridge": by_ridge,
    "ridge-own": by_ridge_of_own_captions,
    "lincir": by_lincir,
    "lincir-own": by_lincir_of_own_captions,
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
    worlds: Sequence[World],
    lessons: Lessons,
    method: str,
    seeds: int,
    templates: Sequence[str] = TEMPLATES,
) -> Mapping[str, list[list[float]]]:
    """The mAP of a method by templates: of each world, one number for each seed."""
    found: dict[str, list[list[float]]] = {template: [[] for _ in worlds] for template in templates}
    for seed in range(1 if method.startswith("ridge") else seeds):
        known: dict[str, list[Float32Array]] = {}
        for template in templates:
            prompt = prompt_of(template) if method in _PROMPTED else ""
            if prompt not in known:
                taught = replace(lessons, template=template)
                tokens_of = METHODS[method](worlds[0].encoder, taught, seed)
                known[prompt] = [tokens_of(world.references) for world in worlds]
            for world, tokens, values in zip(worlds, known[prompt], found[template], strict=True):
                asked = pseudo_queries(lessons.injector, tokens, world.changes, template)
                values.append(world.mean_ap(asked))
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
        reported = World.of(encoder, options.per_attribute)
        chosen_by = World.of(encoder, options.per_attribute, 1, unlike=reported.triplets)
        lessons = lessons_of(encoder)
        _say("method", "template", "to choose by", "reported")
        for label, value in baselines(reported):
            _say(label, "", "", f"{value:.1f}")
        for method in options.method:
            worlds = (chosen_by, reported)
            measured = trials(worlds, lessons, method, options.seeds, options.template)
            best = max(measured, key=lambda template: np.mean(measured[template][0]))
            for template, values in measured.items():
                star = " *" if template == best else ""
                _say(method, template, _shown(values[0]), _shown(values[1]) + star)
    return 0


def _shown(values: Sequence[float]) -> str:
    """The mean, and the standard deviation where there are several."""
    spread = f" +- {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _say(method: str, template: str, chosen_by: str, reported: str) -> None:
    sys.stdout.write(f"{method:11} {template:30} {chosen_by:12} {reported}\n")
    sys.stdout.flush()


def _drawn(encoder: Encoder, among: Sequence[Attributes], seeds: Sequence[int]) -> Float32Array:
    """Embeddings of pictures; all seeds of one combination stand together."""
    return encoder.encode_images([draw(one, seed) for one in among for seed in seeds])


if __name__ == "__main__":
    sys.exit(main())
