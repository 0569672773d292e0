"""What the rows of a catalogue say: each is checked, and becomes a file or a record."""

from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Row

from retrieval.errors import CorruptCatalogueError
from retrieval.model import FileRef, ImageMeta, ItemId, ItemRecord
from retrieval.store.checksums import file_checksum, item_checksum
from retrieval.store.database import captions_of
from retrieval.store.quick_rows import Values
from retrieval.store.statements import FILE_COLUMNS, RECORD_COLUMNS

AnyRow: TypeAlias = "Row[*tuple[Any, ...]] | Values"


class KnownFile(NamedTuple):
    """One living file: where it is, the item it holds and that item's sha256 (hex)."""

    file: FileRef
    item_id: ItemId
    sha256: str


# Rows are unpacked by place: by name it takes half of the time of an answer of many rows.
def known_file_of(row: AnyRow) -> KnownFile:
    """The file of a row that begins with FILE_COLUMNS and ends with the sha256 of its item."""
    return KnownFile(file_of(row), ItemId(row[0]), row[-1])


def file_of(row: AnyRow) -> FileRef:
    """The file of a row that begins with FILE_COLUMNS."""
    item_id, path, size_bytes, mtime_ns, source, checksum = row[:6]
    file = FileRef(path, size_bytes, mtime_ns, source)
    try:
        is_sound = file_checksum(item_id, file) == checksum
    except TypeError:  # a flipped bit can change the type of a value, too
        is_sound = False
    if not is_sound:
        raise damaged_row(f"file of item {item_id}")
    return file


def record_of(row: AnyRow, files: tuple[FileRef, ...]) -> ItemRecord:
    """The item of a row of RECORD_COLUMNS."""
    sha256, kind, width, height, taken, camera, latitude, longitude, captions, added, checksum = (
        row[len(FILE_COLUMNS) : len(RECORD_COLUMNS)]
    )
    if isinstance(captions, str):  # as SQLite's driver gives it
        captions = captions_of(captions)
    if not isinstance(captions, list):  # a flipped bit can change the type of a value, too
        raise damaged_row(f"item {row[0]}")
    meta = ImageMeta(kind, width, height, taken, camera, latitude, longitude)
    record = ItemRecord(ItemId(row[0]), sha256, meta, files, tuple(captions), added)
    if item_checksum(record) != checksum:
        raise damaged_row(f"item {record.id}")
    return record


def damaged_row(what: str) -> CorruptCatalogueError:
    """The error of a row that is not what was written."""
    return CorruptCatalogueError(
        f"the catalogue is damaged: the row of {what} is not what was written",
        hint="`polyseek collection repair` rebuilds it from the segments",
    )
