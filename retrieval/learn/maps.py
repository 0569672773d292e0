"""Files of small trained maps: layers as safetensors, and in the header a card that says what for.

A map is a chain of linear layers with GELU between them; a closed form has one layer, a trained
network more. Beside the file lies its card as JSON, for readers.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.errors import TrainedMapError
from retrieval.model import Float32Array

Layers: TypeAlias = tuple[tuple[Float32Array, Float32Array], ...]
"""Of each layer the weight (out, in) and the bias (out,)."""

Tensors: TypeAlias = dict[str, Float32Array]


@dataclass(frozen=True, slots=True)
class MapKind:
    """One kind of trained maps.

    Attributes:
        name: in messages, e.g. "phi".
        key: of the card in a file's header.
        version: of the format.
        made_by: the command that makes one.
    """

    name: str
    key: str
    version: int
    made_by: str

    def save(
        self, path: Path, card: Mapping[str, Any], tensors: Mapping[str, Float32Array]
    ) -> None:
        """Write tensors with their card, and beside them the card as JSON.

        A query that reads the file meanwhile sees the old one or the new one, whole.
        """
        from safetensors.numpy import save

        text = json.dumps({"format": self.version, **card}, indent=2, ensure_ascii=False)
        whole = {name: np.ascontiguousarray(each, np.float32) for name, each in tensors.items()}
        _put(path, save(whole, metadata={self.key: text}))
        _put(path.with_suffix(".json"), f"{text}\n".encode(errors="replace"))

    def load_card(self, path: Path) -> dict[str, Any]:
        """The fields of a card; no tensor is read.

        Raises:
            TrainedMapError: as `load`.
        """
        return self._read(path, with_tensors=False)[0]

    def load(self, path: Path) -> tuple[dict[str, Any], Tensors]:
        """The fields of a card, and the tensors.

        Raises:
            TrainedMapError: there is no such file, it is damaged, or it is something else.
        """
        return self._read(path, with_tensors=True)

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Tell what is wrong with a file that does not hold what it should.

        Raises:
            TrainedMapError: in place of what reading raised.
        """
        from safetensors import SafetensorError

        try:
            yield
        except OSError as error:
            raise TrainedMapError(
                f"cannot read the {self.name} {path}: {error.strerror or error}",
                hint=f"train one: {self.made_by} --out FILE",
            ) from error
        except (SafetensorError, AttributeError, KeyError, ValueError, TypeError) as error:
            raise TrainedMapError(
                f"{path} is no {self.name}, or is damaged: {error}", hint="train it again"
            ) from error

    def _read(self, path: Path, *, with_tensors: bool) -> tuple[dict[str, Any], Tensors]:
        from safetensors import safe_open

        with self.reading(path), safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            if self.key not in metadata:
                raise ValueError("it has no card")
            card: dict[str, Any] = json.loads(metadata[self.key])
            if (version := card.pop("format", None)) != self.version:
                raise TrainedMapError(
                    f"{path} is a {self.name} of format {version}, and this polyseek knows "
                    f"format {self.version}",
                    hint="train it again, or use the polyseek that made it",
                )
            names = file.keys() if with_tensors else ()
            return card, {name: _sound(file.get_tensor(name)) for name in names}


def _put(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _sound(tensor: npt.NDArray[Any]) -> Float32Array:
    """A tensor of a file as it was written: float32, and nothing but numbers."""
    if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
        raise ValueError("its tensors are not finite float32")
    return tensor


def run_layers(layers: Layers, rows: Float32Array) -> Float32Array:
    """Put rows through layers with GELU between them, (n, in) -> (n, out) float32."""
    import torch

    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(rows, np.float32))
        for number, (weight, bias) in enumerate(layers):
            x = torch.nn.functional.gelu(x) if number else x
            x = torch.nn.functional.linear(x, torch.from_numpy(weight), torch.from_numpy(bias))
        out: Float32Array = x.numpy()
        return out


def tensors_of(layers: Layers, prefix: str = "") -> Tensors:
    """Layers as a file keeps them."""
    named: Tensors = {}
    for number, (weight, bias) in enumerate(layers):
        named[f"{prefix}{number}.weight"] = weight
        named[f"{prefix}{number}.bias"] = bias
    return named


def layers_in(tensors: Tensors, n_in: int, n_out: int, prefix: str = "") -> Layers:
    """Layers of a file.

    Args:
        tensors: of the file.
        n_in: numbers that the first layer takes, as the card says.
        n_out: numbers that the last one gives.
        prefix: of the names.

    Raises:
        ValueError: they do not fit each other, or the card.
    """
    count = sum(name.startswith(prefix) and name.endswith(".weight") for name in tensors)
    layers = tuple(
        (tensors[f"{prefix}{number}.weight"], tensors[f"{prefix}{number}.bias"])
        for number in range(count)
    )
    if not layers:
        raise ValueError("its tensors do not fit its card")
    wide = n_in
    for weight, bias in layers:
        if weight.shape != (len(bias), wide):
            raise ValueError("its layers do not fit each other")
        wide = len(bias)
    if wide != n_out:
        raise ValueError("its layers do not fit its card")
    return layers
