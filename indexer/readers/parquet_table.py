"""Parquet files as tables of pictures: which column holds what, and single values by row.

pyarrow comes with the extra `parquet`; importing this module fails without it.
"""

import os
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.readers.columns import Columns, find_column, missing_column
from indexer.readers.files import open_regular, opening_source
from retrieval.errors import ImageError, SourceError
from retrieval.model import FileRef, display_path

IMAGE_NAMES = (
    *("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp"),
    *("image_bytes", "img_bytes", "image_data", "bytes"),
    *("image_path", "filepath", "file_path", "path", "file_name", "filename"),
)
CAPTION_NAMES = ("caption", "captions", "text", "texts", "title", "description", "sentence")

_BATCH_ROWS = 16
_BATCHES_KEPT = 8
"""Threads ask for rows nearly in order. 128 rows behind cover those that fall back, and hold some
tens of MB of pictures, whatever the size of a row group (a table may be one single group)."""

_NOWHERE = 1 << 62
"""No row that could be read next."""

ARROW_ERRORS = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises on files that are damaged, cut, or no parquet at all."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a parquet file says of itself.

    Attributes:
        file: its path, size and modification time.
        group_starts: first row of each row group.
        n_rows: of the table.
        image: column of the pictures, of their bytes or their paths; a leaf, e.g. "image.bytes".
        is_path: whether it holds paths.
        caption: column of texts, or of lists of texts; None if there is none.
    """

    file: FileRef
    group_starts: tuple[int, ...]
    n_rows: int
    image: str
    is_path: bool
    caption: str | None


def open_table(path: bytes) -> tuple[pq.ParquetFile, FileRef]:
    """Open a parquet file, its footer read; close it when done.

    Raises:
        SourceError: it is missing or cannot be read, or is no whole parquet file.
    """
    with opening_source(path, "table", "a parquet file"), open_regular(path) as opened:
        status = os.fstat(opened.fileno())
    try:
        # Without pre-buffering a group is read page by page, and need not fit into memory.
        table = pq.ParquetFile(pa.OSFile(path), pre_buffer=False, buffer_size=1 << 20)
    except ARROW_ERRORS as error:
        raise SourceError(
            f"{display_path(path)} is no parquet file, or was cut",
            hint="download or write it again",
        ) from error
    return table, FileRef(path, status.st_size, status.st_mtime_ns)


def inspect_table(path: bytes, columns: Columns) -> Table:
    """Choose the columns of a table.

    Raises:
        SourceError: see `open_table`; or it has no column for pictures, or not the one named.
    """
    opened, file = open_table(path)
    with closing(opened):
        schema, where = opened.schema_arrow, display_path(path)
        name = find_column(columns.image, IMAGE_NAMES, schema.names, where)
        if name is None:
            raise missing_column("image", schema.names, where)
        leaf, is_path = _image_leaf(opened.metadata, schema.field(name), where)
        groups = [opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)]
        return Table(
            file=file,
            group_starts=tuple(accumulate(groups[:-1], initial=0)),
            n_rows=opened.metadata.num_rows,
            image=leaf,
            is_path=is_path,
            caption=_caption_column(schema, columns, where),
        )


def inspect_urls(path: bytes, columns: Columns) -> tuple[FileRef, list[str]]:
    """The columns of a table of addresses: the one named, and that of texts if there is one.

    Raises:
        SourceError: see `open_table`; or the table has no such columns, or they hold no texts.
    """
    opened, file = open_table(path)
    with closing(opened):
        schema, where = opened.schema_arrow, display_path(path)
        url = find_column(columns.url, (), schema.names, where)
        if url is None or not _is_text(_plain(schema.field(url).type)):
            raise SourceError(
                f"column {url!r} of {where} holds no texts",
                hint="name the right one with --url-column",
            )
        caption = _caption_column(schema, columns, where)
        return file, [url] if caption is None else [url, caption]


def column_names(path: bytes) -> list[str]:
    """Names of the columns of a table; raises SourceError, see `open_table`."""
    opened, _ = open_table(path)
    with closing(opened):
        return list(opened.schema_arrow.names)


def read_columns(path: bytes, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """The values of some columns, row by row, in the order of `columns`; leaves come flat.

    Raises:
        SourceError: see `open_table`.
        ImageError: the table is damaged.
    """
    opened, _ = open_table(path)
    with closing(opened):
        try:
            for batch in opened.iter_batches(4096, columns=list(columns), use_threads=False):
                yield from zip(*(_flat(batch, name).to_pylist() for name in columns), strict=True)
        except ARROW_ERRORS as error:
            raise ImageError("damaged table") from error


class RowStream:
    """One column of a table by row number, for threads that ask for rows nearly in order.

    Asked in about their order, it reads every row once. A row further back, or two row groups
    ahead, begins the reading anew at its group, which is right as well, and slower.

    Attributes:
        n_starts: how often the reading was begun.
    """

    def __init__(self, table: Table) -> None:
        """Note what to read; nothing is opened."""
        self.n_starts = 0
        self._table = table
        self._lock = threading.Lock()
        self._opened: pq.ParquetFile | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._next_row = _NOWHERE
        self._recent: deque[tuple[int, pa.Array]] = deque(maxlen=_BATCHES_KEPT)
        self._broken: dict[int, int] = {}  # group -> row from which on it cannot be read

    def value(self, row: int) -> object:
        """The value of one row, 0 <= row < n_rows.

        Raises:
            ImageError: the table is damaged there, or has changed since it was listed.
            OSError: it is no longer there.
        """
        with self._lock:
            for first, values in self._recent:
                if first <= row < first + len(values):
                    return values[row - first].as_py()
            return self._advance_to(row)

    def _advance_to(self, row: int) -> object:
        self._check_same()
        group = self._group_of(row)
        while row < self._broken.get(group, self._table.n_rows):
            # What lies between is read, not leapt over: other threads are about to ask for it.
            if row < self._next_row or group > self._group_of(self._next_row) + 1:
                self._begin(group)
            try:
                while row >= self._next_row:
                    values = _flat(next(self._batches), self._table.image)
                    self._recent.append((self._next_row, values))
                    self._next_row += len(values)
            except (StopIteration, *ARROW_ERRORS):
                self._broken[self._group_of(self._next_row)] = self._next_row
                self._close()
                continue
            if self._next_row == self._table.n_rows:
                self._close()  # many tables may be read in one run
            first, values = self._recent[-1]
            return values[row - first].as_py()
        raise ImageError("damaged table")

    def _group_of(self, row: int) -> int:
        return bisect_right(self._table.group_starts, row) - 1

    def _begin(self, group: int) -> None:
        """Get ready to read from the first row of a group on."""
        self._close()
        try:
            self._opened, _ = open_table(self._table.file.path)
        except SourceError as error:
            raise ImageError("damaged table") from error
        self.n_starts += 1
        self._next_row = self._table.group_starts[group]
        self._batches = _batches(self._opened, self._table.image, group)

    def _check_same(self) -> None:
        """A row is no file of its own: what can be checked is that its table is the one listed."""
        listed, status = self._table.file, os.lstat(self._table.file.path)
        if (status.st_size, status.st_mtime_ns) != (listed.size_bytes, listed.mtime_ns):
            self._close()
            raise ImageError("table changed since it was listed")

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened, self._next_row, self._batches = None, _NOWHERE, iter(())


def _batches(opened: pq.ParquetFile, leaf: str, first_group: int) -> Iterator[pa.RecordBatch]:
    """One leaf from a group on; group by group, so that damage stays within its own."""
    for group in range(first_group, opened.num_row_groups):
        yield from opened.iter_batches(
            _BATCH_ROWS, row_groups=[group], columns=[leaf], use_threads=False
        )


def _flat(batch: pa.RecordBatch, leaf: str) -> pa.Array:
    """The column of a leaf "name" or "name.field"; null where the struct is null."""
    names = leaf.split(".") if leaf not in batch.schema.names else [leaf]
    column = batch.column(names[0])
    return column if len(names) == 1 else pc.struct_field(column, names[1])


def _image_leaf(metadata: pq.FileMetaData, field: pa.Field, where: str) -> tuple[str, bool]:
    """The leaf of a column that holds pictures, and whether it holds their paths."""
    kind = _plain(field.type)
    if _is_text(kind) or _is_binary(kind):
        return field.name, _is_text(kind)
    if pa.types.is_struct(kind):
        inner = {kind.field(i).name: _plain(kind.field(i).type) for i in range(kind.num_fields)}
        has_bytes = "bytes" in inner and _is_binary(inner["bytes"])
        has_path = "path" in inner and _is_text(inner["path"])
        if has_path and (not has_bytes or _is_all_null(metadata, f"{field.name}.bytes")):
            return f"{field.name}.path", True
        if has_bytes:
            return f"{field.name}.bytes", False
    raise SourceError(
        f"column {field.name!r} of {where} holds {field.type}, not pictures or their paths",
        hint="name the right one with --image-column",
    )


def _is_all_null(metadata: pq.FileMetaData, leaf: str) -> bool:
    """Whether the statistics of a table say that a leaf has no value in any row."""
    n_null = 0
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        columns = map(group.column, range(group.num_columns))
        statistics = next(each.statistics for each in columns if each.path_in_schema == leaf)
        if statistics is None or not statistics.has_null_count:
            return False
        n_null += int(statistics.null_count)
    return n_null == int(metadata.num_rows) > 0


def _caption_column(schema: pa.Schema, columns: Columns, where: str) -> str | None:
    name = find_column(columns.caption, CAPTION_NAMES, schema.names, where)
    if name is None or _is_texts(schema.field(name).type):
        return name
    if columns.caption is None:
        return None
    raise SourceError(
        f"column {name!r} of {where} holds {schema.field(name).type}, not texts",
        hint="name the right one with --caption-column",
    )


def _is_texts(kind: pa.DataType) -> bool:
    is_list = bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))
    return _is_text(_plain(kind.value_type if is_list else kind))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )
