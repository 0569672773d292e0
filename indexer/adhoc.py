"""Embed pictures that belong to no collection: read, decode and encode, and nothing is kept."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from indexer.decode import FileDecoder, ReadFile, default_workers, map_ahead
from indexer.embed import embed_batch
from indexer.readers.base import Skip
from indexer.readers.files import look_at
from indexer.readers.folder import FolderReader
from retrieval.encoders.base import Encoder
from retrieval.images import PixelLimits
from retrieval.model import FileRef, Float32Array

__all__ = ["Skip", "embed_files", "files_of"]

_LOOK_AHEAD_BATCHES = 3


def embed_files(
    encoder: Encoder,
    files: Sequence[FileRef],
    *,
    batch_size: int = 32,
    workers: int | None = None,
    limits: PixelLimits | None = None,
    as_stored: bool = False,
) -> Iterator[tuple[FileRef, Float32Array | Skip]]:
    """The vector of every file, or why it has none, in the order given.

    Args:
        encoder: checked by nobody here.
        files: pictures on the disk.
        batch_size: pictures in one call of the encoder.
        workers: decoding threads; None chooses by the number of processors.
        limits: on the pixels of one picture.
        as_stored: see `decode_image`.

    Yields:
        Each file with its unit row, (dim,).
    """
    decoder = FileDecoder(encoder, limits=limits or PixelLimits(), as_stored=as_stored)
    outcomes = map_ahead(
        decoder,
        files,
        workers=workers or default_workers(),
        window=_LOOK_AHEAD_BATCHES * batch_size,
    )
    with closing(outcomes):
        for start in range(0, len(files), batch_size):
            batch = list(islice(outcomes, batch_size))
            part = files[start : start + len(batch)]
            yield from zip(part, _embedded(encoder, batch), strict=True)


def files_of(paths: Sequence[Path]) -> list[FileRef | Skip]:
    """Image files, and those below folders, in the order named and each once.

    A file that is named is taken whatever its suffix; its content decides.
    """
    found: dict[bytes, FileRef | Skip] = {}
    for path in paths:
        name = os.path.realpath(os.fsencode(path))
        if path.is_dir():
            listing = FolderReader(name).read()
            found |= {file.path: file for file in listing.files}
            found |= {skip.path: skip for skip in listing.skips}
        else:
            found[name] = look_at(name)
    return list(found.values())


def _embedded(encoder: Encoder, batch: Sequence[ReadFile | Skip]) -> list[Float32Array | Skip]:
    """A row or a skip for every outcome of one batch."""
    results: list[Float32Array | Skip | None] = [
        each if isinstance(each, Skip) else None for each in batch
    ]
    read = [(at, each) for at, each in enumerate(batch) if isinstance(each, ReadFile)]
    pixels = [
        each.picture.pixels
        for _, each in read
        if each.picture is not None and each.picture.pixels is not None
    ]
    assert len(pixels) == len(read), "nothing is known here, so everything is decoded"
    if pixels:
        embedded = embed_batch(encoder, pixels)
        for row, kept in zip(embedded.vectors, embedded.kept, strict=True):
            results[read[kept][0]] = row
        for number, reason in embedded.failures.items():
            at, each = read[number]
            results[at] = Skip(each.file.path, reason)
    return [each for each in results if each is not None]
