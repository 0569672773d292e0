"""ConSE: a picture's embedding is the mix of what its likely classes are called.

    image = n( n( sum_c p(c | x) P_c ) - image_mean )        text = n( tower(text) - text_mean )

with n = unit norm, P_c the centred embedding of "a photo of a {class name}", and p a softmax at
temperature 2. Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic
Embeddings", ICLR 2014; the temperature, the prompt and the two means are ours (measured in
docs/design/embedded-encoder.md). The arrays are made by `python -m retrieval.encoders.build_mini`
and shipped as safetensors beside this module: at run time nothing needs open_clip's class names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

TEMPERATURE = 2.0
"""Softens p(c | x): a classifier trained to be sure of one class tells more when it doubts."""


def unit_rows(array: Float32Array) -> Float32Array:
    """Scale each row (last axis) to norm 1; a row of zeros stays zero."""
    norms = np.linalg.norm(array, axis=-1, keepdims=True)
    scaled: Float32Array = (array / np.maximum(norms, 1e-12)).astype(np.float32)
    return scaled


def softmax(scores: Float32Array, temperature: float) -> Float32Array:
    """Softmax over the last axis of `scores / temperature`."""
    shifted = (scores - scores.max(axis=-1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    shares: Float32Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


@dataclass(frozen=True, slots=True)
class Prototypes:
    """The shipped arrays of one ConSE space.

    Attributes:
        classes: (1000, dim) unit rows P_c, float32 (float16 on disk).
        class_mean: (dim,) mean of the prompts' embeddings, before centring.
        text_mean: (dim,) mean embedding of the caption bank.
        image_mean: (dim,) what is common to the pictures that the bank speaks of.
        inputs: sha256 or value of everything that the arrays were made from.
        sha256: of the file; part of the fingerprint.
    """

    classes: Float32Array
    class_mean: Float32Array
    text_mean: Float32Array
    image_mean: Float32Array
    inputs: Mapping[str, str]
    sha256: str

    def mix_classes(self, shares: Float32Array) -> Float32Array:
        """Shares of classes (n, 1000), rows summing to 1 -> unit rows (n, dim), not centred."""
        return unit_rows(shares @ self.classes)

    def image_vectors(self, logits: Float32Array) -> Float32Array:
        """Embed pictures from their logits (n, views, 1000) -> (n, dim) unit rows."""
        shares = softmax(logits, TEMPERATURE).mean(axis=1)
        return unit_rows(self.mix_classes(shares) - self.image_mean)

    def text_vectors(self, tower_vectors: Float32Array) -> Float32Array:
        """Embed texts from their text tower's unit rows (n, dim) -> (n, dim) unit rows."""
        return unit_rows(tower_vectors - self.text_mean)


def encode_prototypes(arrays: Mapping[str, Float32Array], inputs: Mapping[str, str]) -> bytes:
    """Serialise the four arrays as safetensors, the class prototypes in float16."""
    tensors: dict[str, np.ndarray[Any, Any]] = {
        name: np.ascontiguousarray(array, dtype=np.float16 if name == "classes" else np.float32)
        for name, array in arrays.items()
    }
    return save(tensors, metadata={"inputs": json.dumps(dict(inputs), sort_keys=True)})


def load_prototypes(name: str) -> Prototypes:
    """Read `assets/NAME.safetensors`.

    Raises:
        EncoderUnavailableError: the installation lacks the file.
    """
    resource = files("retrieval.encoders").joinpath("assets", f"{name}.safetensors")
    try:
        data = resource.read_bytes()
    except OSError as error:
        raise EncoderUnavailableError(
            f"the installation lacks {resource}", hint="reinstall polyseek"
        ) from error
    arrays = {key: array.astype(np.float32) for key, array in load(data).items()}
    return Prototypes(**arrays, inputs=_inputs(data), sha256=hashlib.sha256(data).hexdigest())


def _inputs(data: bytes) -> Mapping[str, str]:
    # safetensors offers the metadata of a path only; the header is a length and a JSON object.
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    inputs: Mapping[str, str] = json.loads(header["__metadata__"]["inputs"])
    return inputs
