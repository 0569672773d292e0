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

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from indexer.batch import (
    Batch,
    Commit,
    NewItem,
    check_items_exist,
    check_vectors,
    one_item_a_path,
    plan_batch,
)
from indexer.catalogue_rows import Rows
from indexer.draft import Draft
from indexer.garbage import kept_manifests, sweep
from indexer.index_writer import IndexWriter
from indexer.merge import (
    MergePlan,
    check_sources,
    fold_changes,
    merged_pieces,
    merged_shape,
    plan_compaction,
    plan_merge,
)
from indexer.segment_files import pieces_of
from indexer.tag_log import append_change
from retrieval.model import FIRST_ID, Float16Array, Float32Array, GalleryName, ItemId
from retrieval.store.changes import PathChange
from retrieval.store.manifest import GalleryEntry, Manifest
from retrieval.store.tags import TagChange

__all__ = ["CollectionWriter", "Commit", "NewItem", "PathChange"]


class CollectionWriter(IndexWriter):
    """The one writer of a collection. Close it, or use it in a `with`, to give the lock back.

    Attributes:
        folder: of the collection.
        manifest: of the newest generation.
    """

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

        return Commit(self.publish(fill), batch.ids)

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

    def compact(self, most_items: int, only: GalleryName | None = None) -> Commit:
        """Merge all segments into few, without the dead, and all logs into one.

        Args:
            most_items: in one segment.
            only: the gallery whose segments are merged; None is every one.

        Raises:
            CorruptCollectionError: a file of a segment to merge is damaged; nothing was changed.
        """
        return self._merge(plan_compaction(self.collection, most_items, only))

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

        return Commit(self.publish(fill))

    def kept_generations(self) -> tuple[Manifest, ...]:
        """What a collection of garbage would keep, newest first; see garbage.py."""
        return kept_manifests(self.folder)

    def publish_again(self) -> Commit:
        """Make a generation of the same content, so that an older one need not be kept."""
        return Commit(self.publish(lambda _draft, _rows: None))

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


def _now() -> str:
    """See `ItemRecord.added`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
