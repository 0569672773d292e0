"""What a writer does before its first commit: make the collection, or bring it back into one piece.

A crash can leave three things behind: files under temporary names, files that no manifest names
(garbage.py takes those), and a catalogue that is ahead of the newest manifest or behind it.
"""

import contextlib
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from indexer import durable
from indexer.catalogue import CatalogueWriter
from indexer.layout import CAPTIONS_DUE, is_leftover
from indexer.lock import LOCK_NAME, locked
from retrieval.errors import (
    CollectionError,
    CollectionMissingError,
    CorruptCatalogueError,
    CorruptCollectionError,
)
from retrieval.model import EncoderInfo, ItemRecord
from retrieval.store.catalogue import Lineage
from retrieval.store.changes import PathChange, decode_changes
from retrieval.store.database import SQLITE_NAME, location_of
from retrieval.store.manifest import (
    FORMAT_VERSION,
    Manifest,
    decode_manifest,
    encode_manifest,
    manifest_path,
    newest_manifest,
)
from retrieval.store.segment import check_file, read_checked, records_of
from retrieval.store.tags import TAGS_NAME, read_tag_log

logger = logging.getLogger(__name__)

_ROWS_A_BATCH = 4096
_OURS = frozenset({LOCK_NAME, CAPTIONS_DUE, TAGS_NAME, "galleries", "changes"})


def load_or_create(
    folder: Path, encoder: EncoderInfo | None, catalogue_url: str | None
) -> Manifest:
    """The newest manifest; a new, empty collection where there is none. Call it under the lock.

    A collection that nothing was ever put in takes another encoder.

    Raises:
        CollectionMissingError: there is none, and no encoder to make one for.
        CorruptCollectionError: there are segments and no manifest.
        CollectionError: the folder holds other things.
    """
    try:
        manifest, warnings = newest_manifest(folder)
    except CollectionMissingError:
        if encoder is None:
            raise
        return _create(folder, encoder, catalogue_url)
    for warning in warnings:
        logger.warning("%s", warning)
    if encoder is not None and not manifest.galleries:
        return replace(manifest, encoder=encoder)
    return manifest


def open_rows(folder: Path, manifest: Manifest, catalogue_url: str | None) -> CatalogueWriter:
    """The catalogue's writer; a SQLite file that is no database any more is replaced."""
    location = manifest.catalogue
    try:
        return CatalogueWriter.open(location, folder, catalogue_url)
    except CorruptCatalogueError as error:
        logger.warning("%s", error)
        _remove_sqlite(folder)
        return CatalogueWriter.open(location, folder, catalogue_url)


def discard_catalogue(folder: Path, catalogue_url: str | None) -> None:
    """Forget a catalogue, so that the next writer rebuilds it from the segments.

    What it would be rebuilt from is hashed first: where that is damaged, too, the catalogue is the
    only one that still knows.

    Raises:
        LockedError: another process is writing.
        CorruptCollectionError: a file of rows or changes is damaged; the catalogue is left alone.
    """
    with locked(folder, timeout_s=0.0):
        manifest, _ = newest_manifest(folder)
        for entry in manifest.files():
            if entry.name.endswith(".jsonl"):
                check_file(folder / entry.name, entry)
        read_tag_log(folder)
        if manifest.catalogue.kind == "sqlite" and catalogue_url is None:
            _remove_sqlite(folder)
            return
        rows = CatalogueWriter.open(manifest.catalogue, folder, catalogue_url)
        with contextlib.closing(rows), rows.begin(manifest.generation) as new:
            new.belong_to("", "")


def reconcile(
    folder: Path, manifest: Manifest, rows: CatalogueWriter, lineage: Lineage | None
) -> None:
    """Make the catalogue say what the manifest's files say.

    Args:
        folder: of the collection.
        manifest: the newest that verifies.
        rows: the catalogue's writer.
        lineage: which manifest the rows were last written for.
    """
    if lineage is not None and lineage.manifest_sha256 == manifest.digest:
        return
    if lineage is not None and lineage.parent_sha256 == manifest.digest:
        logger.info("taking back catalogue rows of a commit that was never published")
        rows.undo_after(manifest.generation, manifest.digest)
        return
    if manifest.galleries:
        logger.warning("rebuilding the catalogue of %s from its segments", folder)
    rebuild_catalogue(folder, manifest, rows)


def rebuild_catalogue(folder: Path, manifest: Manifest, rows: CatalogueWriter) -> None:
    """Write all rows anew: items as they were born, then the logs of what happened to their files.

    Raises:
        CorruptCollectionError: a file of rows or changes is damaged.
    """
    with rows.begin(manifest.generation) as new:
        new.start_over()
        for batch in _births(folder, manifest):
            new.add_items(batch)
        for entry in manifest.changes:
            path = folder / entry.name
            new.apply(decode_changes(read_checked(path, entry), path))
        new.belong_to(manifest.digest, "")
    rows.forget_before(manifest.generation)
    rows.replace_tags(read_tag_log(folder))


def read_changes(folder: Path, manifest: Manifest) -> Iterator[PathChange]:
    """Every change in the manifest's logs, oldest first."""
    for entry in manifest.changes:
        path = folder / entry.name
        yield from decode_changes(read_checked(path, entry), path)


def _remove_sqlite(folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        durable.remove(folder / (SQLITE_NAME + suffix))


def _births(folder: Path, manifest: Manifest) -> Iterator[list[ItemRecord]]:
    for gallery in manifest.galleries.values():
        for entry in gallery.segments:
            records = records_of(folder, entry)
            while batch := list(islice(records, _ROWS_A_BATCH)):
                yield batch


def _create(folder: Path, encoder: EncoderInfo, catalogue_url: str | None) -> Manifest:
    strangers = [
        name
        for name in os.listdir(folder)
        if name not in _OURS and not name.startswith(SQLITE_NAME) and not is_leftover(Path(name))
    ]
    if strangers:
        raise CollectionError(
            f"{folder} is no collection and holds other things ({min(strangers)})",
            hint="name a new or an empty folder",
        )
    if any(folder.glob("galleries/*/segments/*")):
        raise CorruptCollectionError(
            f"{folder} holds segments and no manifest",
            hint="restore the manifest from a backup, or delete the folder and index again",
        )
    key = str(uuid.uuid4())
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        generation=1,
        key=key,
        encoder=encoder,
        catalogue=location_of(catalogue_url, key),
    )
    data = encode_manifest(manifest)
    path = manifest_path(folder, 1)
    # The catalogue is made first, so that one that cannot be reached leaves no collection behind.
    CatalogueWriter.open(manifest.catalogue, folder, catalogue_url).close()
    durable.publish_file(path, data)
    return decode_manifest(data, path)
