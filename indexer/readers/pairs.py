"""Lists of pictures with captions: CSV, TSV, JSON lines, and the caption JSON of COCO and Karpathy.

A list names files that lie anywhere; it says which pictures to take and what is on them. Leaving a
line out takes its captions back; the picture stays, because it may belong to a folder as well.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from indexer.readers.base import Caption, CaptionFile, Listing, Skip
from indexer.readers.columns import Columns
from indexer.readers.files import DiskFiles, look_at, opening_source, read_stable
from indexer.readers.globs import Globs
from indexer.readers.pair_formats import Row, parse_rows
from retrieval.model import FileRef

_PLACES = (b"", b"images", b"..", b"../images")
"""Where a picture that is named by a relative path is looked for, seen from the list."""


@dataclass(frozen=True)
class PairsReader(DiskFiles):
    """The pictures and captions that one list names.

    A relative path starts beside the list, in its `images` folder, or in those above.

    Attributes:
        root: absolute path of the list.
        columns: which columns of a table say what.
        globs: which pictures take part; patterns see the paths as the list writes them.
    """

    root: bytes
    columns: Columns = field(default_factory=Columns)
    globs: Globs = field(default_factory=Globs)

    @property
    def is_tree(self) -> bool:
        """False: see `Reader`."""
        return False

    def covers(self, path: bytes) -> bool:
        """Whether the list names the picture."""
        return path in self._paths

    def read(self) -> Listing:
        """Look at every picture that the list names.

        Raises:
            SourceError: the list is missing, cannot be read, or is none.
        """
        found = [look_at(path) for path in sorted(self._paths)]
        skips = [each for each in found if isinstance(each, Skip)]
        skips += [each for each in self._lines if isinstance(each, Skip)]
        return Listing(
            files=tuple(each for each in found if isinstance(each, FileRef)),
            skips=tuple(sorted(skips, key=lambda skip: skip.path)),
            captions=(CaptionFile(self._file, partial(iter, self._captions)),),
        )

    @cached_property
    def _content(self) -> tuple[FileRef, bytes]:
        with opening_source(self.root, "list", "a text file"):
            return read_stable(self.root)

    @property
    def _file(self) -> FileRef:
        return self._content[0]

    @cached_property
    def _rows(self) -> Sequence[Row]:
        return parse_rows(self.root, self._content[1], self.columns)

    @cached_property
    def _lines(self) -> Sequence[tuple[Row, bytes] | Skip]:
        """Each row with the path of its picture, or why it cannot be used.

        A picture that is nowhere is taken to belong where most others of the list lie.
        """
        looked_up = [*map(self._looked_up, self._rows)]
        found = Counter(
            _first_there(places) for places in looked_up if not isinstance(places, Skip)
        )
        del found[None]
        usual = found.most_common(1)[0][0] if found else 0
        lines: list[tuple[Row, bytes] | Skip] = []
        for row, places in zip(self._rows, looked_up, strict=True):
            if isinstance(places, Skip):
                lines.append(places)
                continue
            at = _first_there(places)
            lines.append((row, places[usual or 0] if at is None else places[at]))
        return lines

    @cached_property
    def _paths(self) -> frozenset[bytes]:
        return frozenset(each[1] for each in self._lines if not isinstance(each, Skip))

    @cached_property
    def _captions(self) -> Sequence[Caption | Skip]:
        found: list[Caption | Skip] = []
        for row, path in (each for each in self._lines if not isinstance(each, Skip)):
            found += [Caption(text, path) for text in row.captions]
            if not row.captions:
                found.append(Skip(self.root + b":%d" % row.number, "image without caption"))
        return [*dict.fromkeys(found)]

    def _looked_up(self, row: Row) -> list[bytes] | Skip:
        """Where the picture of a row may lie, or why the row cannot be used."""
        where = self.root + b":%d" % row.number
        if row.problem:
            return Skip(where, row.problem)
        if not row.image:
            return Skip(where, "caption without image")
        try:
            name = os.fsencode(row.image)
        except UnicodeEncodeError:  # half a character, which no file name can hold
            return Skip(where, "no such file")
        if b"\0" in name:
            return Skip(where, "no such file")
        if not self.globs.admits(name):
            return Skip(where, "left out by a pattern")
        here = os.path.dirname(self.root)
        inside = (b"", os.fsencode(row.folder))
        return [
            os.path.normpath(os.path.join(here, place, part, name))
            for place in _PLACES
            for part in inside
        ]


def _first_there(places: Sequence[bytes]) -> int | None:
    return next((at for at, path in enumerate(places) if os.path.lexists(path)), None)
