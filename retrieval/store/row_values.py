"""What the rows of a catalogue say: each is checked, and becomes a file or a record."""

from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Row

from retrieval.errors import CorruptCatalogueError
from retrieval.model import FileRef, ImageMeta, ItemId, ItemRecord
from retrieval.store.checksums import file_checksum, item_checksum
from retrieval.store.database import captions_of
from retrieval.store.packed import content_of
from retrieval.store.quick_rows import Values
from retrieval.store.quick_values import file_ref
from retrieval.store.statements import PACKED

AnyRow: TypeAlias = "Row[*tuple[Any, ...]] | Values"


class KnownFile(NamedTuple):
    """One living file: where it is, the item it holds and that item's sha256 (hex)."""

    file: FileRef
    item_id: ItemId
    sha256: str


# Rows are unpacked by place: by name it takes half of the time of an answer of many rows.
def known_file_of(row: AnyRow) -> KnownFile:
    """The file of a row that begins with FILE_COLUMNS."""
    return KnownFile(file_of(row), ItemId(row[0]), content_of(row[PACKED]))


def file_of(row: AnyRow) -> FileRef:
    """The file of a row that begins with FILE_COLUMNS, all of which are checked."""
    item_id, path, size_bytes, mtime_ns, source, packed, checksum = row[:7]
    file = file_ref(path, size_bytes, mtime_ns, source)
    try:
        is_sound = file_checksum(item_id, file, packed) == checksum
    except TypeError:  # a flipped bit can change the type of a value, too
        is_sound = False
    if not is_sound:
        raise damaged_row(f"file of item {item_id}")
    return file


def record_of(row: AnyRow) -> ItemRecord:
    """The item of a row that begins with ITEM_COLUMNS, all of which are checked; without files."""
    item_id, sha256, kind, width, height, taken, camera, latitude, longitude = row[:9]
    captions, added, checksum = row[9:12]
    if isinstance(captions, str):  # as SQLite's driver gives it
        captions = captions_of(captions)
    if not isinstance(captions, list):  # a flipped bit can change the type of a value, too
        raise damaged_row(f"item {item_id}")
    meta = ImageMeta(kind, width, height, taken, camera, latitude, longitude)
    record = ItemRecord(ItemId(item_id), sha256, meta, (), tuple(captions), added)
    try:
        is_sound = item_checksum(record) == checksum
    except TypeError:
        is_sound = False
    if not is_sound:
        raise damaged_row(f"item {item_id}")
    return record


def damaged_row(what: str) -> CorruptCatalogueError:
    """The error of a row that is not what was written."""
    return CorruptCatalogueError(
        f"the catalogue is damaged: the row of {what} is not what was written",
        hint="`polyseek collection repair` rebuilds it from the segments",
    )
