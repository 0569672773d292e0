"""Cut a collection down: take items out, or do away with it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer import durable
from indexer.catalogue import CatalogueWriter
from indexer.layout import CAPTIONS_DUE, leftovers, our_files, remove_empty_folders
from indexer.lock import LOCK_NAME, locked
from indexer.recover import discard_catalogue
from indexer.writer import CollectionWriter
from retrieval.errors import (
    CollectionMissingError,
    CorruptCollectionError,
    FormatVersionError,
    QueryError,
)
from retrieval.model import ItemId, display_path, gallery_of
from retrieval.store.catalogue import CatalogueCounts
from retrieval.store.changes import PathChange
from retrieval.store.collection import Collection
from retrieval.store.database import SQLITE_NAME
from retrieval.store.filters.predicates import Predicate
from retrieval.store.manifest import manifest_paths, newest_manifest
from retrieval.store.row_values import KnownFile
from retrieval.store.tags import TAGS_NAME


@dataclass(frozen=True, slots=True)
class Deleted:
    """What `delete_items` takes out: items, and files of them and of others that stay."""

    n_items: int
    n_files: int


def delete_items(
    folder: Path,
    wanted: Sequence[bytes | ItemId] = (),
    *,
    where: Predicate | None = None,
    dry_run: bool = False,
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> Deleted:
    """Take items out of a collection; no picture on disk is touched.

    A file that still lies below a root comes back with the next index run, unless a pattern
    excludes it.

    Args:
        folder: of the collection.
        wanted: ids of items, absolute paths of indexed files (an item goes with its last file),
            and absolute paths of folders, which stand for every indexed file below them; all
            kinds together.
        where: a filter for images. Alone it stands for every one that satisfies it; beside
            `wanted` it narrows: only those of them go that satisfy it.
        dry_run: only count; another process may be writing then.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Raises:
        QueryError: an id or path is not in the collection; nothing was deleted.
        CollectionMissingError: there is no collection.
        LockedError: another process is writing.
    """
    newest_manifest(folder)  # where there is no collection, a lock must not make a folder for one
    if dry_run:
        with Collection.open(folder, catalogue_url=catalogue_url, cache_dir=cache_dir) as view:
            return _count(view, *_resolve(view, wanted, where))
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    with writer:
        ids, changes = _resolve(writer.collection, wanted, where)
        deleted = _count(writer.collection, ids, changes)
        if changes:
            writer.commit(None, (), changes)
        if ids:
            writer.delete_items(sorted(ids))
        writer.collect_garbage()
        return deleted


def repair_catalogue(
    folder: Path, *, catalogue_url: str | None = None, cache_dir: Path | None = None
) -> CatalogueCounts:
    """Rebuild the catalogue of a collection from its segments, whatever state it is in.

    Returns:
        What the images gallery holds afterwards.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: a file that it would be rebuilt from is damaged; nothing changed.
        LockedError: another process is writing.
    """
    newest_manifest(folder)
    discard_catalogue(folder, catalogue_url)
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    with writer:
        return writer.collection.catalogue.counts(writer.manifest.generation)


def _count(collection: Collection, ids: set[ItemId], changes: Sequence[PathChange]) -> Deleted:
    """What goes with these items, and with these files of others."""
    touched = {change.item_id for change in changes}
    records = collection.catalogue.hydrate(sorted(ids | touched), collection.generation)
    leaving = {(change.item_id, change.file.path) for change in changes}
    emptied = sum(
        all((item_id, file.path) in leaving for file in records[item_id].files)
        for item_id in touched
    )
    n_files = sum(len(records[item_id].files) for item_id in ids) + len(leaving)
    return Deleted(len(ids) + emptied, n_files)


def _resolve(
    collection: Collection, wanted: Sequence[bytes | ItemId], where: Predicate | None
) -> tuple[set[ItemId], list[PathChange]]:
    """Items to delete whole, and files to detach from items that are not among them."""
    catalogue, generation = collection.catalogue, collection.generation
    ids, entries = _named(collection, wanted)
    if where is not None:
        matching = {ItemId(each) for each in catalogue.ids_where(where, generation).tolist()}
        entries = _entries_of(entries, matching)
        ids = ids & matching if wanted else matching
    # The captions of a picture that goes as a whole go with it.
    images = [each for each in ids if gallery_of(each) == "images"]
    records = catalogue.hydrate(sorted(images), generation).values()
    pictures = [file.path for record in records for file in record.files]
    entries += [
        entry
        for entry in catalogue.files_at(pictures, generation)
        if gallery_of(entry.item_id) == "texts"
    ]
    detached = {
        (entry.item_id, entry.file.path): PathChange("remove", entry.file, entry.item_id)
        for entry in entries
        if entry.item_id not in ids
    }
    return ids, list(detached.values())


def _named(
    collection: Collection, wanted: Sequence[bytes | ItemId]
) -> tuple[set[ItemId], list[KnownFile]]:
    """The ids among `wanted`, and every file that its paths stand for; raises QueryError."""
    catalogue, generation = collection.catalogue, collection.generation
    ids = {each for each in wanted if not isinstance(each, bytes)}
    unknown = [str(each) for each in ids - set(catalogue.hydrate(sorted(ids), generation))]
    entries: list[KnownFile] = []
    for path in (each for each in wanted if isinstance(each, bytes)):
        found = catalogue.files_at([path], generation)
        found = found or list(catalogue.files_under(path, generation))
        if not found:
            unknown.append(display_path(path))
        entries += found
    if unknown:
        raise QueryError(
            f"not in the collection: {', '.join(sorted(unknown))}",
            hint="give ids or absolute paths as a query's answer shows them",
        )
    return ids, entries


def _entries_of(entries: Sequence[KnownFile], pictures: set[ItemId]) -> list[KnownFile]:
    """Those of the files that hold one of these pictures, and the texts that belong to them."""
    paths = {each.file.path for each in entries if each.item_id in pictures}
    return [each for each in entries if each.file.path in paths]


def destroy_collection(folder: Path, *, catalogue_url: str | None = None) -> None:
    """Delete a collection, its rows in a PostgreSQL catalogue included; no picture is touched.

    Only what polyseek made is deleted, whether it is intact or not. The folder goes too, unless
    somebody keeps other files in it.

    Raises:
        CollectionMissingError: there is no collection.
        LockedError: another process is writing.
        CatalogueError: the PostgreSQL catalogue cannot be reached; nothing was deleted.
    """
    if not manifest_paths(folder):
        raise CollectionMissingError(f"no collection at {folder}")
    with locked(folder, timeout_s=0.0):
        _drop_rows(folder, catalogue_url)
        # The manifests first: from then on it is no collection, whatever happens.
        for path in manifest_paths(folder).values():
            durable.remove(path)
        durable.sync_folder(folder)
        for path in [*our_files(folder), *leftovers(folder)]:
            durable.remove(path)
        remove_empty_folders(folder)
        for suffix in ("", "-wal", "-shm"):
            durable.remove(folder / (SQLITE_NAME + suffix))
        durable.remove(folder / CAPTIONS_DUE)
        durable.remove(folder / TAGS_NAME)
        durable.remove(folder / LOCK_NAME)
    with contextlib.suppress(OSError):  # "not empty" is the usual reason, and no harm
        folder.rmdir()


def _drop_rows(folder: Path, catalogue_url: str | None) -> None:
    """Delete the collection's rows where they lie in a database that holds more than them."""
    try:
        location = newest_manifest(folder)[0].catalogue
    except (CorruptCollectionError, FormatVersionError):
        return  # nobody can say where the rows are
    if location.kind == "postgresql":
        with contextlib.closing(CatalogueWriter.open(location, folder, catalogue_url)) as rows:
            rows.drop()
