"""Embeddings that outlast a run."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.label_scale import N_CLASSES, embed_photographs
from retrieval.encoders.base import Encoder, TextEncoder
from retrieval.encoders.fingerprint import canonical_json
from retrieval.model import Float32Array, Int64Array


class TextCache:
    """Embeddings of texts by one encoder, by what was embedded."""

    def __init__(self, folder: Path, encoder: TextEncoder) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._text_encoder = encoder

    def texts(self, name: str, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows, or read what was embedded before."""
        path = self._path(name, list(texts))
        return _load(path) if path.exists() else _save(path, self._text_encoder.encode_texts(texts))

    def _path(self, name: str, content: object) -> Path:
        what = canonical_json([self._text_encoder.info.fingerprint, content])
        return self._folder / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npy"


class Cache(TextCache):
    """Embeddings of texts and photographs."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        super().__init__(folder, encoder)
        self._encoder = encoder

    def photographs(self, folder: Path) -> tuple[Float32Array, Int64Array]:
        """Embed the photographs of all classes -> (n, dim) unit rows and (n,) classes."""
        sizes = sorted((each.name, each.stat().st_size) for each in folder.iterdir())
        rows, classes = self._path("photographs", sizes), self._path("classes", sizes)
        if not (rows.exists() and classes.exists()):
            all_classes = {number: str(number) for number in range(N_CLASSES)}
            found = embed_photographs(folder, all_classes, self._encoder)
            _save(rows, found.vectors)
            np.save(classes, found.names.astype(np.int64))
        return _load(rows), np.load(classes)


def _load(path: Path) -> Float32Array:
    rows: Float32Array = np.load(path).astype(np.float32)
    return rows


def _save(path: Path, rows: Float32Array) -> Float32Array:
    """Write rows whole or not at all; give them back."""
    part = path.with_suffix(".part.npy")
    np.save(part, rows)
    part.rename(path)
    return rows
