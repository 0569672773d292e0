"""What is written for an item and for its files: values in the order of the columns named here.

Tuples, because a driver takes them as they are: a million rows as dictionaries take seconds longer.
"""

import json
from collections.abc import Callable
from functools import lru_cache

from retrieval.model import FileRef, ItemRecord, display_path
from retrieval.store.checksums import file_checksum, item_checksum
from retrieval.store.folding import fold, fold_all
from retrieval.store.quick_rows import Values

NEW_ITEM = (
    *("collection_id", "id", "sha256", "format", "width_px", "height_px", "taken", "camera"),
    *("latitude", "longitude", "captions", "added"),
    *("format_folded", "camera_folded", "captions_folded", "checksum", "added_generation"),
)
NEW_FILE = (
    *("collection_id", "item_id", "added_generation", "number", "path", "size_bytes", "mtime_ns"),
    *("source", "packed_item", "checksum", "display_folded"),
)

_fold_name = lru_cache(maxsize=1024)(fold)
"""Formats and cameras are few."""


def captions_as_text(captions: tuple[str, ...]) -> object:
    """The one column of JSON, as SQLite's driver is handed it."""
    return json.dumps(captions) if captions else "[]"


def captions_as_list(captions: tuple[str, ...]) -> object:
    """The same for SQLAlchemy, which makes JSON of it."""
    return list(captions)


def item_values(
    record: ItemRecord,
    collection_id: int,
    generation: int,
    captions: Callable[[tuple[str, ...]], object],
) -> Values:
    """The values of NEW_ITEM for an item that comes with a generation."""
    meta = record.meta
    return (
        collection_id,
        record.id,
        record.sha256,
        meta.format,
        meta.width,
        meta.height,
        meta.taken,
        meta.camera,
        meta.latitude,
        meta.longitude,
        captions(record.captions),
        record.added,
        _fold_name(meta.format),
        None if meta.camera is None else _fold_name(meta.camera),
        fold_all(record.captions),
        item_checksum(record),
        generation,
    )


def file_values(file: FileRef, packed: bytes, key: tuple[int, int, int, int]) -> Values:
    """The values of NEW_FILE for a file.

    Args:
        file: that holds an item.
        packed: of the item; see packed.py.
        key: of the row: collection, item, generation and number.
    """
    return (
        *key,
        file.path,
        file.size_bytes,
        file.mtime_ns,
        file.source,
        packed,
        file_checksum(key[1], file, packed),
        fold(display_path(file.path)),
    )
