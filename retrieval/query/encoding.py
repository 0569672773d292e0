"""The encoder of a search session: made at the first use, checked once, asked by one thread."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from retrieval.encoders.banks import BANKS
from retrieval.encoders.base import (
    Encoder,
    LanguageAware,
    SigmoidEncoder,
    default_language,
)
from retrieval.encoders.injection import Injector, injector_of
from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderMismatchError, TrainedMapError
from retrieval.languages.tags import knows
from retrieval.learn.adapted import AdaptedTexts, limit_of, space_of
from retrieval.learn.adapter import Adapter
from retrieval.learn.oti import invert
from retrieval.learn.phi import DEFAULT_TEMPLATE, Phi
from retrieval.model import EncoderInfo, Float32Array
from retrieval.query.algebra import Expression
from retrieval.query.image_files import decode_query_image, read_image_file
from retrieval.query.language import Languages, choose, languages_of
from retrieval.query.long_text import parts_of
from retrieval.query.normal import texts_in
from retrieval.store.cached import CacheFolder, cached_rows

logger = logging.getLogger(__name__)

PhiSource: TypeAlias = Path | Literal["oti"]
"""Where pseudo-tokens of images come from: a trained map, or inversion of each image."""


@dataclass(frozen=True, slots=True)
class EncodedImages:
    """Query images: unit rows (n, dim) and the sha256 (hex) of each file's bytes."""

    vectors: Float32Array
    sha256: tuple[str, ...]


class QueryEncoder:
    """Encodes what queries hold, in the embedding space that a collection records.

    Encoders may be called from one thread at a time; this one may be called from several.
    """

    def __init__(
        self,
        expected: EncoderInfo,
        encoder: Encoder | None = None,
        *,
        device: str = "auto",
        phi: PhiSource | None = None,
        text_adapter: Path | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Choose the encoder.

        Args:
            expected: of the collection.
            encoder: to use, checked at once; None makes the collection's own, by its name, when
                it is first needed.
            device: for the encoder made here.
            phi: where pseudo-tokens of images come from; a file is read when it is first needed.
            text_adapter: the file of an adapter for texts in languages that the encoder does not
                know; read with the first text.
            cache_dir: the user's cache folder; None keeps nothing there.

        Raises:
            EncoderMismatchError: `encoder` is another than the collection's.
        """
        self._expected = expected
        self._device = device
        self._lock = threading.RLock()  # what inversion asks for is encoded, too
        self._encoder = self._checked(encoder) if encoder is not None else None
        self._cache = CacheFolder(cache_dir, "banks")
        self._banks: dict[str, Float32Array] = {}
        self._phi_source = phi
        self._phi: Phi | None = None
        self._adapter_path = text_adapter
        self._adapter: AdaptedTexts | None = None

    def bank(self, name: str = "captions") -> Float32Array:
        """The embeddings of one of BANKS, (n, dim), worked out once and kept in the cache folder.

        Raises:
            EncoderUnavailableError: as for texts.
            EncoderMismatchError: as for texts.
        """
        with self._lock:
            if name not in self._banks:
                self._banks[name] = cached_rows(
                    self._cache,
                    self.fingerprint,
                    self.dim,
                    BANKS[name](),
                    self.encode_captions,
                )
            return self._banks[name]

    @property
    def fingerprint(self) -> str:
        """Of the encoder: that of the embedding space, unless another stands in for it."""
        encoder = self._encoder
        return self._expected.fingerprint if encoder is None else encoder.info.fingerprint

    @property
    def dim(self) -> int:
        """Of the embedding space."""
        return self._expected.dim

    def sigmoid(self) -> tuple[float, float] | None:
        """Scale and bias that make a cosine a probability; None of models that have none.

        Raises:
            EncoderUnavailableError: as for texts.
            EncoderMismatchError: as for texts.
        """
        with self._lock:
            encoder = self._ready()
            return encoder.sigmoid if isinstance(encoder, SigmoidEncoder) else None

    def encode_texts(
        self, texts: Sequence[str], languages: Sequence[str | None] = ()
    ) -> Float32Array:
        """Embed texts in one call of the encoder -> (n, dim) unit rows.

        Args:
            texts: n.
            languages: canonical tags of n, or nothing. Where the encoder has to be told, or there
                is an adapter, that of a text without one is chosen (`retrieval.query.language`).

        Raises:
            EncoderUnavailableError: the collection's encoder cannot be had, or the one of the
                adapter.
            EncoderMismatchError: what goes by its name is another one by now.
            TrainedMapError: the adapter cannot be used.
        """
        with self._lock:
            encoder, adapter, default = self._ready(), self._texts_adapter(), self._default()
            if default is None:
                return encoder.encode_texts(texts)
            told = languages or [None] * len(texts)
            pairs = zip(texts, told, strict=True)
            chosen = [choose(text, lang, default).lang for text, lang in pairs]
            if adapter is None:
                return _told(encoder, texts, chosen)
            vectors = np.empty((len(texts), self.dim), np.float32)
            through = np.array([adapter.takes(lang) for lang in chosen], np.bool_)
            theirs, ours = np.flatnonzero(through).tolist(), np.flatnonzero(~through).tolist()
            if theirs:
                vectors[theirs] = adapter.encode_texts([texts[row] for row in theirs])
            if ours:
                rows = [texts[row] for row in ours], [chosen[row] for row in ours]
                vectors[ours] = _told(encoder, *rows)
            return vectors

    def encode_captions(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts as those of a collection were, by its own encoder -> (n, dim) unit rows.

        Raises:
            EncoderUnavailableError: the collection's encoder cannot be had.
            EncoderMismatchError: what goes by its name is another one by now.
        """
        with self._lock:
            return self._ready().encode_texts(texts)

    def language_of(self, text: str, lang: str | None = None) -> str | None:
        """The language in which a text is read; None where it makes no difference.

        Args:
            text: as it was asked, not yet in parts or other wordings, which would tell otherwise.
            lang: canonical tag, if it says one.

        Raises:
            EncoderUnavailableError: as for `encode_texts`.
            EncoderMismatchError: as for `encode_texts`.
            TrainedMapError: as for `encode_texts`.
        """
        with self._lock:
            default = self._default()
        return lang if default is None else choose(text, lang, default).lang

    def languages_of(self, expression: Expression) -> Languages:
        """The languages of a query's texts, as they are chosen when it is encoded.

        Raises:
            EncoderUnavailableError: as for texts; loads the encoder if there is a text.
            EncoderMismatchError: as for texts.
            TrainedMapError: as for texts.
        """
        if next(texts_in(expression), None) is None:
            return Languages((), False, ())
        with self._lock:
            info, adapter, default = self._ready().info, self._texts_adapter(), self._default()
        return languages_of(expression, info, default, None if adapter is None else adapter.takes)

    def parts_of(self, text: str, lang: str | None = None) -> tuple[str, ...]:
        """A text in parts that the encoder reads to their ends; see `long_text.parts_of`.

        Args:
            text: any.
            lang: canonical tag of its language, if it says one.

        Raises:
            QueryError: there would be too many.
            EncoderUnavailableError: as for `encode_texts`.
            EncoderMismatchError: as for `encode_texts`.
            TrainedMapError: as for `encode_texts`.
        """
        with self._lock:
            encoder, adapter = self._ready(), self._texts_adapter()
            name, limit = self._expected.name, limit_of(encoder)
            if adapter is not None and adapter.takes(self.language_of(text, lang)):
                name, limit = adapter.name, adapter.text_limit()
            parts = parts_of(text, limit)
        if len(parts) > 1:
            logger.warning(
                "a query of %d words is longer than the %d %s that %s reads: split into %d parts",
                len(text.split()),
                limit.most,
                limit.unit,
                name,
                len(parts),
            )
        return parts

    @property
    def template(self) -> str:
        """How an image and words become one text: that of the phi, or the usual one.

        Raises:
            TrainedMapError: the phi cannot be used.
        """
        with self._lock:
            if not isinstance(self._phi_source, Path):
                return DEFAULT_TEMPLATE
            return self._map(self._phi_source).card.template

    def encode_with_images(
        self,
        texts: Sequence[Sequence[str | Float32Array]],
        gap: Callable[[], Float32Array],
    ) -> Float32Array:
        """Embed texts that hold images in the place of words.

        Args:
            texts: n of them; an image is its embedding, (dim,).
            gap: gives the mean of texts less that of images, (dim,); asked for by inversion only.

        Returns:
            (n, dim) unit rows.

        Raises:
            EncoderUnavailableError: as for texts, or the encoder takes no images in texts.
            EncoderMismatchError: as for texts.
            TrainedMapError: there is no phi, it is damaged, or another encoder's.
            QueryError: a text names more images than its context has room for.
        """
        with self._lock:
            injector = injector_of(self._ready())
            images = np.stack(
                [each for text in texts for each in text if not isinstance(each, str)]
            )
            tokens = iter(self._tokens(injector, images, gap))
            vectors, truncated = injector.encode(
                [
                    [each if isinstance(each, str) else next(tokens) for each in text]
                    for text in texts
                ]
            )
        if truncated:
            logger.warning(
                "%d of %d texts with images are too long; their ends are lost",
                truncated,
                len(texts),
            )
        return vectors

    def _tokens(
        self, injector: Injector, images: Float32Array, gap: Callable[[], Float32Array]
    ) -> Float32Array:
        """Pseudo-tokens of images, (n, n_tokens, width)."""
        if self._phi_source is None:
            raise TrainedMapError(
                "an image inside of a text needs a phi, and there is none",
                hint="train one: polyseek train phi --collection FOLDER; or without training, some "
                "seconds to a minute an image: --phi oti",
            )
        if isinstance(self._phi_source, Path):
            return self._map(self._phi_source).tokens(images)
        return invert(injector, images, gap(), DEFAULT_TEMPLATE)

    def _map(self, path: Path) -> Phi:
        if self._phi is None:
            phi = Phi.load(path)
            phi.check(self._expected)
            self._phi = phi
        return self._phi

    def encode_files(self, paths: Sequence[Path]) -> EncodedImages:
        """Read, decode and embed image files, in one call of the encoder.

        Raises:
            QueryError: a file cannot be read or is no image; names the path and the reason.
            EncoderUnavailableError: as for texts.
            EncoderMismatchError: as for texts.
        """
        contents = [read_image_file(path) for path in paths]
        with self._lock:
            encoder = self._ready()
            target_px = encoder.input_px
        images = [
            decode_query_image(path, content, target_px)
            for path, content in zip(paths, contents, strict=True)
        ]
        with self._lock:
            vectors = encoder.encode_images(images)
        return EncodedImages(vectors, tuple(sha256(content).hexdigest() for content in contents))

    def _ready(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._checked(get_encoder(self._expected.name, device=self._device))
        return self._encoder

    def _texts_adapter(self) -> AdaptedTexts | None:
        if self._adapter is None and self._adapter_path is not None:
            adapter = Adapter.load(self._adapter_path)
            adapter.check_target(self._expected)
            self._adapter = AdaptedTexts(adapter, self._ready().info.languages, self._device)
        return self._adapter

    def _default(self) -> str | None:
        """The language of a text of which nothing tells; None where it makes no difference."""
        encoder = self._ready()
        default = default_language(encoder)
        if default is not None or self._texts_adapter() is None:
            return default
        known = encoder.info.languages
        return "en" if knows(known, "en") else known[0]

    def _checked(self, encoder: Encoder) -> Encoder:
        if space_of(encoder) != self._expected.fingerprint:
            raise EncoderMismatchError(expected=self._expected.label, found=encoder.info.label)
        return encoder


def _told(encoder: Encoder, texts: Sequence[str], languages: Sequence[str | None]) -> Float32Array:
    """Embed texts by an encoder itself, which is told their languages if it asks."""
    if default_language(encoder) is None or not isinstance(encoder, LanguageAware):
        return encoder.encode_texts(texts)
    return encoder.encode_texts_in(texts, languages)
