"""What an answer says of an item, as one value: a file's row carries it, beside the file.

A JSON array: sha256, captions, added, format, width, height; and, where one of them is known,
taken, camera, latitude and longitude.
"""

import orjson

from retrieval.model import FileRef, ItemId, ItemRecord
from retrieval.store.fields import clean_number
from retrieval.store.quick_values import image_meta, item_record

_NOTHING = (None, None, None, None)


def pack_item(record: ItemRecord) -> bytes:
    """All of a record but its id and its files; the same bytes for the same item."""
    meta = record.meta
    known = (record.sha256, record.captions, record.added, meta.format, meta.width, meta.height)
    latitude, longitude = clean_number(meta.latitude), clean_number(meta.longitude)
    rest = (meta.taken, meta.camera, latitude, longitude)
    return orjson.dumps(known if rest == _NOTHING else known + rest)


def unpack_item(item_id: ItemId, packed: bytes, files: tuple[FileRef, ...]) -> ItemRecord:
    """The record of an item, from bytes that `pack_item` made."""
    sha256, captions, added, *meta = orjson.loads(packed)
    return item_record(item_id, sha256, image_meta(*meta), files, tuple(captions), added)


def content_of(packed: bytes) -> str:
    """The sha256 (hex) of the item that bytes of `pack_item` hold, without reading the rest."""
    return packed[2 : packed.index(b'"', 2)].decode("ascii")
