"""The rows of a catalogue that come with one generation."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from retrieval.errors import CorruptCatalogueError
from retrieval.model import ItemId, ItemRecord
from retrieval.store.changes import PathChange
from retrieval.store.new_rows import (
    NEW_FILE,
    NEW_ITEM,
    captions_as_list,
    captions_as_text,
    file_values,
    item_values,
)
from retrieval.store.packed import pack_item
from retrieval.store.quick_rows import Values
from retrieval.store.row_values import record_of
from retrieval.store.schema import CollectionRow, FileRow, ItemRow
from retrieval.store.statements import ITEM_COLUMNS, batches, visible

_ROWS_AT_ONCE = 4096
"""Rows in memory beside the records that they are made of."""


class Rows:
    """The rows of one generation in the making; see `CatalogueWriter.begin`."""

    def __init__(self, connection: Connection, collection_id: int, generation: int) -> None:
        self._connection = connection
        self._collection_id = collection_id
        self._generation = generation
        self._n_files = 0

    def start_over(self) -> None:
        """Delete every row, to write them anew; only this generation can be answered for then."""
        for table in (FileRow, ItemRow):
            self._connection.execute(
                delete(table).where(table.collection_id == self._collection_id)
            )
        self._connection.execute(
            update(CollectionRow)
            .where(CollectionRow.id == self._collection_id)
            .values(oldest_generation=self._generation)
        )

    def add_items(self, records: Sequence[ItemRecord]) -> None:
        """Add items with their files."""
        is_sqlite = self._connection.dialect.name == "sqlite"
        captions = captions_as_text if is_sqlite else captions_as_list
        for start in range(0, len(records), _ROWS_AT_ONCE):
            part = records[start : start + _ROWS_AT_ONCE]
            items = [
                item_values(each, self._collection_id, self._generation, captions) for each in part
            ]
            _insert_rows(self._connection, ItemRow, NEW_ITEM, items)
            files: list[Values] = []
            for record in part:
                packed = pack_item(record)
                files += [file_values(file, packed, self._key(record.id)) for file in record.files]
            _insert_rows(self._connection, FileRow, NEW_FILE, files)

    def apply(self, changes: Iterable[PathChange]) -> None:
        """Take out and add files; of each (item, path) there must be one change only.

        Raises:
            CorruptCatalogueError: an item that a file comes to is not there, or is damaged.
        """
        changes = tuple(changes)
        # An add replaces what was known of its path, so that a touched file is one change.
        self._end_files([(change.item_id, change.file.path) for change in changes])
        adds = [change for change in changes if change.op == "add"]
        for part in batches(adds):
            packed = self._packed({change.item_id for change in part})
            files = [
                file_values(change.file, packed[change.item_id], self._key(change.item_id))
                for change in part
            ]
            _insert_rows(self._connection, FileRow, NEW_FILE, files)

    def drop_items(self, ids: Collection[ItemId]) -> None:
        """End items whose vectors go."""
        for part in batches(ids):
            mine = and_(ItemRow.collection_id == self._collection_id, ItemRow.id.in_(part))
            self._connection.execute(
                update(ItemRow).where(mine).values(removed_generation=self._generation)
            )

    def without_files(self, ids: Collection[ItemId]) -> set[ItemId]:
        """Those of `ids` that have no file left."""
        alive: set[ItemId] = set()
        for part in batches(ids):
            mine = select(FileRow.item_id).where(visible(FileRow), FileRow.item_id.in_(part))
            here = {"collection_id": self._collection_id, "generation": self._generation}
            found = self._connection.scalars(mine.distinct(), here)
            alive.update(map(ItemId, found))
        return set(ids) - alive

    def belong_to(self, manifest_sha256: str, parent_sha256: str) -> None:
        """Say which manifest these rows are for, and which one it follows."""
        self._connection.execute(
            update(CollectionRow)
            .where(CollectionRow.id == self._collection_id)
            .values(
                generation=self._generation,
                manifest_sha256=manifest_sha256,
                parent_sha256=parent_sha256,
            )
        )

    def _end_files(self, pairs: Sequence[tuple[ItemId, bytes]]) -> None:
        if not pairs:
            return
        statement = (
            update(FileRow)
            .where(
                FileRow.collection_id == self._collection_id,
                FileRow.item_id == bindparam("of_item"),
                FileRow.path == bindparam("at_path"),
                FileRow.removed_generation.is_(None),
            )
            .values(removed_generation=self._generation)
        )
        # On the table, not the mapped class: the ORM has another meaning for many parameter sets.
        self._connection.execute(
            statement, [{"of_item": item_id, "at_path": path} for item_id, path in pairs]
        )

    def _packed(self, ids: Collection[ItemId]) -> dict[ItemId, bytes]:
        """What the rows of files say of these items, from the items' own rows."""
        mine = and_(ItemRow.collection_id == self._collection_id, ItemRow.id.in_(ids))
        rows = self._connection.execute(select(*ITEM_COLUMNS).where(mine))
        packed = {record.id: pack_item(record) for record in map(record_of, rows)}
        if len(packed) < len(ids):
            missing = min(set(ids) - packed.keys())
            raise CorruptCatalogueError(f"the catalogue is damaged: it lacks item {missing}")
        return packed

    def _key(self, item_id: ItemId) -> tuple[int, int, int, int]:
        """Key of the next row of a file."""
        self._n_files += 1
        return self._collection_id, item_id, self._generation, self._n_files


def _insert_rows(
    connection: Connection,
    table: type[ItemRow] | type[FileRow],
    columns: Sequence[str],
    rows: Sequence[Values],
) -> None:
    """Insert values of these columns, by SQLite's driver itself where it is SQLite.

    SQLAlchemy takes twice as long over a row as SQLite does.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        values = [dict(zip(columns, row, strict=True)) for row in rows]
        connection.execute(insert(table), values)
        return
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.__tablename__} ({names}) VALUES ({marks})"
    connection.exec_driver_sql(statement, rows)
