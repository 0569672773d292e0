"""What has changed since the last run: what sources list against the catalogue, opening nothing.

A file that its reader calls the same (of equal size and modification time) is unchanged. All others
have to be read; whether they are new, changed, moved or merely touched shows from their sha256.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.readers.base import CaptionFile, Listing, Reader, Skip
from retrieval.errors import SourceError
from retrieval.model import FileRef, ItemId, display_path, gallery_of
from retrieval.store.row_values import KnownFile


@dataclass(frozen=True, slots=True)
class Changes:
    """The work of one run.

    Attributes:
        to_read: new files and files whose size or time changed, ordered by path.
        unchanged: number of files that need nothing.
        earlier: catalogue entries of those among `to_read` that have one, by path.
        gone: catalogue entries whose file no longer exists, ordered by path.
        contents: sha256 (hex) -> item, for every content that the catalogue has under the roots.
        skips: entries that the readers passed over.
        readers: who reads each of `to_read`, by path.
        captions: all sources of captions that the readers list, ordered by path.
    """

    to_read: tuple[FileRef, ...]
    unchanged: int
    earlier: dict[bytes, KnownFile]
    gone: tuple[KnownFile, ...]
    contents: dict[str, ItemId]
    skips: tuple[Skip, ...]
    readers: dict[bytes, Reader]
    captions: tuple[CaptionFile, ...] = ()

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """Read one of `to_read`; see `Reader.fetch`."""
        return self.readers[file.path].fetch(file)


class KnownFiles(Protocol):
    """The part of a catalogue that a scan reads."""

    def files_under(self, root: bytes, generation: int) -> Iterator[KnownFile]:
        """Every living file below a folder."""
        ...

    def files_at(self, paths: Collection[bytes], generation: int) -> list[KnownFile]:
        """The living files of exactly these paths."""
        ...


def plan_changes(
    readers: Sequence[Reader], catalogue: KnownFiles | None, generation: int, *, prune: bool
) -> Changes:
    """Compare what the readers list with what the catalogue holds below their roots.

    Sources may overlap; a path counts once. A catalogue entry is gone if a reader covers it, no
    reader lists it, and it certainly does not exist: what a pattern, an unreadable folder or a new
    dot in a name merely hides stays in the index.

    Args:
        readers: one for each source of the run.
        catalogue: None for a collection that does not exist yet.
        generation: of the catalogue to compare with.
        prune: accept that a known root is missing or has lost more than half of its files.

    Raises:
        SourceError: a root is missing, no folder, or lost more than half of its known files
            (without `prune`).
    """
    known: dict[bytes, KnownFile] = {}
    listed: dict[bytes, tuple[FileRef, Reader]] = {}
    skips: dict[bytes, Skip] = {}
    gone: dict[bytes, KnownFile] = {}
    captions: dict[bytes, CaptionFile] = {}
    for reader in readers:
        below = _known_below(reader, catalogue, generation)
        listing = _list(reader, has_known=bool(below), prune=prune)
        if not reader.is_tree:
            below = _known_at(listing, catalogue, generation)
        lost = _lost(reader, below, listing)
        if not prune:
            _refuse_heavy_loss(reader, below, lost, listing)
        known |= below
        listed |= {file.path: (file, reader) for file in listing.files}
        skips |= {skip.path: skip for skip in listing.skips}
        gone |= lost
        captions |= {each.file.path: each for each in listing.captions}
    to_read, earlier = [], {}
    for path in sorted(listed):
        (file, reader), before = listed[path], known.get(path)
        if before is not None and reader.is_same(before.file, file):
            continue
        to_read.append(file)
        if before is not None:
            earlier[path] = before
    return Changes(
        to_read=tuple(to_read),
        unchanged=len(listed) - len(to_read),
        earlier=earlier,
        gone=tuple(gone[path] for path in sorted(gone)),
        contents={each.sha256: each.item_id for each in known.values()},
        skips=tuple(skips[path] for path in sorted(skips)),
        readers={file.path: listed[file.path][1] for file in to_read},
        captions=tuple(captions[path] for path in sorted(captions)),
    )


def _known_below(
    reader: Reader, catalogue: KnownFiles | None, generation: int
) -> dict[bytes, KnownFile]:
    if catalogue is None or not reader.is_tree:
        return {}
    return _pictures(catalogue.files_under(reader.root, generation))


def _known_at(
    listing: Listing, catalogue: KnownFiles | None, generation: int
) -> dict[bytes, KnownFile]:
    if catalogue is None:
        return {}
    paths = [file.path for file in listing.files] + [skip.path for skip in listing.skips]
    return _pictures(catalogue.files_at(paths, generation))


def _pictures(entries: Iterable[KnownFile]) -> dict[bytes, KnownFile]:
    """By path; texts lie at the paths of the pictures that they belong to, and are not meant."""
    return {each.file.path: each for each in entries if gallery_of(each.item_id) == "images"}


def _list(reader: Reader, *, has_known: bool, prune: bool) -> Listing:
    """The reader's listing; a known root that is missing lists as empty if it may be pruned."""
    try:
        return reader.read()
    except SourceError as error:
        if not has_known or not isinstance(error.__cause__, FileNotFoundError):
            raise
        if prune:
            return Listing(())
        raise SourceError(
            f"{display_path(reader.root)} is indexed and no longer there",
            hint="mount its disk, or use --prune to take its files out of the collection",
        ) from error


def _lost(
    reader: Reader, below: dict[bytes, KnownFile], listing: Listing
) -> dict[bytes, KnownFile]:
    present = {file.path for file in listing.files}
    present |= {skip.path for skip in listing.skips if reader.is_tree}
    return {
        path: entry
        for path, entry in below.items()
        if path not in present and reader.covers(path) and reader.is_gone(path)
    }


def _refuse_heavy_loss(
    reader: Reader,
    below: dict[bytes, KnownFile],
    lost: dict[bytes, KnownFile],
    listing: Listing,
) -> None:
    """Raise when more than half of a root's files are gone; it may be a disk that is not mounted.

    A renamed folder is no loss: a lost file of which a new one has the size and the time counts as
    moved here. Its content decides later.
    """
    arrived = Counter(
        (file.size_bytes, file.mtime_ns) for file in listing.files if file.path not in below
    )
    departed = Counter((each.file.size_bytes, each.file.mtime_ns) for each in lost.values())
    n_lost = (departed - arrived).total()
    n_known = sum(reader.covers(path) for path in below)
    if 2 * n_lost > n_known:
        raise SourceError(
            f"{n_lost} of {n_known} indexed files are gone from {display_path(reader.root)}",
            hint="mount its disk, or use --prune to take them out of the collection",
        )
