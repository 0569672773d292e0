"""Files in the user's cache folder: what can be made again, and takes a while."""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from retrieval.model import Float32Array


class CacheFolder:
    """One kind of files in the cache folder.

    A cache that cannot be read or written costs time, never correctness: neither is an error.

    Args:
        cache_dir: polyseek's cache folder, made when first needed; None keeps nothing.
        kind: names the folder within it.
    """

    def __init__(self, cache_dir: Path | None, kind: str) -> None:
        self._folder = None if cache_dir is None else cache_dir / kind

    def read(self, name: str) -> bytes | None:
        """What was kept under a name, unless somebody has changed it; None where nothing was."""
        if self._folder is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def keep(self, name: str, content: bytes) -> None:
        """Keep bytes under a name; others see all of them or none."""
        if self._folder is None:
            return
        draft = self._folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(self._folder / name)


def cached_rows(
    cache: CacheFolder,
    fingerprint: str,
    dim: int,
    texts: Sequence[str],
    encode: Callable[[Sequence[str]], Float32Array],
) -> Float32Array:
    """The embeddings of texts, (n, dim) unit rows, worked out once and then kept.

    Rows of zeros say that something could not be embedded: then nothing is kept.

    Args:
        cache: where.
        fingerprint: of the encoder.
        dim: of its embeddings.
        texts: n.
        encode: embeds them.
    """
    made_of = sha256(json.dumps([fingerprint, *texts]).encode("ascii")).hexdigest()
    kept = _rows_in(cache.read(f"{made_of}.f32"), len(texts), dim)
    if kept is not None:
        return kept
    rows = encode(texts)
    if rows.any(axis=1).all():
        cache.keep(f"{made_of}.f32", rows.tobytes())
    return rows


def cached_in_blocks(
    cache: CacheFolder,
    fingerprint: str,
    dim: int,
    names: Sequence[str],
    encode: Callable[[slice], Float32Array],
    at_once: int,
) -> Iterator[Float32Array]:
    """The same in blocks, each kept when it is done: a run that was cut off goes on there.

    Args:
        cache: see `cached_rows`.
        fingerprint: likewise.
        dim: likewise.
        names: n, what decides each row: a text, the digest of a file.
        encode: embeds those of a block.
        at_once: how many make a block.

    Yields:
        The (at most `at_once`, dim) rows of each block, in order.
    """
    for start in range(0, len(names), at_once):
        block = slice(start, start + at_once)

        def rows_of(_: Sequence[str], block: slice = block) -> Float32Array:
            return encode(block)

        yield cached_rows(cache, fingerprint, dim, names[block], rows_of)


def _rows_in(content: bytes | None, n: int, dim: int) -> Float32Array | None:
    """Rows (n, dim) that were kept; None where that is nothing that can be used."""
    if content is None or len(content) != 4 * n * dim:
        return None
    rows = np.frombuffer(content, np.float32).reshape(n, dim)
    return rows if np.isfinite(rows).all() else None
