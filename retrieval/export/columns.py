"""Columns of what is exported, and how their values are spelled as JSON."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from retrieval.model import display_path

Kind = Literal["int", "float", "text", "texts", "time", "path", "paths"]
"""Of the values of a column: int, float, str, tuple of str, int (nanoseconds since 1970), bytes,
tuple of bytes; any may be None."""

Row = tuple[object, ...]
"""One value for each column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: of the column; a path has a second one, `name`_bytes, for names that are no UTF-8.
        kind: of its values.
    """

    name: str
    kind: Kind

    @property
    def bytes_name(self) -> str:
        """Where the true name of a path stands if `name` cannot say it."""
        return f"{self.name}_bytes"


_PICTURE = (
    *(Column("width", "int"), Column("height", "int")),
    *(Column("taken", "text"), Column("camera", "text")),
    *(Column("latitude", "float"), Column("longitude", "float")),
)
_FILE = (Column("size_bytes", "int"), Column("mtime", "time"))
_HIT = (
    Column("rank", "int"),
    Column("id", "int"),
    Column("score", "float"),
    Column("path", "path"),
)
_CONTENT = (Column("sha256", "text"), Column("files", "paths"))
_ITEM = (Column("id", "int"), Column("sha256", "text"), Column("path", "path"))

IMAGE_HITS = (*_HIT, *_PICTURE, *_CONTENT)
TEXT_HITS = (*_HIT, Column("text", "text"), *_CONTENT)
IMAGE_FILES = (*_ITEM, *_FILE, Column("format", "text"), *_PICTURE, Column("captions", "texts"))
TEXT_FILES = (*_ITEM, Column("text", "text"), Column("source", "path"), *_FILE)


def json_fields(columns: Sequence[Column], row: Row) -> dict[str, object]:
    """A row as JSON values; `NAME_bytes`, in base64, is there only where the name loses bytes."""
    fields: dict[str, object] = {}
    for column, value in zip(columns, row, strict=True):
        if column.kind == "path" and isinstance(value, bytes):
            fields[column.name], lost = split_path(value)
            if lost is not None:
                fields[column.bytes_name] = base64.b64encode(lost).decode("ascii")
        elif column.kind == "paths" and isinstance(value, tuple):
            fields[column.name] = [json_fields(_PATH, (path,)) for path in value]
        elif column.kind == "time" and isinstance(value, int):
            fields[column.name] = iso_time(value)
        else:
            fields[column.name] = value
    return fields


def split_path(path: bytes) -> tuple[str, bytes | None]:
    """A path as text and, only where that loses bytes, as it is."""
    text = display_path(path)
    return text, None if text.encode() == path else path


def iso_time(time_ns: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 in UTC, none lost: 2024-05-06T07:08:09.000000000Z."""
    seconds, fraction_ns = divmod(time_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction_ns:09}Z"


_PATH = (Column("path", "path"),)
