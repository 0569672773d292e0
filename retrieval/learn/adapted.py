"""Encoders behind an adapter: asked as themselves, they answer in the space of another."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from retrieval.encoders.base import Encoder, LimitsTexts, Pixels, TextEncoder, TextLimit
from retrieval.encoders.sentences import get_text_encoder
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.tags import ANY, knows
from retrieval.learn.adapter import TEXT_ADAPTER_NAME, Adapter, adapter_name
from retrieval.model import EncoderInfo, Float32Array, Modality

_NO_LIMIT = 1_000_000
"""Characters; a longer query is refused anyway (`retrieval.query.long_text`)."""


class AdaptedEncoder:
    """Another encoder's texts and images, in the space that the adapter leads to.

    An `Encoder` whose identity is its own, and which `stands_for` that of the space.

    Args:
        source: the encoder that the adapter takes.
        adapter: from its space.

    Raises:
        TrainedMapError: the adapter takes another encoder.
    """

    def __init__(self, source: Encoder, adapter: Adapter) -> None:
        adapter.check_source(source.info)
        self._source = source
        self._adapter = adapter

    @property
    def stands_for(self) -> str:
        """The fingerprint of the space that the answers lie in."""
        return self._adapter.card.fingerprint

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity: of the source, the space and the maps."""
        card, source = self._adapter.card, self._source.info
        digest = sha256(f"{source.fingerprint} {card.fingerprint}".encode())
        for each in self._adapter.maps.values():
            for array in (each.mean, *(one for layer in each.layers for one in layer)):
                digest.update(np.ascontiguousarray(array).tobytes())
        parts = {"source": source.fingerprint, "target": card.fingerprint}
        return replace(source, dim=card.dim, fingerprint=digest.hexdigest(), parts=parts)

    @property
    def input_px(self) -> int:
        """That of the source."""
        return self._source.input_px

    def preprocess(self, image: Image.Image) -> Pixels:
        """As the source does."""
        return self._source.preprocess(image)

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Embed a batch of preprocessed images -> (n, dim) unit rows of the space.

        Raises:
            EncoderUnavailableError: the adapter was trained on texts alone.
        """
        return self._mapped("image", self._source.encode_pixels(pixels))

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Embed n upright RGB images -> (n, dim) unit rows; raises as `encode_pixels`."""
        return self._mapped("image", self._source.encode_images(images))

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows; raises as `encode_pixels`, of images alone."""
        return self._mapped("text", self._source.encode_texts(texts))

    def text_limit(self) -> TextLimit:
        """That of the source."""
        return limit_of(self._source)

    def _mapped(self, modality: Modality, rows: Float32Array) -> Float32Array:
        return mapped(self._adapter, modality, rows)


class AdaptedTexts:
    """Texts of languages that a collection's encoder does not know, by one that does.

    Args:
        adapter: into the space of the collection.
        known: languages of the collection's encoder.
        device: of the text encoder, which is made at the first text.
    """

    def __init__(self, adapter: Adapter, known: Sequence[str], device: str = "auto") -> None:
        self._adapter = adapter
        self._known = tuple(known)
        self._device = device

    @property
    def name(self) -> str:
        """Of the text encoder."""
        return self._adapter.card.source

    def takes(self, language: str | None) -> bool:
        """Whether texts in a language go through the adapter.

        They do if it names the language, or takes any and the collection's encoder does not know
        it. Texts in no known language do not.
        """
        if language is None:
            return False
        languages = self._adapter.card.languages
        named = tuple(each for each in languages if each != ANY)
        if knows(named, language):
            return True
        return ANY in languages and not knows(self._known, language)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows of the collection's space.

        Raises:
            EncoderUnavailableError: the text encoder cannot be had.
            TrainedMapError: what goes by its name is another one by now.
        """
        return mapped(self._adapter, "text", self._source.encode_texts(texts))

    def text_limit(self) -> TextLimit:
        """That of the text encoder; loads it."""
        return limit_of(self._source)

    @cached_property
    def _source(self) -> TextEncoder:
        source = get_text_encoder(self._adapter.card.source, device=self._device)
        self._adapter.check_source(source.info)
        return source


def limit_of(encoder: TextEncoder) -> TextLimit:
    """How long a text an encoder reads; where it does not say, as long as anybody asks."""
    if isinstance(encoder, LimitsTexts):
        return encoder.text_limit()
    return TextLimit(_NO_LIMIT, "characters", len)


def space_of(encoder: Encoder) -> str:
    """The fingerprint of the space that an encoder's answers lie in: its own, or another's."""
    fingerprint: str = getattr(encoder, "stands_for", None) or encoder.info.fingerprint
    return fingerprint


def mapped(adapter: Adapter, modality: Modality, rows: Float32Array) -> Float32Array:
    """Rows of the source's space, (n, d), in the target's, (n, dim).

    Raises:
        EncoderUnavailableError: the adapter was not trained for this modality.
    """
    if modality not in adapter.maps:
        raise EncoderUnavailableError(
            f"the adapter from {adapter.card.source} maps no {modality}s",
            hint=f"train one with {modality}s: polyseek train adapter",
        )
    return adapter.maps[modality](rows)


def adapted(encoder: Encoder, folder: Path) -> AdaptedEncoder | None:
    """An encoder behind the adapter that a collection's folder holds for it; None if there is none.

    Raises:
        TrainedMapError: the adapter is damaged.
    """
    path = folder / adapter_name(encoder.info.fingerprint)
    return AdaptedEncoder(encoder, Adapter.load(path)) if path.is_file() else None


def text_adapter_in(folder: Path) -> Path | None:
    """The text adapter of a collection's folder, if there is one."""
    path = folder / TEXT_ADAPTER_NAME
    return path if path.is_file() else None
