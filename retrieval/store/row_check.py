"""Read every row of a catalogue and see whether it is what was written."""

from collections.abc import Iterator

from sqlalchemy import select, text

from retrieval.model import display_path
from retrieval.store.catalogue import Catalogue
from retrieval.store.folding import fold, fold_all
from retrieval.store.packed import pack_item
from retrieval.store.row_values import AnyRow, damaged_row, file_of, record_of
from retrieval.store.schema import FileRow, ItemRow
from retrieval.store.statements import FETCH_ROWS, FILE_COLUMNS, ITEM_COLUMNS, PACKED, visible

_EVERY_FILE = (
    select(*FILE_COLUMNS, FileRow.display_folded)
    .where(visible(FileRow))
    .order_by(FileRow.item_id)
    .execution_options(yield_per=FETCH_ROWS)
)
_EVERY_ITEM = (
    select(*ITEM_COLUMNS, ItemRow.format_folded, ItemRow.camera_folded, ItemRow.captions_folded)
    .where(visible(ItemRow))
    .order_by(ItemRow.id)
    .execution_options(yield_per=FETCH_ROWS)
)


def check_rows(catalogue: Catalogue, generation: int) -> Iterator[str]:
    """Read every living row, and let SQLite look at its file; yields what is wrong.

    Raises:
        CorruptCatalogueError: a row is not what was written, or the row of a file says something
            else of its item than the item's own row.
    """
    with catalogue.reading(generation) as (connection, here):
        if connection.dialect.name == "sqlite":
            found = connection.scalars(text("PRAGMA integrity_check"))
            yield from (f"the catalogue is damaged: {line}" for line in found if line != "ok")
        items = map(_checked_item, connection.execute(_EVERY_ITEM, here))
        item_id, packed = 0, b""
        for row in connection.execute(_EVERY_FILE, here):
            file = file_of(row)
            while item_id < row[0]:  # both come by ids, ascending
                item_id, packed = next(items, (row[0], b""))
            folded = fold(display_path(file.path))
            if (row[0], row[PACKED], row[-1]) != (item_id, packed, folded):
                raise damaged_row(f"file of item {row[0]}")
        for _ in items:
            pass  # those without a file: a file can come to them


def _checked_item(row: AnyRow) -> tuple[int, bytes]:
    """Id and packed form of a row of _EVERY_ITEM; raises for one that is not what was written."""
    record = record_of(row)
    kind, camera = record.meta.format, record.meta.camera
    camera_folded = None if camera is None else fold(camera)
    if tuple(row[-3:]) != (fold(kind), camera_folded, fold_all(record.captions)):
        raise damaged_row(f"item {record.id}")
    return record.id, pack_item(record)
