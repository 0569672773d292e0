"""Embeddings of the pictures and texts of data sets, worked out once for all protocols.

Pictures are kept by what is in their files, texts by their words, both by the encoder's
fingerprint: one pass over the pictures serves every language, protocol and index, in this run and
in the next. Each block of a run is kept when it is done, so a run that was cut off goes on.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.datasets.base import DatasetError, Picture
from benchmarks.environment import device_of
from benchmarks.reference.settings import AS_STORED
from indexer.adhoc import Skip, embed_files, files_of
from retrieval.encoders.base import Encoder, LanguageAware, default_language, precision_of
from retrieval.model import EncoderInfo, FileRef, Float32Array
from retrieval.query.encoding import QueryEncoder
from retrieval.store.cached import CacheFolder, cached_in_blocks

_PICTURES_AT_ONCE, _TEXTS_AT_ONCE = 256, 1_024

_LISTS_IN_MEMORY = 2
"""A gallery and what pads it; those of the data set before are let go."""

FULL, _PROCESSOR = "fp32", "cpu"
"""The precision and the device that embeddings are kept under no name for."""
OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Told what is embedded, how many are done, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureFeatures:
    """Pictures as an encoder sees them.

    Attributes:
        rows: (n, dim) float32 unit rows; of a picture that cannot be read a row of zeros.
        sha256: hex digest over the digests of all files, in order: what the run saw.
        unreadable: rows of pictures that cannot be read, ascending.
        digests: n, sha256 (hex) of each file.
    """

    rows: Float32Array
    sha256: str
    unreadable: tuple[int, ...]
    digests: tuple[str, ...]

    def without_unreadable(self) -> "PictureFeatures":
        """Those of the pictures that could be read; the digest stays that of all."""
        digests = tuple(np.delete(np.array(self.digests), self.unreadable).tolist())
        rows = np.delete(self.rows, self.unreadable, axis=0)
        return replace(self, rows=rows, unreadable=(), digests=digests)


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
        self._seen: dict[tuple[Picture, ...], PictureFeatures] = {}
        self._n_embedded, self._embedding_s = 0, 0.0
        self._space = " ".join([encoder.info.fingerprint, *_special(encoder)])

    @property
    def encoder(self) -> EncoderInfo:
        """What embeds."""
        return self._encoder.info

    def start_pace(self) -> None:
        """Count anew what is embedded: another data set begins."""
        self._n_embedded, self._embedding_s = 0, 0.0

    def pace(self) -> dict[str, float]:
        """Pictures of the data set that were not found in the cache, and how many a second.

        `images_embedded` and `images_per_s`, decoding included; empty where there were none.
        """
        if not self._n_embedded:
            return {}
        per_s = round(self._n_embedded / max(self._embedding_s, 1e-9), 2)
        return {"images_embedded": self._n_embedded, "images_per_s": per_s}

    def query_encoder(self, phi: Path | None = None) -> QueryEncoder:
        """What plans of users' queries ask; `phi` makes words of images in texts."""
        return QueryEncoder(self._encoder.info, self._encoder, phi=phi)

    def pictures(self, pictures: Sequence[Picture]) -> PictureFeatures:
        """Embed pictures; one that cannot be read stops nothing.

        Asked for the same ones again, as another language does, it answers at once.
        """
        asked = tuple(pictures)
        found = self._in_memory(asked) or self._look_at(asked)
        self._seen.pop(asked, None)
        while len(self._seen) >= _LISTS_IN_MEMORY:
            self._seen.pop(next(iter(self._seen)))
        self._seen[asked] = found
        return found

    def _in_memory(self, asked: tuple[Picture, ...]) -> PictureFeatures | None:
        """These pictures, if a list in memory has all of them: a language may lack some."""
        if asked in self._seen:
            return self._seen[asked]
        for pictures, found in self._seen.items():
            row_of = {each: row for row, each in enumerate(pictures)}
            if all(each in row_of for each in asked):
                self._seen[pictures] = self._seen.pop(pictures)  # it is used, so it stays
                rows = [row_of[each] for each in asked]
                return _features_of(found.rows[rows], [found.digests[row] for row in rows])
        return None

    def _look_at(self, pictures: Sequence[Picture]) -> PictureFeatures:
        digests = [_digest(each.path) for each in pictures]
        blocks = self._kept(
            f"{self._space} {AS_STORED}",
            digests,
            lambda block: self._embedded(pictures[block]),
            _PICTURES_AT_ONCE,
        )
        rows = np.empty((len(pictures), self._encoder.info.dim), np.float32)
        done = 0
        for each in blocks:
            rows[done : done + len(each)] = each
            done += len(each)
            self._tell("pictures", done, len(pictures))
        return _features_of(rows, digests)

    def texts(self, texts: Sequence[str], language: str | None = None) -> Float32Array:
        """Embed texts as they stand -> (m, dim) float32 unit rows.

        Args:
            texts: m; longer ones are cut as the encoder cuts them, as every harness does.
            language: canonical tag, for encoders that have to be told; None is their default.
        """
        encoder, told = self._encoder, language is not None and default_language(self._encoder)
        space = self._space + (f" {language}" if told else "")

        def encode(block: slice) -> Float32Array:
            own = texts[block]
            if not told or not isinstance(encoder, LanguageAware):
                return encoder.encode_texts(own)
            return encoder.encode_texts_in(own, [language] * len(own))

        rows = [*self._kept(space, texts, encode, _TEXTS_AT_ONCE)]
        self._tell("texts", len(texts), len(texts))
        return np.concatenate(rows) if rows else self._encoder.encode_texts([])

    def _kept(
        self,
        space: str,
        names: Sequence[str],
        encode: Callable[[slice], Float32Array],
        at_once: int,
    ) -> Iterator[Float32Array]:
        dim = self._encoder.info.dim
        return cached_in_blocks(self._cache, space, dim, names, encode, at_once)

    def _embedded(self, pictures: Sequence[Picture]) -> Float32Array:
        started_s = time.perf_counter()
        rows = np.zeros((len(pictures), self._encoder.info.dim), np.float32)
        files = [files_of([each.path])[0] for each in pictures]
        good = [(row, file) for row, file in enumerate(files) if isinstance(file, FileRef)]
        found = embed_files(self._encoder, [file for _, file in good], as_stored=True)
        for (row, _), (_, vector) in zip(good, found, strict=True):
            if not isinstance(vector, Skip):
                rows[row] = vector
        self._n_embedded += len(pictures)
        self._embedding_s += time.perf_counter() - started_s
        return rows

    def _tell(self, what: str, done: int, total: int) -> None:
        if self._on_progress is not None:
            self._on_progress(what, done, total)


def _features_of(rows: Float32Array, digests: Sequence[str]) -> PictureFeatures:
    unreadable = np.flatnonzero(~rows.any(axis=1)).tolist()
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    return PictureFeatures(rows, whole, tuple(unreadable), tuple(digests))


def _special(encoder: Encoder) -> list[str]:
    """Precision and device, where they are not the usual ones: both round otherwise."""
    told = ((precision_of(encoder), FULL), (device_of(encoder), _PROCESSOR))
    return [own for own, usual in told if own != usual]


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
