"""Pictures in the rows of a parquet file: their bytes (as HF data sets have them), or their paths.

The picture of a row that holds bytes has a path of its own, `TABLE/row-000000042`, and no other
name: patterns do not apply to it. A row that holds a path stands for the file that lies there.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from indexer.readers.base import Caption, CaptionFile, Listing, Skip
from indexer.readers.columns import Columns, texts_in
from indexer.readers.files import fetch_file, look_at, may_exist
from indexer.readers.globs import Globs
from indexer.readers.parquet_table import RowStream, Table, inspect_table, read_columns
from retrieval.errors import ImageError, SourceError
from retrieval.model import FileRef

_ROW = re.compile(rb"/row-(\d{9,})")


@dataclass(slots=True)
class ParquetReader:
    """The pictures of one parquet file.

    Attributes:
        root: absolute path of the file, without symbolic links.
        columns: that the user named.
        globs: which paths take part, as they are written in the table.
    """

    root: bytes
    columns: Columns = field(default_factory=Columns)
    globs: Globs = field(default_factory=Globs)
    _table: Table | None = field(default=None, init=False, repr=False)
    _stream: RowStream | None = field(default=None, init=False, repr=False)
    _named: frozenset[bytes] = field(default=frozenset(), init=False, repr=False)

    @property
    def is_tree(self) -> bool:
        """Whether the rows hold the pictures themselves; a table that is missing may have."""
        try:
            table = self._table or inspect_table(self.root, self.columns)
        except SourceError:
            return True  # `read` says what is wrong
        return not table.is_path

    def covers(self, path: bytes) -> bool:
        """Whether the path is a row's, or one that the table names."""
        if self._table is not None and self._table.is_path:
            return path in self._named
        return path.startswith(self.root) and bool(_ROW.fullmatch(path, len(self.root)))

    def is_gone(self, path: bytes) -> bool:
        """Whether the table has no such row, or there is certainly no such file."""
        if self._table is None:
            return not may_exist(self.root)
        if self._table.is_path:
            return not may_exist(path)
        return self._row_of(path) >= self._table.n_rows

    def is_same(self, before: FileRef, now: FileRef) -> bool:
        """Same size and modification time: of the file, or of the table that has the row."""
        return before == now

    def read(self) -> Listing:
        """List the rows, and look at the files that they name.

        Raises:
            SourceError: the table is missing or no parquet file, or lacks a column.
        """
        table = inspect_table(self.root, self.columns)
        self._table, self._stream = table, RowStream(table)
        captions: tuple[CaptionFile, ...] = ()
        if table.caption is not None:
            captions = (CaptionFile(table.file, partial(self._captions, table, table.caption)),)
        if table.is_path:
            return self._list_paths(table, captions)
        size_bytes, mtime_ns = table.file.size_bytes, table.file.mtime_ns
        rows = (FileRef(self._row_path(row), size_bytes, mtime_ns) for row in range(table.n_rows))
        return Listing(tuple(rows), captions=captions)

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """See `Reader.fetch`."""
        if self._table is None or self._stream is None:
            raise FileNotFoundError(2, "not listed yet", file.path)
        if self._table.is_path:
            return fetch_file(file)
        row = self._row_of(file.path)
        if row >= self._table.n_rows:
            raise FileNotFoundError(2, "no such row", file.path)
        content = self._stream.value(row)
        if not isinstance(content, bytes):
            raise ImageError("no picture in this row")
        return file, content

    def _list_paths(self, table: Table, captions: tuple[CaptionFile, ...]) -> Listing:
        """The files that rows name, each once, and the rows that name none."""
        skips: list[Skip] = []
        named: set[bytes] = set()
        try:
            for row, (name,) in enumerate(read_columns(self.root, [table.image])):
                placed = self._place(name, row)
                skips.append(placed) if isinstance(placed, Skip) else named.add(placed)
        except ImageError as error:
            raise SourceError(
                f"{os.fsdecode(self.root)} is damaged", hint="download or write it again"
            ) from error
        self._named = frozenset(named)
        found = [look_at(path) for path in sorted(named)]
        skips += [each for each in found if isinstance(each, Skip)]
        return Listing(
            files=tuple(each for each in found if isinstance(each, FileRef)),
            skips=tuple(sorted(skips, key=lambda skip: skip.path)),
            captions=captions,
        )

    def _place(self, name: object, row: int) -> bytes | Skip:
        """Where the file of a row lies, or why it has none."""
        if not isinstance(name, str) or not name or "\0" in name:
            return Skip(self._row_path(row), "no path in this row")
        if name.lower().startswith(("http://", "https://")):
            return Skip(self._row_path(row), "an address; name its column with --url-column")
        path = os.fsencode(name)
        if not self.globs.admits(path):
            return Skip(self._row_path(row), "left out by a pattern")
        return os.path.normpath(os.path.join(os.path.dirname(self.root), path))

    def _captions(self, table: Table, column: str) -> Iterator[Caption | Skip]:
        wanted = [column, table.image] if table.is_path else [column]
        for row, values in enumerate(read_columns(self.root, wanted)):
            image = self._place(values[1], row) if table.is_path else self._row_path(row)
            if isinstance(image, bytes):  # the listing has said what is wrong with the others
                yield from (Caption(text, image) for text in texts_in(values[0]))

    def _row_path(self, row: int) -> bytes:
        return self.root + b"/row-%09d" % row

    def _row_of(self, path: bytes) -> int:
        """The row of a path; one that no table has for any other path."""
        match = _ROW.fullmatch(path, len(self.root)) if path.startswith(self.root) else None
        return int(match[1]) if match else 1 << 62
