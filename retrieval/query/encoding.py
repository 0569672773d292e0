"""The encoder of a search session: made at the first use, checked once, asked by one thread."""

import io
import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from PIL.Image import Image

from retrieval.encoders.banks import BANKS
from retrieval.encoders.base import (
    Encoder,
    LanguageAware,
    LimitsTexts,
    SigmoidEncoder,
    default_language,
)
from retrieval.encoders.injection import Injector, injector_of
from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderMismatchError, ImageError, QueryError, TrainedMapError
from retrieval.images import decode_image
from retrieval.learn.oti import invert
from retrieval.learn.phi import DEFAULT_TEMPLATE, Phi
from retrieval.model import EncoderInfo, Float32Array
from retrieval.query.algebra import Expression
from retrieval.query.language import Languages, choose, languages_of
from retrieval.query.long_text import parts_of
from retrieval.query.normal import texts_in
from retrieval.store.cached import CacheFolder

logger = logging.getLogger(__name__)

MAX_QUERY_IMAGE_BYTES = 1 << 30
"""A file is read whole. The largest picture within the default pixel limits has a quarter of that
(90 M px x 3 bytes, uncompressed)."""

logger = logging.getLogger(__name__)

# What a system lacks of these it does not need: Windows has no pipes among its files.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)

_ADDRESS = re.compile(r"(?P<scheme>https?|ftp|file|data|s3|gs):/*(?P<rest>.*)", re.IGNORECASE)


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
        cache_dir: Path | None = None,
    ) -> None:
        """Choose the encoder.

        Args:
            expected: of the collection.
            encoder: to use, checked at once; None makes the collection's own, by its name, when
                it is first needed.
            device: for the encoder made here.
            phi: where pseudo-tokens of images come from; a file is read when it is first needed.
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

    def bank(self, name: str = "captions") -> Float32Array:
        """The embeddings of one of BANKS, (n, dim), worked out once and kept in the cache folder.

        Raises:
            EncoderUnavailableError: as for texts.
            EncoderMismatchError: as for texts.
        """
        with self._lock:
            if name not in self._banks:
                self._banks[name] = self._embedded_bank(BANKS[name]())
            return self._banks[name]

    def _embedded_bank(self, texts: Sequence[str]) -> Float32Array:
        made_of = sha256("\n".join((self.fingerprint, *texts)).encode()).hexdigest()
        kept = _rows_in(self._cache.read(f"{made_of}.f32"), len(texts), self.dim)
        if kept is not None:
            return kept
        vectors = self._ready().encode_texts(texts)
        self._cache.keep(f"{made_of}.f32", vectors.tobytes())
        return vectors

    @property
    def fingerprint(self) -> str:
        """Of the embedding space."""
        return self._expected.fingerprint

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
            languages: canonical tags of n, or nothing. Where the encoder has to be told, that of a
                text without one is chosen (`retrieval.query.language`).

        Raises:
            EncoderUnavailableError: the collection's encoder cannot be had.
            EncoderMismatchError: what goes by its name is another one by now.
        """
        with self._lock:
            encoder = self._ready()
            default = default_language(encoder)
            if default is None or not isinstance(encoder, LanguageAware):
                return encoder.encode_texts(texts)
            told = languages or [None] * len(texts)
            pairs = zip(texts, told, strict=True)
            chosen = [choose(text, lang, default).lang for text, lang in pairs]
            return encoder.encode_texts_in(texts, chosen)

    def languages_of(self, expression: Expression) -> Languages:
        """The languages of a query's texts, as they are chosen when it is encoded.

        Raises:
            EncoderUnavailableError: as for texts; loads the encoder if there is a text.
            EncoderMismatchError: as for texts.
        """
        if next(texts_in(expression), None) is None:
            return Languages((), False, ())
        with self._lock:
            encoder = self._ready()
            info, default = encoder.info, default_language(encoder)
        return languages_of(expression, info, default)

    def parts_of(self, text: str) -> tuple[str, ...]:
        """A text in parts that the encoder reads to their ends; see `long_text.parts_of`.

        Raises:
            QueryError: there would be too many.
            EncoderUnavailableError: as for `encode_texts`.
            EncoderMismatchError: as for `encode_texts`.
        """
        with self._lock:
            encoder = self._ready()
            if not isinstance(encoder, LimitsTexts):
                return (text,)
            limit = encoder.text_limit()
            parts = parts_of(text, limit)
        if len(parts) > 1:
            logger.warning(
                "a query of %d words is longer than the %d %s that %s reads: split into %d parts",
                len(text.split()),
                limit.most,
                limit.unit,
                self._expected.name,
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
            _decoded(path, content, target_px)
            for path, content in zip(paths, contents, strict=True)
        ]
        with self._lock:
            vectors = encoder.encode_images(images)
        return EncodedImages(vectors, tuple(sha256(content).hexdigest() for content in contents))

    def _ready(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._checked(get_encoder(self._expected.name, device=self._device))
        return self._encoder

    def _checked(self, encoder: Encoder) -> Encoder:
        if encoder.info.fingerprint != self._expected.fingerprint:
            raise EncoderMismatchError(expected=self._expected.label, found=encoder.info.label)
        return encoder


def read_image_file(path: Path) -> bytes:
    """Bytes of a regular file; nothing that could block or never end is read.

    Raises:
        QueryError: it cannot be read, is no regular file, or has more than MAX_QUERY_IMAGE_BYTES.
    """
    doing = f"cannot read the query image {path}"
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
        with io.FileIO(os.open(path, _OPEN_FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                hint = "give the path of an image file"
                raise QueryError(f"{doing}: it is a pipe or a device", hint=hint)
            if status.st_size > MAX_QUERY_IMAGE_BYTES:
                raise QueryError(
                    f"{doing}: it has {status.st_size:,} bytes",
                    hint=f"an image file may have {MAX_QUERY_IMAGE_BYTES:,} bytes",
                )
            return file.readall()
    except FileNotFoundError as error:
        if address := _ADDRESS.match(str(path)):
            shown = f"{address['scheme']}://{address['rest']}"  # a path holds no two slashes
            raise QueryError(
                f"{shown} is an address, and a query image is a file",
                hint="download it and give the path of the file",
            ) from error
        hint = "check the path; a relative one starts from the current folder"
        raise QueryError(f"{doing}: {error.strerror}", hint=hint) from error
    except OSError as error:
        hint = "give an image file that you may read"
        raise QueryError(f"{doing}: {error.strerror}", hint=hint) from error
    except ValueError as error:  # a NUL in the path
        raise QueryError(f"{doing}: {error}", hint="check the path") from error


def _decoded(path: Path, content: bytes, target_px: int) -> Image:
    try:
        return decode_image(content, target_px=target_px).image
    except ImageError as error:
        raise QueryError(
            f"cannot use the query image {path}: {error.reason}", hint=error.hint
        ) from error


def _rows_in(content: bytes | None, n: int, dim: int) -> Float32Array | None:
    """Rows (n, dim) that were kept; None where that is nothing that can be used."""
    if content is None or len(content) != 4 * n * dim:
        return None
    rows = np.frombuffer(content, np.float32).reshape(n, dim)
    return rows if np.isfinite(rows).all() else None
