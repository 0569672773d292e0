"""The next generation in the making: writes files that nobody refers to yet, and keeps the account.

Everything a draft writes is durable and unnamed until its manifest is published. If that never
happens, the files are orphans that garbage collection takes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import cast

import numpy as np

from indexer import durable
from indexer.segment_files import Piece, write_segment
from retrieval.model import FIRST_ID, GalleryName, Int64Array, ItemId
from retrieval.store.changes import PathChange, encode_changes
from retrieval.store.collection import Collection
from retrieval.store.entries import (
    bank_entry,
    bias_name,
    codes_name,
    gallery_folder,
    is_codes,
    router_entry,
    segment_folder,
    without_biases,
)
from retrieval.store.file_entry import SHORT_HEX
from retrieval.store.hubness_record import HubnessRecord
from retrieval.store.manifest import (
    FileEntry,
    GalleryEntry,
    IndexRecord,
    Manifest,
    ModeRecord,
    SegmentEntry,
    codebook_entry,
)
from retrieval.store.vectors import array_bytes


class Draft:
    """Changes one manifest, step by step; `manifest` is the result so far."""

    def __init__(self, view: Collection) -> None:
        """Start from an open generation."""
        self.manifest: Manifest = view.manifest
        self._view = view

    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Note folders that were indexed."""
        self.manifest = replace(self.manifest, roots=tuple(sorted({*self.manifest.roots, *roots})))

    def add_segment(
        self,
        gallery: GalleryName,
        shape: tuple[int, int],
        pieces: Iterable[Piece],
        replacing: Sequence[str] = (),
    ) -> None:
        """Write a segment, and let it stand for others.

        Args:
            gallery: that it belongs to.
            shape: (n, dim) of it; n == 0 writes nothing.
            pieces: of it, ids ascending; see `segment_files.write_segment`.
            replacing: names of the segments whose place it takes.
        """
        entry = self._gallery(gallery)
        segments = [each for each in entry.segments if each.name not in replacing]
        next_id = entry.next_id
        if shape[0]:
            last = [0]
            written = write_segment(self._view.folder, gallery, shape, _noting(last, pieces))
            segments.append(written)
            next_id = max(next_id, last[0] + 1)
        self._set_gallery(gallery, replace(entry, segments=tuple(segments), next_id=next_id))

    def add_log(self, changes: Sequence[PathChange]) -> None:
        """Write a log of path changes after the ones there are."""
        if changes:
            log = self._write_log(changes)
            self.manifest = replace(self.manifest, changes=(*self.manifest.changes, log))

    def replace_logs(self, changes: Sequence[PathChange]) -> None:
        """Write one log that stands for all."""
        logs = (self._write_log(changes),) if changes else ()
        self.manifest = replace(self.manifest, changes=logs)

    def bury(self, dead: Iterable[ItemId], alive: Iterable[ItemId] = ()) -> None:
        """Tombstone items, and take the tombstones of others away."""
        dead_ids, alive_ids = _sorted_ids(dead), _sorted_ids(alive)
        for gallery in tuple(self.manifest.galleries):
            before = self._view.gallery(gallery).tombstones
            first = FIRST_ID[gallery]
            mine = dead_ids[(dead_ids >= first) & (dead_ids < first + FIRST_ID["texts"] - 1)]
            after = np.setdiff1d(np.union1d(before, mine), alive_ids)
            if not np.array_equal(before, after):
                self._set_tombstones(gallery, after)

    def set_index(
        self,
        gallery: GalleryName,
        record: IndexRecord,
        codebook: bytes,
        codes: Mapping[str, bytes],
        router: bytes | None = None,
    ) -> None:
        """Write a new codebook and what goes with it; older codes are named no more."""
        entry = codebook_entry(gallery, codebook)
        durable.write_file(self._view.folder / entry.name, codebook)
        routes = None if router is None else router_entry(gallery, router)
        if routes is not None and router is not None:
            durable.write_file(self._view.folder / routes.name, router)
        self.drop_index(gallery)
        record = replace(record, codebook=entry, router=routes)
        self._set_gallery(gallery, replace(self._gallery(gallery), index=record))
        self.add_codes(gallery, codes)

    def drop_index(self, gallery: GalleryName) -> None:
        """Name no index and no codes any more."""
        entry = self._gallery(gallery)
        bare = tuple(
            replace(each, derived=tuple(file for file in each.derived if not is_codes(file)))
            for each in entry.segments
        )
        self._set_gallery(gallery, replace(entry, index=None, segments=bare))

    def set_modes(self, gallery: GalleryName, modes: Sequence[ModeRecord]) -> None:
        """Search a gallery's index in another way from now on.

        Raises:
            ValueError: it has none.
        """
        entry = self._gallery(gallery)
        if entry.index is None:
            raise ValueError(f"{gallery} has no index")
        index = replace(entry.index, modes=tuple(modes))
        self._set_gallery(gallery, replace(entry, index=index))

    def add_codes(self, gallery: GalleryName, codes: Mapping[str, bytes]) -> None:
        """Write codes, by segment name, made with the gallery's codebook.

        Raises:
            ValueError: the gallery has no codebook, or a segment is not there.
        """
        entry = self._gallery(gallery)
        strangers = set(codes) - {segment.name for segment in entry.segments}
        if entry.index is None or strangers:
            raise ValueError(f"no codebook, or no segments {sorted(strangers)} in {gallery}")
        base = codes_name(entry.index.codebook.short)
        segments = tuple(
            self._with_derived(gallery, segment, base, codes[segment.name])
            if segment.name in codes
            else segment
            for segment in entry.segments
        )
        self._set_gallery(gallery, replace(entry, segments=segments))

    def set_hubness(
        self,
        gallery: GalleryName,
        record: HubnessRecord,
        bank: bytes | None,
        biases: Mapping[str, bytes],
    ) -> None:
        """Write a bank and biases, by segment name; biases of other banks are named no more.

        Raises:
            ValueError: a segment is not there.
        """
        entry = self._gallery(gallery)
        strangers = set(biases) - {segment.name for segment in entry.segments}
        if strangers:
            raise ValueError(f"no segments {sorted(strangers)} in {gallery}")
        file = None if bank is None else bank_entry(gallery, bank)
        if file is not None and bank is not None:
            durable.write_file(self._view.folder / file.name, bank)
        base = None if file is None else bias_name(file.short)
        segments = []
        for each in entry.segments:
            segment = without_biases(each, but=base)
            if base is not None and each.name in biases:
                segment = self._with_derived(gallery, segment, base, biases[each.name])
            segments.append(segment)
        self._set_gallery(
            gallery,
            replace(entry, segments=tuple(segments), hubness=replace(record, bank=file)),
        )

    def forget_index_files(self, galleries: Mapping[GalleryName, GalleryEntry]) -> None:
        """Let galleries stand that name fewer derived files, or no index or hubness bias.

        Nothing else may differ.

        Raises:
            ValueError: segments or tombstones differ.
        """
        if _bare(galleries) != _bare(self.manifest.galleries):
            raise ValueError("galleries differ in more than files of their indexes")
        self.manifest = replace(self.manifest, galleries=galleries)

    def _with_derived(
        self, gallery: GalleryName, segment: SegmentEntry, base: str, data: bytes
    ) -> SegmentEntry:
        file = FileEntry.of(f"{segment_folder(gallery, segment.name)}/{base}", data)
        known = segment.file(base)
        if known == file:
            return segment
        if known is not None:
            raise ValueError(f"{file.name} is published already, with other bytes")
        durable.write_file(self._view.folder / file.name, data)
        return replace(segment, derived=(*segment.derived, file))

    def _set_tombstones(self, gallery: GalleryName, ids: Int64Array) -> None:
        file = None
        if ids.size:
            data = array_bytes(ids)
            name = f"{gallery_folder(gallery)}/tombstones-{_short(data)}.npy"
            file = FileEntry.of(name, data)
            durable.write_file(self._view.folder / name, data)
        entry = replace(self._gallery(gallery), tombstones=file, n_tombstones=int(ids.size))
        self._set_gallery(gallery, entry)

    def _write_log(self, changes: Sequence[PathChange]) -> FileEntry:
        data = encode_changes(changes)
        file = FileEntry.of(f"changes/{_short(data)}.jsonl", data)
        durable.write_file(self._view.folder / file.name, data)
        return file

    def _gallery(self, gallery: GalleryName) -> GalleryEntry:
        return self.manifest.galleries.get(gallery) or GalleryEntry(FIRST_ID[gallery])

    def _set_gallery(self, gallery: GalleryName, entry: GalleryEntry) -> None:
        galleries = {**self.manifest.galleries, gallery: entry}
        self.manifest = replace(self.manifest, galleries=galleries)


def _noting(last: list[int], pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces as they are; the last id of them is put into `last`."""
    for piece in pieces:
        last[0] = int(piece.ids[-1])
        yield piece


def _sorted_ids(ids: Iterable[ItemId]) -> Int64Array:
    return cast(Int64Array, np.unique(np.fromiter(ids, dtype=np.int64)))


def _short(data: bytes) -> str:
    return sha256(data).hexdigest()[:SHORT_HEX]


def _bare(
    galleries: Mapping[GalleryName, GalleryEntry],
) -> dict[GalleryName, tuple[tuple[str, ...], FileEntry | None]]:
    """What galleries hold, whatever finds it: names of segments, and tombstones."""
    return {
        name: (tuple(each.name for each in entry.segments), entry.tombstones)
        for name, entry in galleries.items()
    }
