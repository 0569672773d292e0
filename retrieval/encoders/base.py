"""The encoder seam: what polyseek asks of a model, whatever it is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt
from PIL import Image

from retrieval.model import EncoderInfo, Float32Array

Pixels = npt.NDArray[Any]
"""One preprocessed image, or a batch stacked on axis 0; shape and dtype are the encoder's own."""


@runtime_checkable
class Encoder(Protocol):
    """Maps images and texts into one shared embedding space.

    Rules checked by tests/contracts/encoder.py for every implementation:

    * Output is float32, C-contiguous, shape (n, dim), rows of L2 norm 1.
    * Row i belongs to input i; the split into batches changes no row by more than 1e-5 (in fp32).
    * n == 0 gives shape (0, dim); no model is loaded for it.
    * Constructing an encoder opens no file and no socket.
    * `preprocess` may be called from several threads at once; the encode methods from one.
    """

    @property
    def info(self) -> EncoderInfo:
        """Identity of the embedding space. Reads (and hashes) the weights at the first call."""
        ...

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees; a decoder may shrink to twice this side."""
        ...

    def preprocess(self, image: Image.Image) -> Pixels:
        """Turn one upright RGB image into what `encode_pixels` takes, without the batch axis."""
        ...

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Embed a batch of preprocessed images, shape (n, ...) -> (n, dim) unit rows."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Embed n upright RGB images of any size -> (n, dim) unit rows."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows; longer ones are cut to the context length."""
        ...


class TextEncoder(Protocol):
    """Maps texts into a space of its own; the half of an `Encoder` that has no pictures."""

    @property
    def info(self) -> EncoderInfo:
        """Identity of the space; as for `Encoder`."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows; as for `Encoder`."""
        ...


@runtime_checkable
class LanguageAware(Protocol):
    """What an encoder has beside `Encoder` if its tokenizer may have to be told a language.

    Texts of one meaning get other token ids in other languages then (NLLB). An encoder that does
    not care has neither; one of a family that may care says so by its default.
    """

    @property
    def default_language(self) -> str | None:
        """Tag of the language that a text is read in unless it is told; None: the same in all.

        Loads what it needs to know it.
        """
        ...

    def encode_texts_in(
        self, texts: Sequence[str], languages: Sequence[str | None]
    ) -> Float32Array:
        """Embed n texts of n languages -> (n, dim) unit rows; as `encode_texts` in all else.

        Args:
            texts: n.
            languages: canonical tags; None, and one that the encoder does not know, is its default.
        """
        ...


def default_language(encoder: TextEncoder) -> str | None:
    """The language in which an encoder reads a text unless told; None for one that never asks."""
    language: str | None = getattr(encoder, "default_language", None)
    return language


@dataclass(frozen=True, slots=True, eq=False)
class TextLimit:
    """How long a text an encoder reads to its end.

    Attributes:
        most: units of a text, at least 1 more than the empty text has.
        unit: what is counted, in the plural: "tokens" or "characters".
        length_of: counts a text, special tokens included.
    """

    most: int
    unit: str
    length_of: Callable[[str], int]

    @property
    def overhead(self) -> int:
        """Units that every text has, the empty one too."""
        return self.length_of("")

    def fits(self, text: str) -> bool:
        """Whether nothing of a text is cut off."""
        return self.length_of(text) <= self.most


@runtime_checkable
class LimitsTexts(Protocol):
    """An encoder that cuts long texts, and says where."""

    def text_limit(self) -> TextLimit:
        """How long a text may be; may load the tokenizer."""
        ...


@runtime_checkable
class SigmoidEncoder(Protocol):
    """An encoder that may know how probable a match is."""

    @property
    def sigmoid(self) -> tuple[float, float] | None:
        """Scale and bias of a cosine's logit; None if the model was not trained with them."""
        ...


def uses_accelerator(encoder: Encoder) -> bool:
    """Whether an encoder computes elsewhere than on the CPU; one that does not say computes there.

    An encoder says so by a property of this name, which may load what it needs to know it.
    """
    return bool(getattr(encoder, "uses_accelerator", False))


def precision_of(encoder: Encoder) -> str:
    """What an encoder computes in: "fp32", which one that does not say is in, "bf16" or "fp16".

    An encoder says so by a property of the name `precision`, which may look at the device.
    """
    return str(getattr(encoder, "precision", "fp32"))
