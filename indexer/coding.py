"""Code the vectors of segments, some at a time."""

from collections.abc import Sequence

import numpy as np

from indexer.spool import CodesSpool
from retrieval.ann.codebook import Codebook
from retrieval.model import Float32Array, Int64Array
from retrieval.store.collection import Gallery


def code_segments(
    codebook: bytes,
    gallery: Gallery,
    names: Sequence[str],
    spool: CodesSpool,
    chunk_rows: int,
    device: str,
) -> None:
    """Make the codes of the named segments.

    Args:
        codebook: that they are made with.
        gallery: of the segments.
        names: of the segments.
        spool: takes the codes.
        chunk_rows: vectors at a time.
        device: of torch.
    """
    coder = Codebook(codebook)
    for segment in gallery.segments:
        if segment.name in names:
            chunks = segment.vectors.chunks(chunk_rows)
            spool.put(segment.name, coder.encode_pieces(chunks, device))


def lists_of(book: Codebook, rows: Float32Array, chunk_rows: int, device: str) -> Int64Array:
    """The list of each row, (n,), as the coder assigns it; `chunk_rows` at a time."""
    starts = range(0, len(rows), chunk_rows)
    return np.concatenate([book.lists_of(rows[at : at + chunk_rows], device) for at in starts])
