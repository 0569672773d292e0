"""What can be kept of a damaged collection, as the manifest of one that is sound.

Works on files alone, under the lock. The catalogue is read where it is sound, and is made again
from the outcome by whoever opens the collection for writing next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from indexer.reembed import Reembedder
from indexer.restore import Remains
from indexer.salvage_files import SalvagedFiles
from indexer.segment_files import PIECE_ROWS, Piece, write_segment
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId, ItemRecord, display_path
from retrieval.store.catalogue import Catalogue
from retrieval.store.entries import (
    GalleryEntry,
    SegmentEntry,
    is_codes,
    segment_folder,
    without_biases,
)
from retrieval.store.file_entry import FileEntry
from retrieval.store.manifest import Manifest
from retrieval.store.rows import encode_rows
from retrieval.store.segment import IDS, ROWS, SUMS, VECTORS, read_checked, records_of
from retrieval.store.vectors import array_from_bytes


@dataclass(slots=True)
class Outcome:
    """What came of a rescue, in words.

    Attributes:
        repaired: what is whole again.
        lost: what is given up, item by item; only with `drop_damaged`.
        hopeless: what can neither be repaired nor was given up, item by item.
        needs_catalogue: whether the catalogue is the only one that knows something of that, so that
            it must not be made again.
    """

    repaired: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    hopeless: list[str] = field(default_factory=list)
    needs_catalogue: bool = False


class Salvage:
    """One rescue of one generation; used once."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        damaged: set[str],
        catalogue: Catalogue | None,
        reembedder: Reembedder,
        *,
        drop_damaged: bool,
    ) -> None:
        """Note what to work with.

        Args:
            folder: of the collection.
            manifest: of the generation.
            damaged: names of its files that are damaged for good.
            catalogue: a sound one of this generation, or None.
            reembedder: for items whose vectors are damaged.
            drop_damaged: give up what cannot be repaired.
        """
        self._folder = folder
        self._manifest = manifest
        self._damaged = damaged
        self._catalogue = catalogue
        self._reembedder = reembedder
        self._drop = drop_damaged
        self._dropped: set[ItemId] = set()
        self.outcome = Outcome()

    def run(self) -> Manifest:
        """The manifest of what can be kept: of the same generation, and equal if nothing changes.

        New files are written; those that it names no more are left alone.
        """
        galleries = {
            name: self._gallery(name, entry) for name, entry in self._manifest.galleries.items()
        }
        manifest = replace(self._manifest, galleries=galleries)
        files = SalvagedFiles(self._folder, self._damaged, self._catalogue, self.outcome)
        return files.run(manifest, self._dropped, drop_damaged=self._drop)

    def _gallery(self, name: GalleryName, entry: GalleryEntry) -> GalleryEntry:
        segments = [self._segment(name, each) for each in entry.segments]
        kept = tuple(each for each in segments if each is not None)
        index = entry.index
        of_index = [each for each in self._damaged if self._is_of_index(name, each)]
        if index is not None and of_index:
            self.outcome.repaired.append(f"{', '.join(sorted(of_index))}: to be trained again")
            index = None
            kept = tuple(_without_codes(each) for each in kept)
        hubness = entry.hubness
        if hubness is not None and hubness.bank and hubness.bank.name in self._damaged:
            self.outcome.repaired.append(
                f"{hubness.bank.name}: the hubness bias, to be learnt again"
            )
            hubness = None
            kept = tuple(map(without_biases, kept))
        return replace(entry, segments=kept, index=index, hubness=hubness)

    def _is_of_index(self, name: GalleryName, file: str) -> bool:
        """Whether a file belongs to the index of a gallery, and to no segment."""
        prefix = f"galleries/{name}/"
        rest = file.removeprefix(prefix)
        others = ("segments/", "tombstones-", "bank-")
        return file.startswith(prefix) and not rest.startswith(others)

    def _segment(self, name: GalleryName, entry: SegmentEntry) -> SegmentEntry | None:
        derived = tuple(each for each in entry.derived if each.name not in self._damaged)
        if derived != entry.derived:
            gone = [file for file in entry.derived if file not in derived]
            kinds = " and ".join(sorted({"codes" if is_codes(each) else "biases" for each in gone}))
            self.outcome.repaired.append(f"{kinds} of segment {entry.name}: to be made again")
        entry = replace(entry, derived=derived)
        bad = {
            base
            for base in (VECTORS, SUMS, IDS, ROWS)
            if (file := entry.file(base)) is not None and file.name in self._damaged
        }
        if not bad:
            return entry
        items = self._items(entry, bad)
        if items is None:
            return self._without_items(name, entry, bad)
        if not bad & {VECTORS, SUMS, ROWS}:
            return entry  # ids alone cannot be: they come from rows, which are sound
        return self._rewritten(name, entry, bad, items)

    def _items(
        self, entry: SegmentEntry, bad: set[str]
    ) -> tuple[Int64Array, dict[ItemId, ItemRecord]] | None:
        """Ids of a segment, (n,), and its records by id; of the living ones where it was rows."""
        if ROWS not in bad:
            records = {record.id: record for record in records_of(self._folder, entry)}
            return np.fromiter(records, np.int64, len(records)), records
        file = entry.file(IDS)
        if IDS in bad or file is None or self._catalogue is None:
            return None
        path = self._folder / file.name
        ids = array_from_bytes(read_checked(path, file), path)
        wanted = [ItemId(each) for each in ids.tolist()]
        return ids, self._catalogue.hydrate(wanted, self._manifest.generation)

    def _without_items(
        self, name: GalleryName, entry: SegmentEntry, bad: set[str]
    ) -> SegmentEntry | None:
        """A segment of which nobody knows any more what its vectors are of."""
        what = (
            f"{segment_folder(name, entry.name)}: {', '.join(sorted(bad))} damaged, and the "
            f"catalogue cannot say what its {entry.n_items:,} {name} were"
        )
        if not self._drop:
            self.outcome.hopeless.append(what)
            self.outcome.needs_catalogue = True
            return entry
        self.outcome.lost.append(what)
        if IDS not in bad and (file := entry.file(IDS)) is not None:
            path = self._folder / file.name
            ids = array_from_bytes(read_checked(path, file), path)
            self._dropped |= {ItemId(each) for each in ids.tolist()}
        return None

    def _rewritten(
        self,
        name: GalleryName,
        entry: SegmentEntry,
        bad: set[str],
        items: tuple[Int64Array, dict[ItemId, ItemRecord]],
    ) -> SegmentEntry | None:
        """A new segment of all that is sound or can be embedded again."""
        ids, records = items
        dead = self._dead(name)
        records = {each: record for each, record in records.items() if each not in dead}
        shape = (len(ids), self._manifest.encoder.dim)
        remains = Remains(self._path(entry, VECTORS), shape, self._sums(entry, bad, shape))
        is_sound = np.zeros(len(ids), np.bool_)
        is_sound[remains.is_sound] = True
        lacking = [records[each] for each in _ids(ids[~is_sound]) if each in records]
        made = self._reembedder.remake(name, [self._now(each) for each in lacking])
        if made.failures and not self._drop:
            self.outcome.hopeless += [
                _named(records[each], why) for each, why in made.failures.items()
            ]
            self.outcome.needs_catalogue |= ROWS in bad
            return entry
        self.outcome.lost += [_named(records[each], why) for each, why in made.failures.items()]
        # An item without a record was deleted before: it goes for good, and is no loss.
        has_vector = is_sound | np.isin(ids, list(made.vectors))
        kept = np.flatnonzero(has_vector & np.isin(ids, list(records)))
        self._dropped |= set(_ids(np.delete(ids, kept)))
        self.outcome.repaired.append(
            f"segment {entry.name}: {len(kept) - len(made.vectors):,} items kept, "
            f"{len(made.vectors):,} embedded again"
        )
        if not kept.size:
            return None
        pieces = _pieces(ids, kept, records, remains, made.vectors)
        return write_segment(self._folder, name, (len(kept), shape[1]), pieces)

    def _dead(self, name: GalleryName) -> set[int]:
        """Deleted items of a gallery; () where the tombstones are damaged, too."""
        file = self._manifest.galleries[name].tombstones
        if file is None or file.name in self._damaged:
            return set()
        path = self._folder / file.name
        return set(array_from_bytes(read_checked(path, file), path).tolist())

    def _sums(self, entry: SegmentEntry, bad: set[str], shape: tuple[int, int]) -> bytes | None:
        """Sums to trust: those of the file; of sound vectors they were restored before."""
        file = entry.file(SUMS)
        return None if SUMS in bad or file is None else read_checked(self._folder / file.name, file)

    def _now(self, record: ItemRecord) -> ItemRecord:
        """An item with the files that it has by now, and then those that it was born with."""
        if self._catalogue is None:
            return record
        found = self._catalogue.hydrate([record.id], self._manifest.generation)
        files = found[record.id].files if record.id in found else ()
        return replace(
            record, files=(*files, *(each for each in record.files if each not in files))
        )

    def _path(self, entry: SegmentEntry, base: str) -> Path:
        file = entry.file(base)
        return self._folder / (file or FileEntry("", 0, "")).name


def _without_codes(entry: SegmentEntry) -> SegmentEntry:
    return replace(entry, derived=tuple(file for file in entry.derived if not is_codes(file)))


def _pieces(
    ids: Int64Array,
    kept: Int64Array,
    records: dict[ItemId, ItemRecord],
    remains: Remains,
    made: dict[ItemId, Float32Array],
) -> Iterator[Piece]:
    for start in range(0, len(kept), PIECE_ROWS):
        here = kept[start : start + PIECE_ROWS]
        numbers = _ids(ids[here])
        anew = np.array([each in made for each in numbers])
        vectors = np.empty((len(here), remains.dim), np.float16)
        vectors[~anew] = remains.gather(here[~anew])
        for at in np.flatnonzero(anew).tolist():
            vectors[at] = made[numbers[at]]
        yield Piece(ids[here], vectors, encode_rows(records[each] for each in numbers))


def _ids(ids: Int64Array) -> Sequence[ItemId]:
    return [ItemId(each) for each in ids.tolist()]


def _named(record: ItemRecord, why: str) -> str:
    path = display_path(record.files[0].path) if record.files else "without a file"
    return f"item {record.id} ({path}): {why}"
