"""What `-` does to photographs: what it takes away, and what it costs queries that it should not.

    python -m benchmarks.negation_photographs CLASSES NAMES COCO CAPTIONS [--encoder mini]

CLASSES holds one photograph of each ImageNet-1k class, NAMES is Babel-ImageNet's table, COCO holds
photographs and CAPTIONS is COCO's caption JSON. All are searched together. Reported for each way to
take a text away:

    R@10      captions that find their photograph, minus a kind of animal that it does not show
    animals   of the ten best for ways to say "an animal", minus one kind: the share of animals
    unwanted  likewise, the share of that kind
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.hubness import Captioned
from benchmarks.label_scale import embed_photographs, read_names
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.model import Float32Array
from retrieval.query.penalty import Penalty

K = 10
_SEED = 0
_ANIMALS = 398
"""ImageNet-1k classes below this are animals."""

KINDS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "dog": ((151, 268),),
    "cat": ((281, 287),),
    "bird": ((7, 24), (80, 100), (127, 146)),
    "snake": ((52, 68),),
    "fish": ((0, 6), (389, 397)),
    "monkey": ((365, 384),),
    "insect": ((300, 326),),
    "spider": ((72, 77),),
    "frog": ((30, 32),),
    "bear": ((294, 297),),
    "lizard": ((38, 48),),
    "crab": ((118, 121),),
}
"""Kinds of animals, and the first and last ImageNet-1k classes that are one."""

_OTHER_ANIMALS = ("horse", "giraffe", "elephant", "zebra", "cow", "sheep", "animal")
"""Words of captions that say that a photograph of COCO shows an animal, beside the kinds."""

ASKED = (
    "an animal",
    "a small animal",
    "animals in the wild",
    "a photo of an animal outdoors",
    "a wild animal in a forest",
    "an animal in the water",
    "an animal on the grass",
    "a black animal",
)

Flags: TypeAlias = npt.NDArray[np.bool_]
Way: TypeAlias = Callable[[Float32Array, Float32Array, Float32Array], Float32Array]
"""Sought and unwanted text, (dim,), and the gallery -> what ranks it, (n,)."""


def _minus(weight: float) -> Way:
    def ranked(sought: Float32Array, unwanted: Float32Array, gallery: Float32Array) -> Float32Array:
        penalty = Penalty.among(unwanted[None], np.array([weight], np.float32), gallery)
        adjusted: Float32Array = gallery @ sought - penalty.of(gallery)
        return adjusted

    return ranked


WAYS: Mapping[str, Way] = {
    "plain": lambda sought, _, gallery: gallery @ sought,
    "minus": _minus(1.0),
    "minus, weight 2": _minus(2.0),
    "vector, weight 0.5": lambda sought, unwanted, gallery: gallery @ (sought - 0.5 * unwanted),
    "vector, weight 1": lambda sought, unwanted, gallery: gallery @ (sought - unwanted),
}


@dataclass(frozen=True, slots=True)
class Gallery:
    """Photographs, and what is known of each.

    Attributes:
        rows: (n, dim) unit rows: a photograph of each class, then those of COCO.
        are_animals: (n,) whether it shows one.
        shows: (n,) for each kind of KINDS.
        captions: (m, dim) of the photographs of COCO.
        image_of: (m,) the row of the photograph that each caption is of.
    """

    rows: Float32Array
    are_animals: Flags
    shows: Mapping[str, Flags]
    captions: Float32Array
    image_of: npt.NDArray[np.int64]

    @classmethod
    def of(cls, encoder: Encoder, classes: Path, names: Path, coco: tuple[Path, Path]) -> "Gallery":
        """Embed all photographs and captions."""
        photographs = embed_photographs(classes, read_names(names, "EN"), encoder)
        captioned = Captioned.embed(*coco, encoder)
        number = np.arange(len(photographs.vectors))
        shows = {
            kind: np.concatenate(
                [
                    np.any(
                        [(first <= number) & (number <= last) for first, last in ranges], axis=0
                    ),
                    _mention((kind,), captioned),
                ]
            )
            for kind, ranges in KINDS.items()
        }
        animals = _mention((*KINDS, *_OTHER_ANIMALS), captioned)
        return cls(
            np.concatenate([photographs.vectors, captioned.images]),
            np.concatenate([number < _ANIMALS, animals]),
            shows,
            captioned.texts,
            captioned.image_of + len(number),
        )


def _mention(words: tuple[str, ...], captioned: Captioned) -> Flags:
    """Which photographs have a caption with one of the words, (n,)."""
    pattern = re.compile(rf"\b(?:{'|'.join(words)})s?\b", re.IGNORECASE)
    mentioned = np.zeros(len(captioned.images), np.bool_)
    for text, image in zip(captioned.said, captioned.image_of.tolist(), strict=True):
        mentioned[image] |= pattern.search(text) is not None
    return mentioned


def table(gallery: Gallery, encoder: Encoder) -> list[str]:
    """A line for each way."""
    kinds = dict(zip(KINDS, encoder.encode_texts(list(KINDS)), strict=True))
    asked = encoder.encode_texts(ASKED)
    chance = np.random.default_rng(_SEED)
    absent = [
        chance.choice([kind for kind in KINDS if not gallery.shows[kind][image]])
        for image in gallery.image_of.tolist()
    ]
    lines = ["| way | R@10 | animals | unwanted |", "|---|---|---|---|"]
    for name, way in WAYS.items():
        found = [
            image in _best(way(caption, kinds[kind], gallery.rows))
            for caption, image, kind in zip(
                gallery.captions, gallery.image_of.tolist(), absent, strict=True
            )
        ]
        best = [
            (kind, _best(way(text, unwanted, gallery.rows)))
            for kind, unwanted in kinds.items()
            for text in asked
        ]
        animals = np.mean([gallery.are_animals[rows].mean() for _, rows in best])
        unwanted_share = np.mean([gallery.shows[kind][rows].mean() for kind, rows in best])
        lines.append(f"| {name} | {np.mean(found):.3f} | {animals:.3f} | {unwanted_share:.4f} |")
    return lines


def _best(scores: Float32Array) -> npt.NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")[:K]


def main() -> None:
    """Embed, ask, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("classes", "names", "coco", "captions"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    options = parser.parse_args()
    encoder = get_encoder(options.encoder, device="cpu")
    coco = (options.coco, options.captions)
    gallery = Gallery.of(encoder, options.classes, options.names, coco)
    sys.stdout.write("\n".join(table(gallery, encoder)) + "\n")


if __name__ == "__main__":
    main()
