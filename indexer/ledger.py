"""Decides what each file of a run turned out to be, counts it, and notes the change of paths.

The ledger knows contents by sha256 and files by path; it reads no file and writes no collection.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.readers.base import Skip
from indexer.scan import Changes
from retrieval.model import FileRef, ItemId
from retrieval.store.changes import PathChange
from retrieval.store.row_values import KnownFile


@dataclass(slots=True)
class Tally:
    """Counts of a run: every file seen is in exactly one of the first five.

    Attributes:
        added: a new path, with new content or a copy of known content.
        updated: a known path with other content.
        moved: known content at a new path, whose old path is gone in this run.
        unchanged: the same path and content; merely touched files are among them.
        skipped: what could not be used; an earlier version of it stays in the index.
        removed: files of the catalogue that no longer exist and were not moved.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    skipped: list[Skip] = field(default_factory=list)
    removed: int = 0


class Ledger:
    """The running account of one plan.

    Attributes:
        tally: counts so far.
        arrived: paths that hold other content than before, or hold any for the first time.
        departed: paths that hold no longer what they held.
    """

    def __init__(self, changes: Changes) -> None:
        self.arrived: set[bytes] = set()
        self.departed: set[bytes] = set()
        self.tally = Tally(unchanged=changes.unchanged, skipped=list(changes.skips))
        self._earlier = changes.earlier
        # Decoding threads look into it while the run adds to it: single dict operations are
        # atomic, and a stale answer costs one needless decode.
        self._contents = dict(changes.contents)
        self._departed: dict[str, list[KnownFile]] = defaultdict(list)
        for entry in reversed(changes.gone):
            self._departed[entry.sha256].append(entry)
        self._path_changes: list[PathChange] = []

    @property
    def contents(self) -> Mapping[str, ItemId]:
        """Items by content, a live view: it grows as items are committed."""
        return self._contents

    @property
    def n_path_changes(self) -> int:
        """Path changes noted since the last `take_path_changes`."""
        return len(self._path_changes)

    def learn(self, items: Mapping[str, ItemId]) -> None:
        """Note contents that the collection holds."""
        self._contents.update(items)

    def skip(self, path: bytes, reason: str) -> None:
        """Count a file that cannot be used."""
        self.tally.skipped.append(Skip(path, reason))

    def place_known(self, file: FileRef, sha256: str) -> None:
        """Point a file at the item of its content, one of `contents`."""
        earlier = self._earlier.get(file.path)
        if earlier is None or earlier.sha256 != sha256:
            self.arrived.add(file.path)
        if earlier is not None and earlier.sha256 == sha256:
            self.tally.unchanged += 1
        elif earlier is not None:
            self._detach(earlier)
            self.tally.updated += 1
        elif departed := self._departed[sha256]:
            self._detach(departed.pop())
            self.tally.moved += 1
        else:
            self.tally.added += 1
        self._path_changes.append(PathChange("add", file, self._contents[sha256]))

    def place_new(self, file: FileRef) -> None:
        """Count a file whose content becomes an item of its own, attached by the writer."""
        self.arrived.add(file.path)
        earlier = self._earlier.get(file.path)
        if earlier is None:
            self.tally.added += 1
        else:
            self._detach(earlier)
            self.tally.updated += 1

    def sweep(self) -> None:
        """Take out every file that is gone and has not turned up elsewhere."""
        for departed in self._departed.values():
            self.tally.removed += len(departed)
            for entry in departed:
                self._detach(entry)
        self._departed.clear()

    def take_path_changes(self) -> list[PathChange]:
        """The changes noted since the last call, in order."""
        taken, self._path_changes = self._path_changes, []
        return taken

    def _detach(self, entry: KnownFile) -> None:
        self.departed.add(entry.file.path)
        self._path_changes.append(PathChange("remove", entry.file, entry.item_id))
