"""Rows as JSON lines, as CSV and as a parquet file; what is read back is what was written.

In JSON and CSV a path is text, with its true bytes in base64 beside it where text cannot say them.
In parquet the bytes are binary, and a time is a timestamp of nanoseconds.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from retrieval.errors import MissingDependencyError
from retrieval.export.columns import Column, Row, json_fields, split_path

_ROWS_AT_ONCE = 10_000


def jsonl_pieces(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """One object a line, in UTF-8, many lines a piece."""
    for part in _parts(rows):
        lines = (
            json.dumps(json_fields(columns, row), ensure_ascii=False, allow_nan=False)
            for row in part
        )
        yield "".join(f"{line}\n" for line in lines).encode()


def csv_pieces(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """A line of names, then one record a row, in UTF-8 as RFC 4180 has it; many rows a piece.

    None is an empty cell; several values in one cell are a JSON list.
    """
    names: list[str] = []
    for column in columns:
        names += [column.name, column.bytes_name] if column.kind == "path" else [column.name]
    yield _csv([names])
    for part in _parts(rows):
        yield _csv([_cells(names, json_fields(columns, row)) for row in part])


def write_parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Write a table, a row group for every few thousand rows.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    pa = import_pyarrow()
    import pyarrow.parquet as pq

    schema = pa.schema([field for column in columns for field in _fields(pa, column)])
    with path.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        for part in _parts(rows):
            values = zip(*part, strict=True)
            pairs = zip(columns, values, strict=True)
            arrays = [array for column, cells in pairs for array in _array(column, cells)]
            typed = [
                pa.array(array, field.type) for array, field in zip(arrays, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(typed, schema=schema))


def import_pyarrow() -> Any:  # noqa: ANN401 - it has no types
    """The package; raises MissingDependencyError."""
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"writing parquet needs the package {error.name}",
            hint="pip install 'polyseek[parquet]'",
        ) from error
    return pa


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while part := list(islice(rest, _ROWS_AT_ONCE)):
        yield part


def _csv(records: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(records)
    return text.getvalue().encode()


def _cells(names: Sequence[str], fields: dict[str, object]) -> list[object]:
    values = (fields.get(name) for name in names)
    return [
        json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else value
        for value in values
    ]


def _fields(pa: Any, column: Column) -> Iterator[Any]:  # noqa: ANN401
    """One field, or two for a path."""
    path_types = [("path", pa.string()), ("path_bytes", pa.binary())]
    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "time": pa.timestamp("ns", tz="UTC"),
        "path": pa.string(),
        "paths": pa.list_(pa.struct(path_types)),
    }
    yield pa.field(column.name, types[column.kind])
    if column.kind == "path":
        yield pa.field(column.bytes_name, pa.binary())


def _array(column: Column, cells: Sequence[Any]) -> Iterator[list[object]]:
    """The cells of one column as pyarrow takes them: a list for each of its fields."""
    if column.kind == "path":
        pairs = [(None, None) if path is None else split_path(path) for path in cells]
        yield [text for text, _ in pairs]
        yield [true for _, true in pairs]
    elif column.kind == "paths":
        yield [
            [dict(zip(("path", "path_bytes"), split_path(p), strict=True)) for p in paths]
            for paths in cells
        ]
    else:
        yield list(cells)
