"""Care of a collection that exists: check every byte of it, take items out, do away with it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import durable
from indexer.catalogue import CatalogueWriter
from indexer.lock import LOCK_NAME, locked
from indexer.writer import CollectionWriter
from retrieval.errors import (
    CollectionError,
    CollectionMissingError,
    CorruptCollectionError,
    FormatVersionError,
    QueryError,
)
from retrieval.model import ItemId, display_path
from retrieval.store.catalogue import KnownFile
from retrieval.store.changes import PathChange
from retrieval.store.collection import Collection
from retrieval.store.database import SQLITE_NAME
from retrieval.store.manifest import manifest_paths, newest_manifest
from retrieval.store.segment import check_file

_OUR_NAMES = (
    "galleries",
    "changes",
    "tags.jsonl",
    *(SQLITE_NAME + suffix for suffix in ("", "-wal", "-shm")),
    LOCK_NAME,
)
"""All that a collection's folder holds beside the manifests."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify_collection` looked at and found.

    Attributes:
        generation: that was checked.
        n_items: living items.
        n_files: files hashed.
        n_bytes: bytes hashed.
        problems: one line for each thing that is wrong; empty when all is well.
    """

    generation: int
    n_items: int
    n_files: int
    n_bytes: int
    problems: tuple[str, ...]


def verify_collection(folder: Path, *, catalogue_url: str | None = None) -> VerifyReport:
    """Hash every file of the newest generation, and compare the catalogue with the segments.

    Receipts of earlier checks do not count here: every byte is read.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: no manifest verifies, so there is nothing to compare with.
        FormatVersionError: a newer polyseek wrote it.
    """
    manifest, warnings = newest_manifest(folder)
    problems = list(warnings)
    files = list(manifest.files())
    for entry in files:
        try:
            check_file(folder / entry.name, entry)
        except CorruptCollectionError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{folder / entry.name} cannot be read: {error.strerror}")
    if not problems:
        # The comparison reads those files: it tells nothing new of a collection that is damaged.
        problems += _catalogue_problems(folder, catalogue_url)
    return VerifyReport(
        generation=manifest.generation,
        n_items=sum(gallery.n_items for gallery in manifest.galleries.values()),
        n_files=len(files),
        n_bytes=sum(entry.size_bytes for entry in files),
        problems=tuple(problems),
    )


def _catalogue_problems(folder: Path, catalogue_url: str | None) -> Iterator[str]:
    """Living items of the segments that the catalogue does not give, and the other way round."""
    try:
        with Collection.open(folder, catalogue_url=catalogue_url) as collection:
            catalogue, generation = collection.catalogue, collection.generation
            n_living = 0
            for name in collection.manifest.galleries:
                gallery = collection.gallery(name)
                for segment in gallery.segments:
                    living = np.setdiff1d(segment.ids, gallery.tombstones).tolist()
                    n_living += len(living)
                    found = catalogue.hydrate(living, generation)
                    for item_id in set(living) - found.keys():
                        yield f"item {item_id} of segment {segment.name} is not in the catalogue"
            n_found = catalogue.counts(generation).n_items
            if n_found > n_living:
                yield f"the catalogue has {n_found} items, the segments have {n_living}"
    except CollectionError as error:
        yield str(error)


def delete_items(
    folder: Path,
    wanted: Sequence[bytes | ItemId],
    *,
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> int:
    """Take items out of a collection; no picture on disk is touched.

    A file that still lies below a root comes back with the next index run, unless a pattern
    excludes it.

    Args:
        folder: of the collection.
        wanted: ids of items, absolute paths of indexed files (an item goes with its last file),
            and absolute paths of folders, which stand for every indexed file below them.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Returns:
        The number of items that are no longer in the collection.

    Raises:
        QueryError: an id or path is not in the collection; nothing was deleted.
        CollectionMissingError: there is no collection.
        LockedError: another process is writing.
    """
    newest_manifest(folder)  # where there is no collection, a lock must not make a folder for one
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    with writer:
        ids, changes = _resolve(writer.collection, wanted)
        before = _n_items(writer)
        if changes:
            writer.commit(None, (), changes)
        if ids:
            writer.delete_items(sorted(ids))
        writer.collect_garbage()
        return before - _n_items(writer)


def _n_items(writer: CollectionWriter) -> int:
    return sum(gallery.n_items for gallery in writer.manifest.galleries.values())


def _resolve(
    collection: Collection, wanted: Sequence[bytes | ItemId]
) -> tuple[set[ItemId], list[PathChange]]:
    """Items to delete whole, and files to detach from items that are not among them."""
    catalogue, generation = collection.catalogue, collection.generation
    ids = {each for each in wanted if not isinstance(each, bytes)}
    unknown = [str(each) for each in ids - set(catalogue.hydrate(sorted(ids), generation))]
    entries: dict[bytes, KnownFile] = {}
    for path in (each for each in wanted if isinstance(each, bytes)):
        exact = catalogue.find_path(path, generation)
        found = [exact] if exact else list(catalogue.files_under(path, generation))
        if not found:
            unknown.append(display_path(path))
        entries |= {entry.file.path: entry for entry in found}
    if unknown:
        raise QueryError(
            f"not in the collection: {', '.join(sorted(unknown))}",
            hint="give ids or absolute paths as a query's answer shows them",
        )
    detached = [
        PathChange("remove", entry.file, entry.item_id)
        for entry in entries.values()
        if entry.item_id not in ids
    ]
    return ids, detached


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
        for name in _OUR_NAMES:
            durable.remove(folder / name)
        durable.remove_leftovers(folder)
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
