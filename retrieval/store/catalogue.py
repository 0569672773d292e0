"""The catalogue, read side: what is known of items and files, at one generation.

The truth lies in the manifest's files; this is their queryable copy. Every read names a generation
and refuses one whose rows are gone.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select, text

from retrieval.errors import CatalogueError, GenerationGoneError
from retrieval.model import FIRST_ID, FileRef, GalleryName, Int64Array, ItemId, ItemRecord
from retrieval.store.database import FAILURES, catalogue_errors, connect, in_our_words
from retrieval.store.entries import CatalogueLocation
from retrieval.store.filters.predicates import Predicate
from retrieval.store.filters.sql import SqlForm
from retrieval.store.packed import unpack_item
from retrieval.store.quick_rows import QuickRows, contents_statement, paths_statement
from retrieval.store.row_values import AnyRow, KnownFile, file_of, known_file_of
from retrieval.store.schema import REVISION, CollectionRow, ItemRow
from retrieval.store.statements import (
    COUNTS,
    FILES_AT,
    FILES_OF_ITEMS,
    FILES_UNDER,
    HEAD,
    ITEMS_OF_CONTENT,
    LIVING_IDS,
    PACKED,
    TEXTS_FROM,
    batches,
    visible,
)

_LARGEST_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class CatalogueCounts:
    """How much a gallery holds: living items, and their files (copies count)."""

    n_items: int
    n_files: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """Which manifest the rows belong to.

    Attributes:
        manifest_sha256: digest of the newest manifest the rows were written for.
        parent_sha256: digest of the one before it; the rows answer for that generation too.
    """

    manifest_sha256: str
    parent_sha256: str

    def covers(self, digest: str) -> bool:
        """Whether the rows answer for the manifest of this digest."""
        return digest in (self.manifest_sha256, self.parent_sha256)


class Catalogue:
    """Reads one collection's rows; safe to use from several threads.

    A read raises GenerationGoneError if the generation's rows are gone, CatalogueError if the
    database fails, CorruptCatalogueError if a row is not what was written.
    """

    def __init__(self, engine: Engine, key: str) -> None:
        self._engine = engine
        self._key = key
        self._collection_id: int | None = None
        is_sqlite = engine.dialect.name == "sqlite"
        self._quick = QuickRows(engine, key) if is_sqlite else None

    @classmethod
    def open(cls, location: CatalogueLocation, folder: Path, url: str | None = None) -> "Catalogue":
        """Connect for reading; see `database.connect` for the arguments and errors.

        Raises:
            CatalogueError: there is no catalogue there, or its tables are of another version.
        """
        catalogue = cls(connect(location, folder, url), location.key)
        try:
            catalogue._check_revision()
        except CatalogueError:
            catalogue.close()
            raise
        return catalogue

    def close(self) -> None:
        """Close every connection."""
        if self._quick is not None:
            self._quick.close()
        self._engine.dispose()

    def lineage(self) -> Lineage | None:
        """Which manifest the rows belong to; None if there are no rows of this collection."""
        columns = (CollectionRow.manifest_sha256, CollectionRow.parent_sha256)
        with catalogue_errors("reading the catalogue"), self._engine.begin() as connection:
            row = connection.execute(select(*columns).where(CollectionRow.key == self._key)).first()
        return Lineage(*row) if row else None

    def hydrate(self, ids: Sequence[ItemId], generation: int) -> dict[ItemId, ItemRecord]:
        """The records of those of `ids` that are alive, each with its living files.

        Returns:
            By id, in the order of `ids`. The first file is the one that came first.
        """
        found: dict[ItemId, tuple[bytes, list[FileRef]]] = {}
        try:
            for row in self._rows_of(ids, generation):
                found.setdefault(row[0], (row[PACKED], []))[1].append(file_of(row))
            return {
                item_id: unpack_item(item_id, found[item_id][0], tuple(found[item_id][1]))
                for item_id in ids
                if item_id in found
            }
        except FAILURES as error:
            raise in_our_words(error, "reading the catalogue") from error

    def _rows_of(self, ids: Sequence[ItemId], generation: int) -> Iterator[AnyRow]:
        """Rows of FILE_COLUMNS, those of one item in the order in which its files came."""
        parts = list(batches(ids))
        if self._quick is not None:
            is_known = bool(parts)
            for part in parts:
                rows = self._quick.read(part, generation)
                is_known = is_known and rows is not None
                yield from rows or ()
            if is_known:
                return
            parts = []  # only the generation is left to look at
        with self.reading(generation) as (connection, here):
            for part in parts:
                yield from connection.execute(FILES_OF_ITEMS, {**here, "values": part})

    def files_under(self, root: bytes, generation: int) -> Iterator[KnownFile]:
        """Every living file below a folder, ordered by path; streamed."""
        prefix = root.rstrip(b"/") + b"/"
        # The paths below a folder are one range: "0" is the byte after "/".
        bounds = {"low": prefix, "high": prefix[:-1] + b"0"}
        with self.reading(generation) as (connection, here):
            for row in connection.execute(FILES_UNDER, {**here, **bounds}):
                yield known_file_of(row)

    def files_at(self, paths: Collection[bytes], generation: int) -> list[KnownFile]:
        """The living files of exactly these paths."""
        found: list[KnownFile] = []
        with self.reading(generation) as (connection, here):
            for part in batches(paths):
                rows: Iterable[AnyRow]
                if self._quick is None:
                    rows = connection.execute(FILES_AT, {**here, "values": part})
                else:
                    values = (here["collection_id"], generation, generation, *part)
                    rows = connection.exec_driver_sql(paths_statement(len(part)), values)
                found += map(known_file_of, rows)
        return found

    def texts_from(self, source: bytes, generation: int) -> Iterator[KnownFile]:
        """Every living text that a file says, or the files below a folder say; streamed."""
        prefix = source.rstrip(b"/")
        bounds = {"source": source, "low": prefix + b"/", "high": prefix + b"0"}
        with self.reading(generation) as (connection, here):
            for row in connection.execute(TEXTS_FROM, {**here, **bounds}):
                yield known_file_of(row)

    def find_path(self, path: bytes, generation: int) -> KnownFile | None:
        """The living file of exactly this path."""
        return next(iter(self.files_at([path], generation)), None)

    def items_by_sha256(self, hexes: Collection[str], generation: int) -> dict[str, ItemId]:
        """The items that have this content, those whose last file went included.

        Such an item keeps its vector until its segment is merged: a file added to it revives it.
        """
        found: dict[str, ItemId] = {}
        with self.reading(generation) as (connection, here):
            for part in batches(hexes):
                if self._quick is None:
                    rows = connection.execute(ITEMS_OF_CONTENT, {**here, "values": part})
                else:
                    values = (here["collection_id"], generation, generation, *part)
                    rows = connection.exec_driver_sql(contents_statement(len(part)), values)
                found.update((row[0], ItemId(row[1])) for row in rows)
        return found

    def counts(self, generation: int, gallery: GalleryName = "images") -> CatalogueCounts:
        """Living items of a gallery and their files."""
        first, end = _range_of(gallery)
        with self.reading(generation) as (connection, here):
            found = connection.execute(COUNTS, {**here, "first": first, "end": end}).one()
        return CatalogueCounts(*found)

    def ids_where(
        self, predicate: Predicate, generation: int, gallery: GalleryName = "images"
    ) -> Int64Array:
        """The living items of a gallery that satisfy a filter, by its tags of now; ascending."""
        first, end = _range_of(gallery)
        with self.reading(generation) as (connection, here):
            form = SqlForm(gallery, connection.dialect.name == "postgresql", visible)
            statement = LIVING_IDS.where(form.of(predicate)).order_by(ItemRow.id)
            rows = connection.execute(statement, {**here, "first": first, "end": end})
            ids: Int64Array = np.fromiter((row[0] for row in rows), np.int64)
        return ids

    @contextlib.contextmanager
    def reading(self, generation: int) -> Iterator[tuple[Connection, dict[str, Any]]]:
        """A connection and what names the generation's rows; afterwards, that none were gone.

        The rows of a generation stay as they are until it is forgotten, and the oldest one that is
        known only grows. So a look at it after the reads vouches for all of them, and they need no
        transaction: beginning and ending one takes longer than ten rows do.
        """
        with catalogue_errors("reading the catalogue"), self._engine.connect() as connection:
            if self._collection_id is None:
                self._collection_id = self._check_known(connection, generation)
            yield connection, {"collection_id": self._collection_id, "generation": generation}
            if self._check_known(connection, generation) != self._collection_id:
                raise _gone(generation)

    def _check_known(self, connection: Connection, generation: int) -> int:
        """Key of this collection's rows; raises GenerationGoneError."""
        head = connection.execute(HEAD, {"key": self._key}).first()
        if head is None or generation < head.oldest_generation:
            raise _gone(generation)
        return int(head.id)

    def _check_revision(self) -> None:
        with catalogue_errors("opening the catalogue"), self._engine.begin() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found != REVISION:
            raise CatalogueError(
                f"the catalogue's tables have version {found}; this polyseek needs {REVISION}",
                hint="`polyseek collection repair` makes them anew, of the segments",
            )


def _range_of(gallery: GalleryName) -> tuple[int, int]:
    """The first id of a gallery, and the first that is behind its range."""
    first = FIRST_ID[gallery]
    return first, min((each for each in FIRST_ID.values() if each > first), default=_LARGEST_ID)


def _gone(generation: int) -> GenerationGoneError:
    return GenerationGoneError(
        f"the catalogue no longer knows generation {generation}",
        hint="open the collection again: it has changed since",
    )
