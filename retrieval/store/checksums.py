"""Checksums of catalogue rows: a database returns a flipped bit without noticing."""

from zlib import crc32

from retrieval.model import FileRef, ItemRecord
from retrieval.store.fields import clean_number


def item_checksum(record: ItemRecord) -> int:
    """CRC-32 over what a row says of an item: SQLite itself would not notice a flipped bit.

    Python's own notation, in ASCII, is the same in every version, and four times as fast as JSON.
    """
    meta = record.meta
    known = (
        record.id,
        record.sha256,
        meta.format,
        meta.width,
        meta.height,
        meta.taken,
        meta.camera,
        None if meta.latitude is None else clean_number(meta.latitude),
        None if meta.longitude is None else clean_number(meta.longitude),
        record.captions,
        record.added,
    )
    return crc32(ascii(known).encode("ascii"))


def file_checksum(item_id: int, file: FileRef, packed: bytes) -> int:
    """CRC-32 over what a row says of a file, and of its item (`packed`)."""
    known = b"%d %d %d " % (item_id, file.size_bytes, file.mtime_ns) + file.path
    return crc32(packed, crc32(known if file.source is None else known + b"\0" + file.source))
