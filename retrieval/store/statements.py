"""Which rows a generation sees, and the statements that read them.

Statements are made once: making one takes ten times as long as SQLite takes to answer it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, func, or_, select

from retrieval.store.schema import CollectionRow, FileRow, ItemRow

MAX_PARAMETERS = 10_000
"""Values in one IN list: SQLite takes 32,766 and PostgreSQL 65,535."""

FETCH_ROWS = 10_000


def visible(table: type[ItemRow] | type[FileRow]) -> ColumnElement[bool]:
    """The rows of :collection_id that :generation sees; both are parameters of the statement."""
    generation: ColumnElement[int] = bindparam("generation", type_=BigInteger)
    removed = table.removed_generation
    return and_(
        table.collection_id == bindparam("collection_id"),
        table.added_generation <= generation,
        or_(removed.is_(None), removed > generation),
    )


def batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    """The values in lists that one IN takes."""
    rest = list(values)
    for start in range(0, len(rest), MAX_PARAMETERS):
        yield rest[start : start + MAX_PARAMETERS]


_VALUES: ColumnElement[Any] = bindparam("values", expanding=True)
FILE_COLUMNS = (
    FileRow.item_id,
    FileRow.path,
    FileRow.size_bytes,
    FileRow.mtime_ns,
    FileRow.source,
    FileRow.packed_item,
    FileRow.checksum,
)
PACKED = 5
"""Where `packed_item` stands among FILE_COLUMNS."""

ITEM_COLUMNS = (
    ItemRow.id,
    ItemRow.sha256,
    ItemRow.format,
    ItemRow.width_px,
    ItemRow.height_px,
    ItemRow.taken,
    ItemRow.camera,
    ItemRow.latitude,
    ItemRow.longitude,
    ItemRow.captions,
    ItemRow.added,
    ItemRow.checksum,
)
HEAD = select(CollectionRow.id, CollectionRow.oldest_generation).where(
    CollectionRow.key == bindparam("key")
)
_FILES = select(*FILE_COLUMNS).where(visible(FileRow))
_AS_THEY_CAME = (FileRow.item_id, FileRow.added_generation, FileRow.number)
FILES_OF_ITEMS = _FILES.where(FileRow.item_id.in_(_VALUES)).order_by(*_AS_THEY_CAME)
ITEMS_OF_CONTENT = select(ItemRow.sha256, ItemRow.id).where(
    visible(ItemRow), ItemRow.sha256.in_(_VALUES)
)
_FILES_BY_PATH = _FILES.order_by(FileRow.path, *_AS_THEY_CAME)
FILES_AT = _FILES_BY_PATH.where(FileRow.path.in_(_VALUES))
FILES_UNDER = _FILES_BY_PATH.where(
    FileRow.path >= bindparam("low"), FileRow.path < bindparam("high")
).execution_options(yield_per=FETCH_ROWS)
TEXTS_FROM = _FILES_BY_PATH.where(
    or_(
        FileRow.source == bindparam("source"),
        and_(FileRow.source >= bindparam("low"), FileRow.source < bindparam("high")),
    )
).execution_options(yield_per=FETCH_ROWS)
COUNTS = select(func.count(FileRow.item_id.distinct()), func.count()).where(
    visible(FileRow), FileRow.item_id >= bindparam("first"), FileRow.item_id < bindparam("end")
)


LIVING_IDS = select(ItemRow.id).where(
    visible(ItemRow),
    ItemRow.id >= bindparam("first"),
    ItemRow.id < bindparam("end"),
    exists().where(
        FileRow.collection_id == ItemRow.collection_id,
        FileRow.item_id == ItemRow.id,
        visible(FileRow),
    ),
)
