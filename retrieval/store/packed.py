"""What an answer says of an item, as one value: a file's row carries it, beside the file.

A JSON array of sha256, format, width, height, taken, camera, latitude, longitude, captions, added.
"""

import orjson

from retrieval.model import FileRef, ImageMeta, ItemId, ItemRecord
from retrieval.store.fields import clean_number


def pack_item(record: ItemRecord) -> bytes:
    """All of a record but its id and its files; the same bytes for the same item."""
    meta = record.meta
    return orjson.dumps(
        (
            record.sha256,
            meta.format,
            meta.width,
            meta.height,
            meta.taken,
            meta.camera,
            clean_number(meta.latitude),
            clean_number(meta.longitude),
            record.captions,
            record.added,
        )
    )


def unpack_item(item_id: ItemId, packed: bytes, files: tuple[FileRef, ...]) -> ItemRecord:
    """The record of an item, from bytes that `pack_item` made."""
    sha256, kind, width, height, taken, camera, latitude, longitude, captions, added = orjson.loads(
        packed
    )
    meta = ImageMeta(kind, width, height, taken, camera, latitude, longitude)
    return ItemRecord(item_id, sha256, meta, files, tuple(captions), added)


def content_of(packed: bytes) -> str:
    """The sha256 (hex) of the item that bytes of `pack_item` hold, without reading the rest."""
    return packed[2 : packed.index(b'"', 2)].decode("ascii")
