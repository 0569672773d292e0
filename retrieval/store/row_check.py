"""Read every row of a catalogue and see whether it is what was written."""

from collections.abc import Iterator

from sqlalchemy import and_, select, text

from retrieval.model import display_path
from retrieval.store.catalogue import Catalogue
from retrieval.store.folding import fold, fold_all
from retrieval.store.packed import pack_item
from retrieval.store.row_values import AnyRow, damaged_row, file_of, record_of
from retrieval.store.schema import FileRow, ItemRow
from retrieval.store.statements import FETCH_ROWS, FILE_COLUMNS, ITEM_COLUMNS, PACKED, visible

_EVERY_FILE = (
    select(*FILE_COLUMNS, FileRow.display_folded, *ITEM_COLUMNS)
    .join(
        ItemRow,
        and_(ItemRow.collection_id == FileRow.collection_id, ItemRow.id == FileRow.item_id),
        isouter=True,
    )
    .where(visible(FileRow))
    .execution_options(yield_per=FETCH_ROWS)
)
_EVERY_ITEM = (
    select(*ITEM_COLUMNS, ItemRow.format_folded, ItemRow.camera_folded, ItemRow.captions_folded)
    .where(visible(ItemRow))
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
        for item in connection.execute(_EVERY_ITEM, here):
            _check_item(item)
        for file in connection.execute(_EVERY_FILE, here):
            _check_file(file)


def _check_item(row: AnyRow) -> None:
    """Raise for a row of _EVERY_ITEM that is not what was written."""
    record = record_of(row)
    kind, camera = record.meta.format, record.meta.camera
    camera_folded = None if camera is None else fold(camera)
    if tuple(row[-3:]) != (fold(kind), camera_folded, fold_all(record.captions)):
        raise damaged_row(f"item {record.id}")


def _check_file(row: AnyRow) -> None:
    """The same of _EVERY_FILE, where what a file says of its item is compared with the item."""
    path, folded, item = file_of(row).path, row[len(FILE_COLUMNS)], row[len(FILE_COLUMNS) + 1 :]
    is_sound = fold(display_path(path)) == folded and item[0] is not None
    if not is_sound or pack_item(record_of(item)) != row[PACKED]:
        raise damaged_row(f"file of item {row[0]}")
