"""Embeddings of the pictures and texts of data sets, worked out once for all protocols.

Pictures are kept by what is in their files, texts by their words, both by the encoder's
fingerprint: one pass over the pictures serves every language, protocol and index, in this run and
in the next. Each block of a run is kept when it is done, so a run that was cut off goes on.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.datasets.base import DatasetError, Picture
from indexer.adhoc import Skip, embed_files, files_of
from retrieval.encoders.base import Encoder, LanguageAware, default_language
from retrieval.model import FileRef, Float32Array
from retrieval.store.cached import CacheFolder, cached_rows

_PICTURES_AT_ONCE, _TEXTS_AT_ONCE = 256, 1_024

AS_STORED = "as stored"
"""How pictures are decoded: at full size, not turned, without their colour profile, as published
figures were made. An index is built of upright pictures in sRGB."""

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Told what is embedded, how many are done, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureFeatures:
    """Pictures as an encoder sees them.

    Attributes:
        rows: (n, dim) float32 unit rows; of a picture that cannot be read a row of zeros.
        sha256: hex digest over the digests of all files, in order: what the run saw.
        unreadable: rows of pictures that cannot be read, ascending.
    """

    rows: Float32Array
    sha256: str
    unreadable: tuple[int, ...]

    def without_unreadable(self) -> "PictureFeatures":
        """Those of the pictures that could be read; the digest stays that of all."""
        return replace(self, rows=np.delete(self.rows, self.unreadable, axis=0), unreadable=())


class Features:
    """Embeds for a run, and keeps what it embedded.

    Args:
        encoder: of the run; asked in blocks of fixed size, so that the same run gives the same
            numbers.
        cache: where embeddings are kept.
        on_progress: told after each block.
    """

    def __init__(
        self, encoder: Encoder, cache: CacheFolder, on_progress: OnProgress | None = None
    ) -> None:
        self._encoder = encoder
        self._cache = cache
        self._on_progress = on_progress
        self._last: tuple[tuple[Picture, ...], PictureFeatures] | None = None

    def pictures(self, pictures: Sequence[Picture]) -> PictureFeatures:
        """Embed pictures; one that cannot be read stops nothing.

        Asked for the same ones again, as another language does, it answers at once.
        """
        asked = tuple(pictures)
        if self._last is None or self._last[0] != asked:
            self._last = asked, self._seen(asked)
        return self._last[1]

    def _seen(self, pictures: Sequence[Picture]) -> PictureFeatures:
        digests = [_digest(each.path) for each in pictures]
        space = f"{self._encoder.info.fingerprint} {AS_STORED}"
        rows = np.empty((len(pictures), self._encoder.info.dim), np.float32)
        for start in range(0, len(pictures), _PICTURES_AT_ONCE):
            block = slice(start, start + _PICTURES_AT_ONCE)
            rows[block] = self._kept(space, digests[block], self._embedder(pictures[block]))
            self._tell("pictures", min(start + _PICTURES_AT_ONCE, len(pictures)), len(pictures))
        unreadable = np.flatnonzero(~rows.any(axis=1)).tolist()
        whole = hashlib.sha256("".join(digests).encode()).hexdigest()
        return PictureFeatures(rows, whole, tuple(unreadable))

    def texts(self, texts: Sequence[str], language: str | None = None) -> Float32Array:
        """Embed texts as they stand -> (m, dim) float32 unit rows.

        Args:
            texts: m; longer ones are cut as the encoder cuts them, as every harness does.
            language: canonical tag, for encoders that have to be told; None is their default.
        """
        encoder, told = self._encoder, language is not None and default_language(self._encoder)
        space = self._encoder.info.fingerprint + (f" {language}" if told else "")

        def encode(block: Sequence[str]) -> Float32Array:
            if not told or not isinstance(encoder, LanguageAware):
                return encoder.encode_texts(block)
            return encoder.encode_texts_in(block, [language] * len(block))

        rows = [
            self._kept(space, texts[start : start + _TEXTS_AT_ONCE], encode)
            for start in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
        self._tell("texts", len(texts), len(texts))
        return np.concatenate(rows) if rows else self._encoder.encode_texts([])

    def _kept(
        self, space: str, what: Sequence[str], encode: Callable[[Sequence[str]], Float32Array]
    ) -> Float32Array:
        return cached_rows(self._cache, space, self._encoder.info.dim, what, encode)

    def _embedder(self, pictures: Sequence[Picture]) -> Callable[[Sequence[str]], Float32Array]:
        """Embeds these pictures, whose digests it is asked for."""
        return lambda _: self._embedded(pictures)

    def _embedded(self, pictures: Sequence[Picture]) -> Float32Array:
        rows = np.zeros((len(pictures), self._encoder.info.dim), np.float32)
        files = [files_of([each.path])[0] for each in pictures]
        good = [(row, file) for row, file in enumerate(files) if isinstance(file, FileRef)]
        found = embed_files(self._encoder, [file for _, file in good], as_stored=True)
        for (row, _), (_, vector) in zip(good, found, strict=True):
            if not isinstance(vector, Skip):
                rows[row] = vector
        return rows

    def _tell(self, what: str, done: int, total: int) -> None:
        if self._on_progress is not None:
            self._on_progress(what, done, total)


def _digest(path: Path) -> str:
    """sha256 (hex) of a file's bytes.

    Raises:
        DatasetError: it has gone since the data set was read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(
            f"cannot read the picture {path}: {error.strerror}", hint="run again: it may be back"
        ) from error
