"""The texts gallery: keeps it in step with the captions that the sources of a run hold.

A text is an item of its own, joined to each picture that it belongs to by a file: the picture's
path, and the source that says the text. Sources are read only if they have changed, or a picture
that they may speak of has. A text that two sources say of one picture counts once, for the first.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from indexer.readers.base import Caption, CaptionFile, Reader, Skip
from indexer.readers.files import may_exist, reason_of
from indexer.text_rows import AtPaths, Said, TextRows
from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.base import Encoder
from retrieval.errors import ImageError
from retrieval.model import FileRef, ImageMeta
from retrieval.store.changes import PathChange
from retrieval.store.row_values import KnownFile
from retrieval.store.statements import batches

TEXT_META = ImageMeta("TEXT", 0, 0)
"""What there is to say of a text where a picture has its format and size."""

_ENCODED_AT_ONCE = 256
_SOURCES_AT_ONCE = 1_000
"""Sources of captions for which the catalogue is asked once."""


T = TypeVar("T")


@dataclass(slots=True)
class TextTally:
    """Counts of a run over captions; a caption is one text of one picture.

    Attributes:
        added: said now and not before.
        removed: no longer said, or its picture is gone.
        unchanged: said before and now.
        skipped: what could not be used; among them captions without a picture.
    """

    added: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: list[Skip] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The pictures whose captions have to be looked at again.

    Attributes:
        arrived: paths that hold other content than before.
        departed: paths that hold no longer what they held.
        superseded: sources of captions that another one took the place of.
        is_all: any picture of the run's sources may have changed: an earlier run was interrupted.
    """

    arrived: frozenset[bytes] = frozenset()
    departed: frozenset[bytes] = frozenset()
    superseded: frozenset[bytes] = frozenset()
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """A source that was read: what it said before, by the catalogue, and what it says now."""

    file: FileRef
    before: dict[Said, KnownFile]
    captions: list[Caption]


class CaptionPass:
    """One pass over the captions of a run; used once."""

    def __init__(
        self,
        writer: CollectionWriter,
        encoder: Encoder,
        readers: Sequence[Reader],
        arrivals: Arrivals,
        *,
        segment_items: int,
    ) -> None:
        self._writer = writer
        self._encoder = encoder
        self._readers = readers
        self._arrivals = arrivals
        self._segment_items = segment_items
        self._rows = TextRows(writer.collection)
        self._tally = TextTally()
        self._known: dict[bytes, dict[Said, KnownFile]] = defaultdict(dict)
        self._texts: dict[str, str] = {}
        self._new: dict[Said, FileRef] = {}
        self._changes: list[PathChange] = []
        self._removed: set[Said] = set()
        self._followed: set[bytes] = set()

    def run(self, files: Sequence[CaptionFile]) -> TextTally:
        """Bring the gallery in step with these sources and with what is written inside pictures.

        Raises:
            EncoderUnavailableError: there are new texts and the encoder cannot be had.
        """
        for reader in self._readers:
            for entry in self._rows.said_below(reader.root):
                said = Said(entry.sha256, entry.file.path)
                self._known[entry.file.source or b""][said] = entry
        self._drop_orphans()
        self._drop_lost({each.file.path for each in files})
        self._follow_all(files, self._is_due)
        self._follow_descriptions(self._arrivals.arrived)
        # What one source says no more, another one may say still: it has no row of its own then.
        lost = {said.image for said in self._removed}
        if lost:
            self._follow_all(
                files, lambda file: not file.images or not lost.isdisjoint(file.images)
            )
            self._follow_descriptions(frozenset(lost))
        listed = {each.file.path for each in files}
        for source, entries in self._known.items():
            is_inside = all(said.image == source for said in entries)
            if source not in self._followed and (source in listed or is_inside):
                self._tally.unchanged += len(entries)
        self._commit()
        return self._tally

    def _follow_all(
        self, files: Sequence[CaptionFile], is_wanted: Callable[[CaptionFile], bool]
    ) -> None:
        """Read those of the sources that are wanted and were not read yet."""
        wanted = [
            each for each in files if each.file.path not in self._followed and is_wanted(each)
        ]
        for part in _chunks(wanted, _SOURCES_AT_ONCE):
            sources = [source for source in map(self._follow, part) if source is not None]
            images = {caption.image for each in sources for caption in each.captions}
            self._settle(sources, self._rows.at(images))

    def _drop_orphans(self) -> None:
        """Take out the texts of pictures that went, whoever says them."""
        paths = self._rows.paths_of_texts() if self._arrivals.is_all else self._arrivals.departed
        for part in batches(sorted(paths)):
            found = self._rows.at(part)
            for said, entry in found.texts.items():
                if said.image not in found.pictures and entry.file.source is not None:
                    self._remove(entry)
                    self._known[entry.file.source].pop(said, None)

    def _drop_lost(self, listed: set[bytes]) -> None:
        """Take out what sources said that are gone; a picture's own texts go with the picture."""
        for source, entries in self._known.items():
            is_inside = all(said.image == source for said in entries)
            if source in listed or is_inside:
                continue
            if source in self._arrivals.superseded or any(
                # A list or table that has lost its captions lists itself no more.
                source == reader.root or (reader.covers(source) and reader.is_gone(source))
                for reader in self._readers
            ):
                for entry in entries.values():
                    self._remove(entry)

    def _is_due(self, file: CaptionFile) -> bool:
        """Whether a source, or a picture that it may speak of, has changed."""
        before = self._known.get(file.file.path, {})
        is_same = bool(before) and all(_is_of(each.file, file.file) for each in before.values())
        return not is_same or self._may_speak_of_arrivals(file)

    def _follow(self, file: CaptionFile) -> _Source | None:
        """Read one source; None where it cannot be read, and what it said before stays."""
        self._followed.add(file.file.path)
        before = self._known.get(file.file.path, {})
        captions, skips = _read(file)
        self._tally.skipped += skips
        if captions is None:
            self._tally.unchanged += len(before)
            return None
        return _Source(file.file, before, captions)

    def _may_speak_of_arrivals(self, file: CaptionFile) -> bool:
        if self._arrivals.is_all:
            return True
        arrived = self._arrivals.arrived
        return not arrived.isdisjoint(file.images) if file.images else bool(arrived)

    def _follow_descriptions(self, paths: frozenset[bytes]) -> None:
        """Take in what is written inside pictures."""
        if self._arrivals.is_all:
            paths |= self._rows.pictures_below(self._readers)
        for part in batches(sorted(paths - self._followed)):
            self._followed.update(part)
            there = self._rows.at(part)
            sources = [
                _Source(
                    picture,
                    self._known.get(picture.path, {}),
                    [Caption(text, picture.path) for text in texts],
                )
                for picture, texts in self._rows.descriptions(there.pictures.values())
            ]
            self._settle(sources, there)

    def _settle(self, sources: Sequence[_Source], there: AtPaths) -> None:
        """Note the difference between what sources said before and what they say now.

        Args:
            sources: that were read.
            there: what lies at the paths of their pictures.
        """
        for source in sources:
            wanted = self._wanted(source, there)
            for said, entry in source.before.items():
                if said not in wanted:
                    self._remove(entry)
            for said, file in wanted.items():
                if said in source.before:
                    entry = source.before[said]
                    self._tally.unchanged += 1
                    if entry.file != file:
                        self._changes.append(PathChange("add", file, entry.item_id))
                elif said not in self._new and self._is_free(said, there):
                    self._tally.added += 1
                    self._new[said] = file

    def _is_free(self, said: Said, there: AtPaths) -> bool:
        """Whether no other source has the row of a caption, or only one that is no more."""
        entry = there.texts.get(said)
        if entry is None or said in self._removed:
            return True
        return entry.file.source is not None and not may_exist(entry.file.source)

    def _wanted(self, source: _Source, there: AtPaths) -> dict[Said, FileRef]:
        """The rows that a source asks for; a caption of a picture that is not there is a skip."""
        wanted: dict[Said, FileRef] = {}
        for caption in source.captions:
            if caption.image not in there.pictures:
                name = caption.image.rpartition(b"/")[2].decode("utf-8", "replace")
                skip = Skip(source.file.path, f"caption without image: {name}")
                self._tally.skipped.append(skip)
                continue
            digest = hashlib.sha256(caption.text.encode("utf-8", "replace")).hexdigest()
            self._texts[digest] = caption.text
            wanted[Said(digest, caption.image)] = FileRef(
                caption.image, source.file.size_bytes, source.file.mtime_ns, source.file.path
            )
        return wanted

    def _remove(self, entry: KnownFile) -> None:
        self._tally.removed += 1
        self._removed.add(Said(entry.sha256, entry.file.path))
        self._changes.append(PathChange("remove", entry.file, entry.item_id))

    def _commit(self) -> None:
        """Make all of it durable: texts that have a vector by their files, others with one."""
        files: dict[str, list[FileRef]] = defaultdict(list)
        for said, file in self._new.items():
            files[said.sha256].append(file)
        for digest, item_id in self._rows.items_of(files).items():
            self._changes += [PathChange("add", file, item_id) for file in files.pop(digest)]
        for part in _chunks(list(files), self._segment_items):
            vectors = [
                self._encoder.encode_texts([self._texts[digest] for digest in chunk])
                for chunk in _chunks(part, _ENCODED_AT_ONCE)
            ]
            items = [
                NewItem(digest, TEXT_META, tuple(files[digest]), (self._texts[digest],))
                for digest in part
            ]
            changes, self._changes = self._changes, []
            self._writer.commit(np.concatenate(vectors), items, changes, gallery="texts")
        if self._changes:
            self._writer.commit(None, (), self._changes, gallery="texts")


def _read(file: CaptionFile) -> tuple[list[Caption] | None, list[Skip]]:
    """What a source says, each caption once; None where it cannot be read."""
    try:
        found = list(file.read())
    except ImageError as error:
        return None, [Skip(file.file.path, error.reason)]
    except FileNotFoundError:
        return None, [Skip(file.file.path, "vanished since the scan")]
    except OSError as error:
        return None, [Skip(file.file.path, f"unreadable file: {reason_of(error)}")]
    captions = dict.fromkeys(each for each in found if isinstance(each, Caption))
    return list(captions), [each for each in found if isinstance(each, Skip)]


def _is_of(known: FileRef, file: FileRef) -> bool:
    return (known.size_bytes, known.mtime_ns) == (file.size_bytes, file.mtime_ns)


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
