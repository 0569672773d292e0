"""Read every row of a catalogue and see whether it is what was written."""

from collections.abc import Iterator

from sqlalchemy import select, text

from retrieval.model import display_path
from retrieval.store.catalogue import Catalogue
from retrieval.store.folding import fold, fold_all
from retrieval.store.row_values import damaged_row, file_of
from retrieval.store.schema import FileRow, ItemRow
from retrieval.store.statements import FETCH_ROWS, FILE_COLUMNS, visible

_EVERY_FILE = (
    select(*FILE_COLUMNS, FileRow.display, FileRow.display_folded)
    .where(visible(FileRow))
    .execution_options(yield_per=FETCH_ROWS)
)
_EVERY_ITEM = (
    select(
        ItemRow.id,
        *(ItemRow.format, ItemRow.camera, ItemRow.captions),
        *(ItemRow.format_folded, ItemRow.camera_folded, ItemRow.captions_folded),
    )
    .where(visible(ItemRow))
    .execution_options(yield_per=FETCH_ROWS)
)


def check_rows(catalogue: Catalogue, generation: int) -> Iterator[str]:
    """Read every living row, and let SQLite look at its file; yields what is wrong.

    The checksums of items are looked at by who hydrates them.

    Raises:
        CorruptCatalogueError: a row is not what was written.
    """
    with catalogue.reading(generation) as (connection, here):
        if connection.dialect.name == "sqlite":
            found = connection.scalars(text("PRAGMA integrity_check"))
            yield from (f"the catalogue is damaged: {line}" for line in found if line != "ok")
        for row in connection.execute(_EVERY_FILE, here):
            display = display_path(file_of(row).path)
            if (display, fold(display)) != (row.display, row.display_folded):
                raise damaged_row(f"file of item {row.item_id}")
        for item_id, kind, camera, captions, *folded in connection.execute(_EVERY_ITEM, here):
            try:
                camera_folded = None if camera is None else fold(camera)
                is_sound = folded == [fold(kind), camera_folded, fold_all(captions)]
            except (TypeError, AttributeError):  # a flipped bit can change the type of a value
                is_sound = False
            if not is_sound:
                raise damaged_row(f"item {item_id}")
