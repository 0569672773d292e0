"""A map from an image to pseudo-tokens: words of one image, for `retrieval.encoders.injection`.

A closed form has one layer, a trained network three; see `retrieval.learn.maps` for its file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from retrieval.encoders.injection import Filled
from retrieval.errors import TrainedMapError
from retrieval.learn.maps import Layers, MapKind, layers_in, run_layers, tensors_of
from retrieval.model import EncoderInfo, Float32Array

SLOT, WORDS = "{image}", "{text}"
"""Where the image goes in a template, and where the words of the query go."""

DEFAULT_TEMPLATE = f"a photo of {SLOT} that {WORDS}"
"""Source: A. Baldrati, L. Agnolucci, M. Bertini, A. Del Bimbo, "Zero-Shot Composed Image Retrieval
with Textual Inversion" (SEARLE), ICCV 2023; the same in LinCIR."""

PHI_NAME = "phi.safetensors"
"""Of the map that lies in a collection's folder."""

_KIND = MapKind("phi", "polyseek.phi", 1, "polyseek train phi")


@dataclass(frozen=True, slots=True)
class PhiCard:
    """What a map is for, and how it came about.

    Attributes:
        encoder: name of the encoder whose images it takes.
        fingerprint: of that encoder; the map means nothing to another.
        dim: numbers of an image embedding.
        width: numbers of a token embedding.
        n_tokens: pseudo-tokens of one image.
        template: how an image and words become one text; holds SLOT and WORDS once each.
        method: "ridge", "lincir" or "pic2word".
        norm: length that each pseudo-token is brought to; None leaves it.
        settings: of the training.
        trained_on: counts of texts and images.
    """

    encoder: str
    fingerprint: str
    dim: int
    width: int
    n_tokens: int
    template: str
    method: str
    norm: float | None = None
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    trained_on: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Phi:
    """A map from image embeddings to pseudo-tokens.

    Attributes:
        card: what it is for.
        mean: (dim,) what is taken off an image first: what all images have in common.
        layers: at least one, from dim to n_tokens * width.
    """

    card: PhiCard
    mean: Float32Array
    layers: Layers

    def tokens(self, images: Float32Array) -> Float32Array:
        """The pseudo-tokens of images, (n, dim) unit rows -> (n, n_tokens, width) float32."""
        flat = run_layers(self.layers, images - self.mean)
        tokens = flat.reshape(len(images), self.card.n_tokens, self.card.width)
        if self.card.norm is None:
            return tokens
        lengths = np.linalg.norm(tokens, axis=-1, keepdims=True)
        scaled: Float32Array = tokens * (self.card.norm / np.maximum(lengths, np.float32(1e-12)))
        return scaled

    def check(self, encoder: EncoderInfo) -> None:
        """Refuse another encoder than the one that the map was made for.

        Raises:
            TrainedMapError: the fingerprints differ.
        """
        if encoder.fingerprint != self.card.fingerprint:
            raise TrainedMapError(
                f"the phi was trained for {self.card.encoder} ({self.card.fingerprint[:12]}), "
                f"but the encoder in use is {encoder.label}",
                hint="train one for this encoder: polyseek train phi",
            )

    def save(self, path: Path) -> None:
        """Write the map, and beside it its card as JSON, for readers."""
        _KIND.save(path, asdict(self.card), {"mean": self.mean, **tensors_of(self.layers)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a map.

        Raises:
            TrainedMapError: there is no such file, it is damaged, or it is something else.
        """
        fields, tensors = _KIND.load(path)
        with _KIND.reading(path):
            card = PhiCard(**fields)
            if tensors["mean"].shape != (card.dim,):
                raise ValueError("its tensors do not fit its card")
            layers = layers_in(tensors, card.dim, card.n_tokens * card.width)
            return cls(card, tensors["mean"], layers)


def check_template(template: str) -> None:
    """Refuse a template that does not hold the image and the words, once each.

    Raises:
        TrainedMapError: it does not.
    """
    if template.count(SLOT) != 1 or template.count(WORDS) != 1:
        raise TrainedMapError(
            f"the template {template!r} must hold {SLOT} and {WORDS}, once each",
            hint=f"e.g. {DEFAULT_TEMPLATE!r}",
        )


def filled(template: str, tokens: Float32Array, words: str) -> Filled:
    """A template with the pseudo-tokens of an image, (n_tokens, width), and words in it."""
    parts: list[str | Float32Array] = []
    for number, said in enumerate(template.split(SLOT)):
        parts += [tokens] if number else []
        parts.append(said.replace(WORDS, words).strip())
    return tuple(part for part in parts if not isinstance(part, str) or part)


def prompt_of(template: str) -> str:
    """What a template says before the image: the text of an image alone, without its slots."""
    return template.partition(SLOT)[0].replace(WORDS, "").strip()
