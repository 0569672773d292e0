"""What a phi learns from, and how long: texts with their embeddings, images, a recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrieval.encoders.bank import caption_bank, query_bank
from retrieval.encoders.base import Encoder
from retrieval.encoders.injection import Injector, injector_of
from retrieval.learn.maps import Layers
from retrieval.learn.net import NetRecipe
from retrieval.learn.phi import DEFAULT_TEMPLATE, Phi, PhiCard, check_template
from retrieval.model import EncoderInfo, Float32Array

_OWN_TEXTS = 4_000
"""Captions of polyseek's own that a phi learns from where no texts are given."""


@dataclass(frozen=True, slots=True)
class PhiRecipe(NetRecipe):
    """How the network of a phi is trained.

    Attributes:
        n_tokens: pseudo-tokens of one image.
        noise: of LinCIR, the length of the longest noise in lengths of a centred embedding.
    """

    n_tokens: int = 1
    noise: float = 1.0


@dataclass(frozen=True, eq=False)
class Lessons:
    """What there is to learn from.

    Attributes:
        injector: the way into the text tower.
        info: of the encoder.
        texts: at least one.
        vectors: (n, dim) unit rows of the texts.
        images: (m, dim) unit rows of images; None where there are none.
        template: how an image and words become one text.
    """

    injector: Injector
    info: EncoderInfo
    texts: tuple[str, ...]
    vectors: Float32Array
    images: Float32Array | None = None
    template: str = DEFAULT_TEMPLATE

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        texts: Sequence[str] = (),
        images: Float32Array | None = None,
        template: str = DEFAULT_TEMPLATE,
    ) -> "Lessons":
        """Encode texts.

        Args:
            encoder: that the phi is for.
            texts: to learn from; none are polyseek's own captions.
            images: embeddings of images by the same encoder.
            template: how an image and words become one text.

        Raises:
            EncoderUnavailableError: the encoder cannot inject, or cannot be had.
            TrainedMapError: the template lacks a slot.
        """
        check_template(template)
        injector = injector_of(encoder)
        known = tuple(dict.fromkeys(texts)) or (*caption_bank(), *query_bank(_OWN_TEXTS))
        vectors = encoder.encode_texts(known)
        return cls(injector, encoder.info, known, vectors, images, template)

    @cached_property
    def text_mean(self) -> Float32Array:
        """What all texts have in common, (dim,)."""
        mean: Float32Array = self.vectors.mean(axis=0)
        return mean

    @cached_property
    def image_mean(self) -> Float32Array:
        """What all images have in common, (dim,); where none are known, what texts have."""
        if self.images is None:
            return self.text_mean
        mean: Float32Array = self.images.mean(axis=0)
        return mean

    def phi(
        self,
        method: str,
        layers: Layers,
        settings: Mapping[str, float | int | str],
        *,
        n_tokens: int = 1,
        norm: float | None = None,
    ) -> Phi:
        """The map that was learned, with its card."""
        card = PhiCard(
            encoder=self.info.name,
            fingerprint=self.info.fingerprint,
            dim=self.info.dim,
            width=self.injector.width,
            n_tokens=n_tokens,
            template=self.template,
            method=method,
            norm=norm,
            settings=settings,
            trained_on={
                "texts": len(self.texts) if method != "pic2word" else 0,
                "images": 0 if self.images is None else len(self.images),
            },
        )
        return Phi(card, np.asarray(self.image_mean, np.float32), layers)
