"""What small maps learn from: texts of a file, pictures of a folder, what a collection holds."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.context import Context
from cli.output import note, shown_path
from retrieval.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from indexer.adhoc import Skip
    from retrieval.encoders.base import Encoder, TextEncoder
    from retrieval.engine import SearchEngine
    from retrieval.learn.adapter_fit import Matched
    from retrieval.learn.net import OnProgress
    from retrieval.learn.pairs import EmbedTexts
    from retrieval.model import FileRef, Float32Array

_MOST_IMAGES = 100_000
"""Vectors of a collection that a map learns from: from all over it, 200 MB of 512 numbers."""

_MOST_TEXTS, _MOST_PICTURES = 5_000, 2_000
"""Texts and pictures of a collection that another encoder embeds anew."""

_TEXTS_AT_ONCE = 256
"""Texts that are embedded, and kept, together: what a run that was cut off has to do again."""


def folder_of(context: Context, model: str | None) -> Path | None:
    """The collection, if there is one to learn from; a model that is named needs none."""
    named = context.origins["collection"].layer == "flag"
    return context.collection() if named or model is None else None


def home_of(out: Path | None, folder: Path | None, name: str) -> Path:
    """Where a map will be written; what cannot be is said before anything is learned.

    Args:
        out: as it was asked for, if it was.
        folder: the collection, if there is one.
        name: of the file in the collection.

    Raises:
        SettingsError: nowhere is named, or a place where nothing can be written.
    """
    if out is None and folder is None:
        raise SettingsError("nowhere to write", hint="give --out FILE")
    path = out or (folder or Path()) / name
    if path.suffix == ".json":
        raise SettingsError(
            f"the card goes to {shown_path(path)}, beside the map", hint="name it *.safetensors"
        )
    if path.is_dir() or not path.parent.is_dir():
        raise SettingsError(
            f"cannot write {shown_path(path)}: it is a folder, or is in none",
            hint="give --out FILE",
        )
    if not os.access(path.parent, os.W_OK):
        raise SettingsError(
            f"cannot write into {shown_path(path.parent)}", hint="give --out FILE, elsewhere"
        )
    return path


def encoder_of(context: Context, folder: Path | None, model: str | None) -> "Encoder":
    """The encoder of a collection, or the named one where there is none.

    Raises:
        EncoderMismatchError: the named one is not the collection's.
    """
    from retrieval.encoders.registry import get_encoder
    from retrieval.errors import EncoderMismatchError
    from retrieval.store.manifest import newest_manifest

    if folder is None:
        assert model is not None, "without a model there is a collection"
        return get_encoder(model, device=context.settings.device)
    recorded = newest_manifest(folder)[0].encoder
    encoder = get_encoder(model or recorded.name, device=context.settings.device)
    if encoder.info.fingerprint != recorded.fingerprint:
        raise EncoderMismatchError(expected=recorded.label, found=encoder.info.label)
    return encoder


def at_least_one(**options: int | None) -> None:
    """Refuse numbers below 1; None was not given."""
    at_least(1, **options)


def at_least(least: int, **options: int | None) -> None:
    """Refuse smaller numbers; None was not given.

    Raises:
        SettingsError: names the option.
    """
    for name, value in options.items():
        if value is not None and value < least:
            raise SettingsError(f"--{name.replace('_', '-')} must be at least {least}, got {value}")


def lines_of(path: Path) -> list[str]:
    """The texts of a file, one a line.

    Raises:
        SourceError: there is none.
    """
    said = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        raise SourceError(f"no texts in {shown_path(path)}", hint="write one a line")
    return lines


def files_in(images: Path) -> "list[FileRef]":
    """The image files of a folder.

    Raises:
        SourceError: there is none.
    """
    from indexer.adhoc import Skip, files_of

    files = [each for each in files_of([images]) if not isinstance(each, Skip)]
    if not files:
        raise _no_image(images)
    return files


def vectors_in(encoder: "Encoder", images: Path) -> "Float32Array":
    """Embeddings of the images of a folder, (n, dim), without those that cannot be read.

    Raises:
        SourceError: there is none.
    """
    import numpy as np

    from indexer.adhoc import Skip, embed_files

    found = embed_files(encoder, files_in(images))
    rows = [row for _, row in found if not isinstance(row, Skip)]
    if not rows:
        raise _no_image(images)
    return np.stack(rows)


def vectors_of(context: Context, folder: Path) -> "Float32Array | None":
    """Vectors of images from all over a collection, (n, dim); None where it has none."""
    with _opened(context, folder) as engine:
        sampled = engine.sample("images", _MOST_IMAGES)
    if not len(sampled):
        note("the collection has no images to learn from", quiet=context.quiet)
        return None
    return sampled


def texts_of(context: Context, folder: Path) -> list[str]:
    """Texts that came with the pictures of a collection, from all over it."""
    from retrieval.hits import records_of
    from retrieval.model import ItemId

    with _opened(context, folder) as engine:
        if "texts" not in engine.collection.galleries:
            return []
        ids = engine.view.sample_ids("texts", _MOST_TEXTS)
        records = records_of(engine.collection, [ItemId(each) for each in ids.tolist()])
        return [text for each in records.values() for text in each.captions]


def matched_images(
    context: Context, ours: "Encoder", theirs: "Encoder", folder: Path | None, images: Path | None
) -> "Matched | None":
    """Pictures as two encoders see them; None where there are none.

    Args:
        context: of the command.
        ours: the encoder that is mapped.
        theirs: of the gallery; not asked where a collection holds its vectors.
        folder: the collection, if there is one.
        images: of pictures to take in place of the collection's.
    """
    import numpy as np

    from indexer.adhoc import Skip, embed_files
    from retrieval.learn.adapter_fit import Matched

    if images is None and folder is None:
        return None
    if images is not None:
        files = files_in(images)
        given = [row for _, row in embed_files(theirs, files)]
    else:
        assert folder is not None, "there are images or a collection"
        files, given = _pictures_of(context, folder)
    found = zip(given, (row for _, row in embed_files(ours, files)), strict=True)
    both = [
        (mine, other)
        for other, mine in found
        if not isinstance(mine, Skip) and not isinstance(other, Skip)
    ]
    if len(both) < len(files):
        note(f"{len(files) - len(both):,} images could not be read", quiet=context.quiet)
    if not both:
        return None
    sources, targets = (np.stack(rows) for rows in zip(*both, strict=True))
    return Matched(sources, targets, np.arange(len(sources)))


def _pictures_of(
    context: Context, folder: Path
) -> "tuple[list[FileRef], list[Float32Array | Skip]]":
    """Files of pictures from all over a collection, with the vectors that it holds of them."""
    from retrieval.hits import records_of
    from retrieval.model import ItemId

    with _opened(context, folder) as engine:
        ids = [ItemId(each) for each in engine.view.sample_ids("images", _MOST_PICTURES).tolist()]
        records = records_of(engine.collection, ids)
        vectors = engine.view.vectors_of_items(ids)
    pairs = zip(ids, vectors, strict=True)
    there = [(records[each].files[0], row) for each, row in pairs if records[each].files]
    return [file for file, _ in there], [row for _, row in there]


def _opened(context: Context, folder: Path) -> "SearchEngine":
    from retrieval.engine import SearchEngine

    return SearchEngine.open(
        folder, catalogue_url=context.settings.catalogue_url, cache_dir=context.cache_dir
    )


def kept(
    context: Context, encoder: "TextEncoder", on_progress: "OnProgress | None" = None
) -> "EmbedTexts":
    """Embeds texts and keeps what it found in the cache folder.

    Args:
        context: of the command.
        encoder: that embeds.
        on_progress: told after every block of texts.
    """
    import numpy as np

    from retrieval.store.cached import CacheFolder, cached_in_blocks

    cache, info = CacheFolder(context.cache_dir, "texts"), encoder.info

    def embed(texts: "Sequence[str]") -> "Float32Array":
        def encode(block: slice) -> "Float32Array":
            return encoder.encode_texts(texts[block])

        rows = []
        for each in cached_in_blocks(
            cache, info.fingerprint, info.dim, texts, encode, _TEXTS_AT_ONCE
        ):
            rows.append(each)
            if on_progress is not None:
                on_progress(sum(map(len, rows)), len(texts))
        return np.concatenate(rows)

    return embed


def _no_image(images: Path) -> SourceError:
    return SourceError(f"no image in {shown_path(images)}", hint="name a folder that holds some")
