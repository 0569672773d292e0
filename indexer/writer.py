"""The writer of a collection: every change of it is one durable generation.

    with CollectionWriter.open(folder, encoder.info) as writer:
        item = NewItem(sha256=digest, meta=meta, files=(FileRef(path, size, mtime_ns),))
        commit = writer.commit(vectors, [item])            # vectors: (1, dim) unit rows
        copy = PathChange("add", other_file, commit.ids[0])
        writer.commit(None, [], [copy])
        writer.merge_small_segments(4096)
        writer.collect_garbage()

When a call returns, its generation survives a crash; when it raises, or the process dies in it,
the generation before is what everyone sees. One writer at a time holds the LOCK; readers need none.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from indexer import durable
from indexer.batch import (
    Batch,
    Commit,
    NewItem,
    check_items_exist,
    check_vectors,
    one_item_a_path,
    plan_batch,
)
from indexer.catalogue import CatalogueWriter, Rows
from indexer.draft import Draft
from indexer.garbage import kept_manifests, sweep
from indexer.layout import remove_leftovers
from indexer.lock import locked
from indexer.merge import (
    MergePlan,
    check_sources,
    fold_changes,
    merged_pieces,
    merged_shape,
    plan_compaction,
    plan_merge,
)
from indexer.recover import load_or_create, open_rows, reconcile
from indexer.segment_files import pieces_of
from indexer.tag_log import append_change, follow_log
from retrieval.errors import (
    CollectionError,
    EncoderMismatchError,
)
from retrieval.model import FIRST_ID, EncoderInfo, Float16Array, Float32Array, GalleryName, ItemId
from retrieval.store.catalogue import Catalogue
from retrieval.store.changes import PathChange
from retrieval.store.collection import Collection, open_galleries
from retrieval.store.database import location_of
from retrieval.store.hubness_record import HubnessRecord
from retrieval.store.manifest import (
    GalleryEntry,
    IndexRecord,
    Manifest,
    ModeRecord,
    decode_manifest,
    encode_manifest,
    manifest_path,
    manifest_paths,
)
from retrieval.store.receipts import Receipts
from retrieval.store.tags import TagChange

__all__ = ["CollectionWriter", "Commit", "NewItem", "PathChange"]


class CollectionWriter:
    """The one writer of a collection. Close it, or use it in a `with`, to give the lock back.

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
        """Put a writer together; `CollectionWriter.open` is the way in."""
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
    ) -> "CollectionWriter":
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

    def commit(
        self,
        vectors: Float32Array | Float16Array | None,
        items: Sequence[NewItem],
        changes: Sequence[PathChange] = (),
        *,
        gallery: GalleryName = "images",
        roots: Sequence[bytes] = (),
    ) -> Commit:
        """Put items in and change paths, as one generation.

        Content that the collection has already is not stored again: its files join that item. An
        item whose last file goes is tombstoned; a file added to it later brings it back. A file
        that comes to an image leaves the image that it was at.

        Args:
            vectors: (len(items), dim) unit rows; None if there are no items.
            items: to put in.
            changes: of files of items that are there, in the order in which they happened.
            gallery: that the items belong to.
            roots: folders that this run indexes.

        Raises:
            ValueError: vectors and items do not match, vectors are no unit rows, a change names
                an item that is not there, or two items claim one path.
            OSError: the disk is full or failing. Open a new writer to go on.
            CatalogueError: the database failed. Open a new writer to go on.
        """
        batch = self._plan(vectors, items, changes, gallery)
        if not batch.records and not batch.changes and set(roots) <= set(self.manifest.roots):
            return Commit(self.manifest.generation, batch.ids)

        def fill(draft: Draft, rows: Rows) -> None:
            draft.add_roots(roots)
            if batch.records:
                pieces = pieces_of(batch.vectors, batch.records)
                draft.add_segment(gallery, batch.vectors.shape, pieces)
                rows.add_items(batch.records)
            rows.apply(batch.changes)
            draft.add_log(batch.changes)
            touched = {change.item_id for change in batch.changes}
            dead = rows.without_files(touched)
            draft.bury(dead, touched - dead)

        return Commit(self._publish(fill), batch.ids)

    def delete_items(self, ids: Iterable[ItemId]) -> Commit:
        """Tombstone items by taking all their files out of the collection (not off the disk).

        Ids that are not alive are passed over.
        """
        found = self._catalogue.hydrate(list(ids), self.manifest.generation)
        changes = [
            PathChange("remove", file, record.id)
            for record in found.values()
            for file in record.files
        ]
        return self.commit(None, [], changes)

    def change_tags(self, change: TagChange) -> None:
        """Put a tag on contents, or take it off; in the log first, then in the catalogue.

        No new generation: readers see the tags of now.

        Raises:
            OSError: the disk is full or failing. Open a new writer to go on.
            CatalogueError: the database failed. Open a new writer to go on.
        """
        self._check_usable()
        self._is_usable = False
        self._rows.apply_tags(change, append_change(self.folder, change))
        self._is_usable = True

    def merge_small_segments(self, base: int) -> Commit:
        """Merge the segments that are due, where runs commit `base` items at a time; see merge.py.

        Tombstoned items in them go for good. Nothing to merge is no new generation. The new
        segments have no codes: they are searched exactly until `publish_codes`.

        Raises:
            CorruptCollectionError: a file of a segment to merge is damaged; nothing was changed.
        """
        return self._merge(plan_merge(self.collection, base))

    def compact(self, most_items: int) -> Commit:
        """Merge all segments into few, without the dead, and all logs into one.

        Args:
            most_items: in one segment.

        Raises:
            CorruptCollectionError: a file of a segment to merge is damaged; nothing was changed.
        """
        return self._merge(plan_compaction(self.collection, most_items))

    def _merge(self, plan: MergePlan) -> Commit:
        view = self.collection
        if plan.is_empty:
            return Commit(self.manifest.generation)
        check_sources(view, plan)

        def fill(draft: Draft, rows: Rows) -> None:
            for gallery, groups in plan.groups.items():
                for group in groups:
                    dead = view.gallery(gallery).tombstones
                    names = [segment.name for segment in group]
                    shape, pieces = merged_shape(group, dead), merged_pieces(group, dead)
                    draft.add_segment(gallery, shape, pieces, replacing=names)
            rows.drop_items(plan.dropped)
            draft.bury((), plan.dropped)
            if plan.folds_logs:
                draft.replace_logs(fold_changes(view, plan.dropped))

        return Commit(self._publish(fill))

    def publish_index(
        self,
        gallery: GalleryName,
        record: IndexRecord,
        codebook: bytes,
        codes: Mapping[str, bytes],
        router: bytes | None = None,
    ) -> Commit:
        """Give a gallery a new codebook.

        Args:
            gallery: to search with it.
            record: of the build; its `codebook` and `router` entries are made here, from the bytes.
            codebook: the trained, empty index.
            codes: by segment name. A segment without codes is searched exactly.
            router: of foreign queries, as a file; None: there is none.
        """
        return Commit(
            self._publish(
                lambda draft, _: draft.set_index(gallery, record, codebook, codes, router)
            )
        )

    def drop_index(self, gallery: GalleryName) -> Commit:
        """Search a gallery exactly from now on."""
        return Commit(self._publish(lambda draft, _: draft.drop_index(gallery)))

    def publish_modes(self, gallery: GalleryName, modes: Sequence[ModeRecord]) -> Commit:
        """Search a gallery's index with other settings from now on.

        Raises:
            ValueError: it has no index.
        """
        return Commit(self._publish(lambda draft, _: draft.set_modes(gallery, modes)))

    def publish_codes(self, gallery: GalleryName, codes: Mapping[str, bytes]) -> Commit:
        """Add codes, by segment name, that were made with the gallery's codebook.

        Raises:
            ValueError: there is no codebook, or no such segment.
        """
        if not codes:
            return Commit(self.manifest.generation)
        return Commit(self._publish(lambda draft, _: draft.add_codes(gallery, codes)))

    def publish_hubness(
        self,
        gallery: GalleryName,
        record: HubnessRecord,
        bank: bytes | None,
        biases: Mapping[str, bytes],
    ) -> Commit:
        """Rank a gallery with this hubness bias from now on, or, without a bank, with none.

        Args:
            gallery: to rank.
            record: of the bias; its `bank` entry is made here, from the bytes.
            bank: that the biases were made with, as a file.
            biases: by segment name; those of other segments stay if they are of the same bank.

        Raises:
            ValueError: there is no such segment.
        """
        return Commit(
            self._publish(lambda draft, _: draft.set_hubness(gallery, record, bank, biases))
        )

    def kept_generations(self) -> tuple[Manifest, ...]:
        """What a collection of garbage would keep, newest first; see garbage.py."""
        return kept_manifests(self.folder)

    def forget_index_files(self, galleries: Mapping[GalleryName, GalleryEntry]) -> Commit:
        """Name some codes, biases, or indexes, no more: they are damaged, and are made again.

        Args:
            galleries: as they are, without these.

        Raises:
            ValueError: they differ in more.
        """
        return Commit(self._publish(lambda draft, _: draft.forget_index_files(galleries)))

    def publish_again(self) -> Commit:
        """Make a generation of the same content, so that an older one need not be kept."""
        return Commit(self._publish(lambda _draft, _rows: None))

    def shrink_catalogue(self) -> None:
        """Give the room of deleted rows back to the disk, where the catalogue is a file."""
        self._check_usable()
        self._rows.shrink()

    def collect_garbage(self) -> int:
        """Delete all but the last two generations, and what only deleted ones needed.

        Returns:
            Bytes deleted.

        Raises:
            CorruptCollectionError: the newest manifest does not verify; nothing is deleted.
        """
        self._check_usable()
        kept = kept_manifests(self.folder)
        self._rows.forget_before(kept[-1].generation)
        self._receipts.forget_old()
        return sweep(self.folder, kept)

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

    def _plan(
        self,
        vectors: Float32Array | Float16Array | None,
        items: Sequence[NewItem],
        changes: Sequence[PathChange],
        gallery: GalleryName,
    ) -> Batch:
        self._check_usable()
        dim, generation = self.manifest.encoder.dim, self.manifest.generation
        rows = np.empty((0, dim), np.float32) if vectors is None else vectors
        check_vectors(rows, len(items), dim)
        entry = self.manifest.galleries.get(gallery) or GalleryEntry(FIRST_ID[gallery])
        known = self._catalogue.items_by_sha256({item.sha256 for item in items}, generation)
        batch = plan_batch(items, rows, changes, known=known, next_id=entry.next_id, added=_now())
        check_items_exist(changes, self.collection)
        return one_item_a_path(batch, self._catalogue, generation) if gallery == "images" else batch

    def _publish(self, fill: Callable[[Draft, Rows], None]) -> int:
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


def _now() -> str:
    """See `ItemRecord.added`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
