"""The catalogue, write side: rows of one collection, a generation at a time.

Rows of a generation are written in one transaction that ends just before its manifest is
published; until then no reader sees them, and if the manifest never comes they are taken back.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from indexer.catalogue_rows import Rows
from indexer.catalogue_tables import check_database, upgrade_tables
from retrieval.store.database import catalogue_errors, connect
from retrieval.store.entries import CatalogueLocation
from retrieval.store.folding import fold
from retrieval.store.schema import CollectionRow, FileRow, ItemRow, TagRow
from retrieval.store.statements import batches
from retrieval.store.tags import TagChange, TagLog, net_tags


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
