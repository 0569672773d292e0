"""The logs and tombstones of a rescued collection: what became of items after they were born."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer import durable
from retrieval.model import FIRST_ID, GalleryName, Int64Array, ItemId, ItemRecord
from retrieval.store.catalogue import Catalogue
from retrieval.store.changes import PathChange, decode_changes, encode_changes, net_changes
from retrieval.store.entries import GalleryEntry, gallery_folder
from retrieval.store.file_entry import SHORT_HEX, FileEntry
from retrieval.store.manifest import Manifest
from retrieval.store.segment import read_checked, records_of
from retrieval.store.vectors import array_bytes, array_from_bytes

_ROWS_A_BATCH = 4096


class Words(Protocol):
    """Where to say what was done; see `salvage.Outcome`."""

    repaired: list[str]
    lost: list[str]
    hopeless: list[str]
    needs_catalogue: bool


class SalvagedFiles:
    """Makes logs and tombstones that fit the segments of a manifest."""

    def __init__(
        self, folder: Path, damaged: set[str], catalogue: Catalogue | None, outcome: Words
    ) -> None:
        self._folder = folder
        self._damaged = set(damaged)
        self._catalogue = catalogue
        self._outcome = outcome

    def run(self, manifest: Manifest, dropped: set[ItemId], *, drop_damaged: bool) -> Manifest:
        """The manifest with logs and tombstones that are sound.

        Args:
            manifest: whose segments are those that are kept.
            dropped: items that were in it and are in none of them any more.
            drop_damaged: give up logs that cannot be made again.
        """
        bad_logs = [entry for entry in manifest.changes if entry.name in self._damaged]
        bad_dead = [
            entry.tombstones.name
            for entry in manifest.galleries.values()
            if entry.tombstones is not None and entry.tombstones.name in self._damaged
        ]
        if not (bad_logs or bad_dead or dropped) or self._outcome.needs_catalogue:
            return manifest
        if bad_logs and self._catalogue is None and not drop_damaged:
            self._outcome.hopeless.append(
                f"{', '.join(each.name for each in bad_logs)}: nobody else knows what files moved"
            )
            self._outcome.needs_catalogue = True
            return manifest
        if bad_logs or dropped:
            manifest = self._with_logs(manifest, bad_logs, dropped)
        for name, entry in manifest.galleries.items():
            dead = self._dead(manifest, name)
            manifest = self._with_tombstones(manifest, name, entry, dead)
        self._outcome.repaired += [f"{name}: made of the items without a file" for name in bad_dead]
        return manifest

    def _with_logs(
        self, manifest: Manifest, bad_logs: list[FileEntry], dropped: set[ItemId]
    ) -> Manifest:
        if bad_logs and self._catalogue is not None:
            changes = tuple(self._changes_since_birth(manifest, self._catalogue))
            self._outcome.repaired += [f"{each.name}: made of the catalogue" for each in bad_logs]
        else:
            changes = tuple(self._sound_changes(manifest))
            if bad_logs:
                changes += tuple(self._burials(manifest, changes))
            self._outcome.lost += [
                f"{each.name}: pictures are at the paths that they had before; index their folders"
                for each in bad_logs
            ]
        changes = net_changes(each for each in changes if each.item_id not in dropped)
        if not changes:
            return replace(manifest, changes=())
        data = encode_changes(changes)
        log = FileEntry.of(f"changes/{sha256(data).hexdigest()[:SHORT_HEX]}.jsonl", data)
        durable.write_file(self._folder / log.name, data)
        self._damaged.discard(log.name)  # it may be one of those, byte for byte
        return replace(manifest, changes=(log,))

    def _changes_since_birth(
        self, manifest: Manifest, catalogue: Catalogue
    ) -> Iterator[PathChange]:
        """What leads from the births to what the catalogue holds."""
        for records in _births(self._folder, manifest):
            now = catalogue.hydrate([record.id for record in records], manifest.generation)
            for record in records:
                files = now[record.id].files if record.id in now else ()
                paths = {file.path for file in files}
                for file in record.files:
                    if file.path not in paths:
                        yield PathChange("remove", file, record.id)
                for file in files:
                    if file not in record.files:
                        yield PathChange("add", file, record.id)

    def _sound_changes(self, manifest: Manifest) -> Iterator[PathChange]:
        for entry in manifest.changes:
            if entry.name not in self._damaged:
                path = self._folder / entry.name
                yield from decode_changes(read_checked(path, entry), path)

    def _burials(self, manifest: Manifest, changes: tuple[PathChange, ...]) -> Iterator[PathChange]:
        """What takes the files from items that the tombstones call dead."""
        dead: set[int] = set()
        for entry in manifest.galleries.values():
            dead |= set(self._tombstones(entry).tolist())
        for records in _births(self._folder, manifest):
            for record in records:
                if record.id in dead:
                    yield from (PathChange("remove", file, record.id) for file in record.files)
        yield from (
            PathChange("remove", each.file, each.item_id)
            for each in changes
            if each.item_id in dead and each.op == "add"
        )

    def _tombstones(self, entry: GalleryEntry) -> Int64Array:
        if entry.tombstones is None or entry.tombstones.name in self._damaged:
            return np.empty(0, np.int64)
        path = self._folder / entry.tombstones.name
        return array_from_bytes(read_checked(path, entry.tombstones), path)

    def _dead(self, manifest: Manifest, name: GalleryName) -> Int64Array:
        """Ids of a gallery that have no file, by births and logs."""
        touched: dict[ItemId, dict[bytes, bool]] = {}
        for change in self._sound_changes(manifest):
            touched.setdefault(change.item_id, {})[change.file.path] = change.op == "add"
        dead: list[ItemId] = []
        for records in _births(self._folder, manifest, name):
            for record in records:
                if record.id in touched:
                    has = dict.fromkeys((file.path for file in record.files), True)
                    if not any((has | touched[record.id]).values()):
                        dead.append(record.id)
        return np.array(sorted(dead), np.int64)

    def _with_tombstones(
        self, manifest: Manifest, name: GalleryName, entry: GalleryEntry, dead: Int64Array
    ) -> Manifest:
        file = None
        if dead.size:
            data = array_bytes(dead)
            base = f"tombstones-{sha256(data).hexdigest()[:SHORT_HEX]}.npy"
            file = FileEntry.of(f"{gallery_folder(name)}/{base}", data)
            durable.write_file(self._folder / file.name, data)
        entry = replace(entry, tombstones=file, n_tombstones=len(dead))
        return replace(manifest, galleries={**manifest.galleries, name: entry})


def _births(
    folder: Path, manifest: Manifest, only: GalleryName | None = None
) -> Iterator[list[ItemRecord]]:
    for name in FIRST_ID:
        entry = manifest.galleries.get(name)
        if entry is None or only not in (None, name):
            continue
        for segment in entry.segments:
            records = records_of(folder, segment)
            while batch := list(islice(records, _ROWS_A_BATCH)):
                yield batch
