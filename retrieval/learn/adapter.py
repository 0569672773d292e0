"""An adapter: a map from the space of one encoder into that of another.

With it, one encoder asks what another has indexed: a light one, or one that knows more languages.
Nothing is indexed anew, and neither model is changed. See `retrieval.learn.adapter_fit` for how it
is learned and `retrieval.learn.adapted` for how it is used.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self, cast

import numpy as np

from retrieval.errors import TrainedMapError
from retrieval.learn.maps import Layers, MapKind, layers_in, run_layers, tensors_of
from retrieval.model import EncoderInfo, Float32Array, Modality

TEXT_ADAPTER_NAME = "text-adapter.safetensors"
"""Of the one in a collection's folder that queries in other languages go through."""

_KIND = MapKind("adapter", "polyseek.adapter", 1, "polyseek train adapter")


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well an adapter meets what it was not shown.

    Attributes:
        recall: share of held-out rows whose image under the map is nearer to their own target than
            to any other held-out target, in [0, 1]; a tie is a miss.
        cosine: mean over held-out rows of the cosine with their own target.
        n: held-out targets, all different.
    """

    recall: float
    cosine: float
    n: int


@dataclass(frozen=True, slots=True)
class AdapterCard:
    """What an adapter is for, and how it came about.

    Attributes:
        source: name of the encoder that is mapped.
        source_fingerprint: of that encoder; the map means nothing to another.
        source_dim: numbers of its embedding.
        target: name of the encoder into whose space the map goes.
        fingerprint: of that one.
        dim: numbers of its embedding.
        method: "ridge" or "mlp".
        languages: canonical tags of the texts that are to go through it; ("*",) is any that the
            target does not know.
        alignment: on held-out data, for each modality that it maps.
        settings: of the training.
        trained_on: counts of texts and images.
    """

    source: str
    source_fingerprint: str
    source_dim: int
    target: str
    fingerprint: str
    dim: int
    method: str
    languages: tuple[str, ...]
    alignment: Mapping[Modality, Alignment]
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    trained_on: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SpaceMap:
    """A map from one space into another.

    Attributes:
        mean: (source dim,) what is taken off a row first.
        layers: at least one, from the source's dim to the target's.
    """

    mean: Float32Array
    layers: Layers

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Map (n, source dim) unit rows -> (n, target dim) unit rows; what maps to zero stays."""
        mapped = run_layers(self.layers, rows - self.mean)
        lengths = np.linalg.norm(mapped, axis=1, keepdims=True)
        unit: Float32Array = mapped / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """The maps of one pair of encoders.

    Attributes:
        card: what they are for.
        maps: texts and images lie in regions of their own, so each has its own map.
    """

    card: AdapterCard
    maps: Mapping[Modality, SpaceMap]

    def check_target(self, info: EncoderInfo) -> None:
        """Refuse the space of another encoder than the one that the adapter maps into.

        Raises:
            TrainedMapError: the fingerprints differ.
        """
        if info.fingerprint != self.card.fingerprint:
            raise TrainedMapError(
                f"the adapter leads to {self.card.target} ({self.card.fingerprint[:12]}), but the "
                f"collection was embedded with {info.label}",
                hint="train one for this collection: polyseek train adapter, or text-adapter",
            )

    def check_source(self, info: EncoderInfo) -> None:
        """Refuse another encoder than the one that the adapter takes.

        Raises:
            TrainedMapError: the fingerprints differ.
        """
        if info.fingerprint != self.card.source_fingerprint:
            raise TrainedMapError(
                f"the adapter takes {self.card.source} ({self.card.source_fingerprint[:12]}), but "
                f"the encoder in use is {info.label}",
                hint="train it again for this encoder: polyseek train adapter, or text-adapter",
            )

    def save(self, path: Path) -> None:
        """Write the maps, and beside them their card as JSON, for readers."""
        tensors: dict[str, Float32Array] = {}
        for modality, each in self.maps.items():
            tensors[f"{modality}.mean"] = each.mean
            tensors |= tensors_of(each.layers, f"{modality}.")
        _KIND.save(path, asdict(self.card), tensors)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an adapter.

        Raises:
            TrainedMapError: there is no such file, it is damaged, or it is something else.
        """
        fields, tensors = _KIND.load(path)
        with _KIND.reading(path):
            alignment = {name: Alignment(**each) for name, each in fields["alignment"].items()}
            languages = tuple(fields["languages"])
            card = AdapterCard(**(fields | {"alignment": alignment, "languages": languages}))
            maps = {}
            for name in alignment:
                mean = tensors[f"{name}.mean"]
                if mean.shape != (card.source_dim,):
                    raise ValueError("its tensors do not fit its card")
                layers = layers_in(tensors, card.source_dim, card.dim, f"{name}.")
                maps[cast("Modality", name)] = SpaceMap(mean, layers)
            return cls(card, maps)


def adapter_name(source_fingerprint: str) -> str:
    """Of the file in a collection's folder that leads from an encoder to the collection's."""
    return f"adapter-{source_fingerprint[:12]}.safetensors"
