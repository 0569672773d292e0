"""Generations of a collection, made one after the other: the lock, the order, what errors leave.

When `publish` returns, its generation survives a crash; when it raises, or the process dies in it,
the generation before is what everyone sees.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from indexer import durable
from indexer.catalogue import CatalogueWriter
from indexer.catalogue_rows import Rows
from indexer.draft import Draft
from indexer.layout import remove_leftovers
from indexer.lock import locked
from indexer.recover import load_or_create, open_rows, reconcile
from indexer.tag_log import follow_log
from retrieval.errors import CollectionError, EncoderMismatchError
from retrieval.model import EncoderInfo
from retrieval.store.catalogue import Catalogue
from retrieval.store.collection import Collection, open_galleries
from retrieval.store.database import location_of
from retrieval.store.manifest import (
    Manifest,
    decode_manifest,
    encode_manifest,
    manifest_path,
    manifest_paths,
)
from retrieval.store.receipts import Receipts


class GenerationWriter:
    """Holds the lock of a collection and makes its generations.

    Attributes:
        folder: of the collection.
        manifest: of the newest generation.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        rows: CatalogueWriter,
        catalogue: Catalogue,
        receipts: Receipts,
        on_close: contextlib.ExitStack,
    ) -> None:
        """Put a writer together; `open` is the way in."""
        self.folder = folder
        self.manifest = manifest
        self._rows = rows
        self._catalogue = catalogue
        self._receipts = receipts
        self._on_close = on_close
        self._next_generation = 1 + next(iter(manifest_paths(folder)))
        self._is_usable = True
        self._view: Collection | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        encoder: EncoderInfo | None,
        *,
        catalogue_url: str | None = None,
        cache_dir: Path | None = None,
        lock_timeout_s: float = 0.0,
    ) -> Self:
        """Take the lock, make the collection if there is none, and repair what a crash left.

        Args:
            folder: of the collection.
            encoder: whose vectors will be committed; None for changes that bring none.
            catalogue_url: of a PostgreSQL catalogue, with user and password.
            cache_dir: where receipts of hashed files are kept; None keeps none.
            lock_timeout_s: how long to wait for another writer.

        Raises:
            LockedError: another process is writing.
            EncoderMismatchError: another encoder made the collection.
            CollectionMissingError: there is none, and `encoder` is None.
            CorruptCollectionError: no manifest verifies, or a rebuild met a damaged file.
            FormatVersionError: a newer polyseek wrote it.
            CatalogueError: the catalogue cannot be used.
        """
        if encoder is not None:
            durable.make_folder(folder)
        with contextlib.ExitStack() as resources:
            resources.enter_context(locked(folder, lock_timeout_s))
            manifest = load_or_create(folder, encoder, catalogue_url)
            if encoder is not None and encoder.fingerprint != manifest.encoder.fingerprint:
                raise EncoderMismatchError(expected=manifest.encoder.label, found=encoder.label)
            if catalogue_url is not None:
                # A catalogue can move: it is rebuilt there, and the next commit says where.
                location = location_of(catalogue_url, manifest.key)
                manifest = replace(manifest, catalogue=location)
            remove_leftovers(folder)
            rows = open_rows(folder, manifest, catalogue_url)
            resources.callback(rows.close)
            catalogue = Catalogue.open(manifest.catalogue, folder, catalogue_url)
            resources.callback(catalogue.close)
            reconcile(folder, manifest, rows, catalogue.lineage())
            follow_log(folder, rows)
            receipts = Receipts(cache_dir)
            return cls(folder, manifest, rows, catalogue, receipts, resources.pop_all())

    @property
    def collection(self) -> Collection:
        """A read view of the newest generation; valid until the writer is closed."""
        if self._view is None or self._view.generation != self.manifest.generation:
            before = self._view.galleries if self._view else None
            galleries = open_galleries(self.folder, self.manifest, self._receipts, before)
            self._view = Collection(self.folder, self.manifest, self._catalogue, galleries)
        return self._view

    def close(self) -> None:
        """Give the lock back and close the catalogue."""
        self._on_close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def publish(self, fill: Callable[[Draft, Rows], None]) -> int:
        """Make one generation: files, then rows, then the manifest; returns its number.

        After an error nobody knows how far it came on the disk; opening a writer finds out.
        """
        self._check_usable()
        self._is_usable = False
        generation = self._next_generation
        path = manifest_path(self.folder, generation)
        draft = Draft(self.collection)
        with self._rows.begin(generation) as rows:
            fill(draft, rows)
            data = encode_manifest(replace(draft.manifest, generation=generation))
            manifest = decode_manifest(data, path)
            rows.belong_to(manifest.digest, self.manifest.digest)
            durable.checkpoint("rows_written")
        durable.checkpoint("rows_committed")
        durable.publish_file(path, data)
        durable.checkpoint("manifest_linked")
        self.manifest = manifest
        self._next_generation += 1
        self._is_usable = True
        return generation

    def _check_usable(self) -> None:
        if not self._is_usable:
            raise CollectionError(
                "an earlier commit of this writer failed", hint="run the command again"
            )
