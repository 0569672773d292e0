"""A map from an image to pseudo-tokens: words of one image, for `retrieval.encoders.injection`.

A file holds the map and, in its header, a card that says what it was made for. The map is a chain
of linear layers with GELU between them; a closed form has one layer, a trained network three.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from retrieval.encoders.injection import Filled
from retrieval.errors import TrainedMapError
from retrieval.model import EncoderInfo, Float32Array

SLOT, WORDS = "{image}", "{text}"
"""Where the image goes in a template, and where the words of the query go."""

DEFAULT_TEMPLATE = f"a photo of {SLOT} that {WORDS}"
"""Source: A. Baldrati, L. Agnolucci, M. Bertini, A. Del Bimbo, "Zero-Shot Composed Image Retrieval
with Textual Inversion" (SEARLE), ICCV 2023; the same in LinCIR."""

PHI_NAME = "phi.safetensors"
"""Of the map that lies in a collection's folder."""

_CARD, _FORMAT = "polyseek.phi", 1

Layers: TypeAlias = tuple[tuple[Float32Array, Float32Array], ...]
"""Of each layer the weight (out, in) and the bias (out,)."""


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
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(images - self.mean, np.float32))
            for number, (weight, bias) in enumerate(self.layers):
                x = torch.nn.functional.gelu(x) if number else x
                x = torch.nn.functional.linear(x, torch.from_numpy(weight), torch.from_numpy(bias))
            rows = x.reshape(len(images), self.card.n_tokens, self.card.width)
            if self.card.norm is not None:
                rows = torch.nn.functional.normalize(rows, dim=-1) * self.card.norm
            tokens: Float32Array = rows.numpy()
            return tokens

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
        from safetensors.numpy import save

        tensors = {"mean": np.ascontiguousarray(self.mean, np.float32)}
        for number, (weight, bias) in enumerate(self.layers):
            tensors[f"{number}.weight"] = np.ascontiguousarray(weight, np.float32)
            tensors[f"{number}.bias"] = np.ascontiguousarray(bias, np.float32)
        card = json.dumps({"format": _FORMAT, **asdict(self.card)}, indent=2, ensure_ascii=False)
        path.write_bytes(save(tensors, metadata={_CARD: card}))
        path.with_suffix(".json").write_text(card + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a map.

        Raises:
            TrainedMapError: there is no such file, it is damaged, or it is something else.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                card = _card(file.metadata() or {}, path)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            count = sum(name.endswith(".weight") for name in tensors)
            layers = tuple(
                (tensors[f"{number}.weight"], tensors[f"{number}.bias"]) for number in range(count)
            )
            made = cls(card, tensors["mean"], layers)
            made._check_shapes()
        except OSError as error:
            raise TrainedMapError(
                f"cannot read the phi {path}: {error.strerror or error}",
                hint="train one: polyseek train phi --out FILE",
            ) from error
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise TrainedMapError(
                f"{path} is no phi, or is damaged: {error}", hint="train it again"
            ) from error
        return made

    def _check_shapes(self) -> None:
        wide = self.card.dim
        if self.mean.shape != (wide,) or not self.layers:
            raise ValueError("its tensors do not fit its card")
        for weight, bias in self.layers:
            if weight.shape != (len(bias), wide):
                raise ValueError("its layers do not fit each other")
            wide = len(bias)
        if wide != self.card.n_tokens * self.card.width:
            raise ValueError("its layers do not fit its card")


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


def _card(metadata: Mapping[str, str], path: Path) -> PhiCard:
    if _CARD not in metadata:
        raise ValueError("it has no card")
    fields: dict[str, Any] = json.loads(metadata[_CARD])
    if (version := fields.pop("format", None)) != _FORMAT:
        raise TrainedMapError(
            f"{path} is a phi of format {version}, and this polyseek knows format {_FORMAT}",
            hint="train it again, or use the polyseek that made it",
        )
    return PhiCard(**fields)
