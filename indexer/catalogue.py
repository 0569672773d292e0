"""The catalogue, write side: rows of one collection, a generation at a time.

Rows of a generation are written in one transaction that ends just before its manifest is
published; until then no reader sees them, and if the manifest never comes they are taken back.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)

from retrieval.errors import CatalogueError, CorruptCatalogueError
from retrieval.model import ItemId, ItemRecord
from retrieval.store.changes import PathChange
from retrieval.store.database import catalogue_errors, connect
from retrieval.store.entries import CatalogueLocation
from retrieval.store.folding import fold
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
from retrieval.store.schema import REVISION, CollectionRow, FileRow, ItemRow, TagRow
from retrieval.store.statements import ITEM_COLUMNS, batches, visible
from retrieval.store.tags import TagChange, TagLog, net_tags

_MIGRATIONS = "retrieval.store:migrations"
_MIGRATION_LOCK = 0x706F6C79  # any number, the same in every process: "poly"

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


class CatalogueWriter:
    """Writes the rows of one collection; use it under the collection's lock."""

    def __init__(self, engine: Engine, key: str) -> None:
        self._engine = engine
        self._key = key

    @classmethod
    def open(
        cls, location: CatalogueLocation, folder: Path, url: str | None = None
    ) -> "CatalogueWriter":
        """Connect, make or upgrade the tables, and make sure the collection has a row.

        Raises:
            CorruptCatalogueError: SQLite's file is damaged.
            CatalogueError: the database cannot be used.
            MissingDependencyError: its driver is not installed.
        """
        writer = cls(connect(location, folder, url, is_writer=True), location.key)
        try:
            with catalogue_errors("preparing the catalogue"), writer._engine.begin() as connection:
                check_database(connection)
                upgrade_tables(connection)
                writer._ensure_row(connection)
        except BaseException:
            writer.close()
            raise
        return writer

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def begin(self, generation: int) -> Iterator[Rows]:
        """One transaction for the rows of a generation; an exception takes all of them back."""
        with catalogue_errors("writing the catalogue"), self._engine.begin() as connection:
            yield Rows(connection, self._row_id(connection), generation)

    def undo_after(self, generation: int, manifest_sha256: str) -> None:
        """Take back the rows of generations that were never published.

        Args:
            generation: the newest one published.
            manifest_sha256: its manifest's digest.
        """
        with catalogue_errors("repairing the catalogue"), self._engine.begin() as connection:
            row_id = self._row_id(connection)
            for table in (FileRow, ItemRow):
                mine = table.collection_id == row_id
                connection.execute(delete(table).where(mine, table.added_generation > generation))
                connection.execute(
                    update(table)
                    .where(mine, table.removed_generation > generation)
                    .values(removed_generation=None)
                )
            Rows(connection, row_id, generation).belong_to(manifest_sha256, "")

    def tags_bytes(self) -> int:
        """How much of the log of tags the rows hold."""
        statement = select(CollectionRow.tags_bytes).where(CollectionRow.key == self._key)
        with catalogue_errors("reading the catalogue"), self._engine.begin() as connection:
            return connection.scalar(statement) or 0

    def apply_tags(self, change: TagChange, tags_bytes: int) -> None:
        """Write one change of tags.

        Args:
            change: as the log has it.
            tags_bytes: size of the log with it.
        """
        with catalogue_errors("writing the catalogue"), self._engine.begin() as connection:
            row_id = self._row_id(connection)
            for part in batches(change.contents):
                mine = and_(
                    TagRow.collection_id == row_id,
                    TagRow.folded == fold(change.tag),
                    TagRow.sha256.in_(part),
                )
                if change.op == "remove":
                    connection.execute(delete(TagRow).where(mine))
                    continue
                known = set(connection.scalars(select(TagRow.sha256).where(mine)))
                new = net_tags([replace(change, contents=tuple(set(part) - known))])
                _insert_tags(connection, row_id, new)
            _set_tags_bytes(connection, row_id, tags_bytes)

    def replace_tags(self, log: TagLog) -> None:
        """Make the rows of tags those of a log."""
        with catalogue_errors("writing the catalogue"), self._engine.begin() as connection:
            row_id = self._row_id(connection)
            connection.execute(delete(TagRow).where(TagRow.collection_id == row_id))
            _insert_tags(connection, row_id, net_tags(log.changes))
            _set_tags_bytes(connection, row_id, log.n_bytes)

    def forget_before(self, generation: int) -> None:
        """Delete rows that no generation from this one on sees.

        A generation that saw one of them is refused from then on; others can still be read, so
        that a reader outlives any number of commits that only added.
        """
        with catalogue_errors("pruning the catalogue"), self._engine.begin() as connection:
            row_id = self._row_id(connection)
            newest_removal = 0
            for table in (FileRow, ItemRow):
                gone = and_(table.collection_id == row_id, table.removed_generation <= generation)
                last = connection.scalar(select(func.max(table.removed_generation)).where(gone))
                newest_removal = max(newest_removal, last or 0)
                connection.execute(delete(table).where(gone))
            connection.execute(
                update(CollectionRow)
                .where(CollectionRow.id == row_id, CollectionRow.oldest_generation < newest_removal)
                .values(oldest_generation=newest_removal)
            )

    def shrink(self) -> None:
        """Let SQLite write its file anew, without the pages of deleted rows.

        Where a reader stands in the way the file stays as it is: it costs room and no more.
        """
        if self._engine.dialect.name == "sqlite":
            with (
                contextlib.suppress(sqlite3.OperationalError),
                contextlib.closing(self._engine.raw_connection()) as connection,
            ):
                # VACUUM takes no transaction, and SQLAlchemy would begin one.
                connection.cursor().execute("VACUUM")

    def drop(self) -> None:
        """Delete the collection from the database, with every row of it."""
        with catalogue_errors("deleting the catalogue"), self._engine.begin() as connection:
            connection.execute(delete(CollectionRow).where(CollectionRow.key == self._key))

    def _ensure_row(self, connection: Connection) -> None:
        mine = exists().where(CollectionRow.key == self._key)
        if not connection.scalar(select(mine)):
            connection.execute(
                insert(CollectionRow).values(
                    key=self._key,
                    generation=0,
                    oldest_generation=0,
                    manifest_sha256="",
                    parent_sha256="",
                )
            )

    def _row_id(self, connection: Connection) -> int:
        found = connection.scalar(select(CollectionRow.id).where(CollectionRow.key == self._key))
        return cast(int, found)


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


def _insert_tags(connection: Connection, row_id: int, tags: Mapping[tuple[str, str], str]) -> None:
    values = [
        {"collection_id": row_id, "sha256": content, "folded": folded, "name": name}
        for (content, folded), name in tags.items()
    ]
    if values:
        connection.execute(insert(TagRow), values)


def _set_tags_bytes(connection: Connection, row_id: int, n_bytes: int) -> None:
    mine = CollectionRow.id == row_id
    connection.execute(update(CollectionRow).where(mine).values(tags_bytes=n_bytes))


def check_database(connection: Connection) -> None:
    """Let SQLite look at the whole of its file, about 0.3 s for 100,000 items.

    A damaged index answers with fewer rows and without an error, and a run would take files for new
    that are not. Rows themselves carry checksums; PostgreSQL looks after itself.

    Raises:
        CorruptCatalogueError: it is damaged.
    """
    if connection.dialect.name == "sqlite":
        found = connection.scalar(text("PRAGMA integrity_check(1)"))
        if found != "ok":
            raise CorruptCatalogueError(f"the catalogue is damaged: {found}")


def upgrade_tables(connection: Connection) -> None:
    """Bring the tables of a database to this version, inside the caller's transaction.

    Alembic takes longer to load than most commits take, so it is loaded only if there is work.
    CatalogueError is raised for a version to come.
    """
    if connection.dialect.name == "postgresql":
        # Writers of other collections may share this database and start at the same moment.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    is_made = inspect(connection).has_table("alembic_version")
    found = is_made and connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found == REVISION:
        return
    if found and found > REVISION:  # four digits each
        raise CatalogueError(
            f"the catalogue's tables have version {found}; this polyseek knows up to {REVISION}",
            hint="use a newer polyseek; `polyseek collection repair` makes SQLite's anew",
        )
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _MIGRATIONS)
    command.upgrade(config, "head")
