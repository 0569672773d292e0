"""Batches of pixels through the encoder, such that one bad picture costs only itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.encoders.base import Encoder, Pixels
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

# What a model raises on input it cannot take: shapes, types, memory (torch's out-of-memory error is
# a RuntimeError). Our own errors are not among them: missing weights are no picture's fault.
_BATCH_ERRORS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)

HOPELESS_BATCH = 4
"""When this many pictures (or more) make a batch and each fails alone, the encoder is to blame."""


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """Outcome of one batch.

    Attributes:
        kept: (m,) indices into the batch, ascending, of the pictures that have an embedding.
        vectors: (m, dim) unit rows, in the order of `kept`.
        failures: reason by index, of the others; kept and failures together are the batch.
    """

    kept: tuple[int, ...]
    vectors: Float32Array
    failures: dict[int, str]


def embed_batch(encoder: Encoder, pixels: Sequence[Pixels]) -> EmbeddedBatch:
    """Embed n preprocessed pictures; a batch that fails is halved until the culprit is alone.

    Raises:
        EncoderUnavailableError: the batch has at least `HOPELESS_BATCH` pictures and not one
            can be embedded.
    """
    failures: dict[int, str] = {}
    rows = _embed_range(encoder, pixels, range(len(pixels)), failures)
    kept = tuple(i for i in range(len(pixels)) if i not in failures)
    if len(pixels) >= HOPELESS_BATCH and not kept:
        raise EncoderUnavailableError(
            f"{encoder.info.label} could embed none of {len(pixels)} pictures: {failures[0]}",
            hint="try --device cpu, or a smaller --batch-size",
        )
    vectors = np.concatenate(rows) if rows else np.empty((0, encoder.info.dim), np.float32)
    return EmbeddedBatch(kept, vectors, failures)


def _embed_range(
    encoder: Encoder, pixels: Sequence[Pixels], span: range, failures: dict[int, str]
) -> list[Float32Array]:
    """Vectors of a span of the batch, in order, without those entered into `failures`."""
    if not span:
        return []
    try:
        vectors = encoder.encode_pixels(np.stack([pixels[i] for i in span]))
    except _BATCH_ERRORS as error:
        if len(span) > 1:
            middle = span.start + len(span) // 2
            return [
                *_embed_range(encoder, pixels, range(span.start, middle), failures),
                *_embed_range(encoder, pixels, range(middle, span.stop), failures),
            ]
        out_of_memory = isinstance(error, MemoryError)
        failures[span.start] = (
            "out of memory" if out_of_memory else f"cannot encode: {type(error).__name__}"
        )
        return []
    finite = np.isfinite(vectors).all(axis=1)
    for row in np.flatnonzero(~finite):
        failures[span.start + int(row)] = "cannot encode: not a number"
    return [vectors[finite]]
