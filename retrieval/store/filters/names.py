"""The fields that a filter can name, and what each takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldName = Literal[
    "path",
    "folder",
    "format",
    "bytes",
    "width",
    "height",
    "taken",
    "camera",
    "gps",
    "tag",
    "caption",
    "added",
]
Kind = Literal["text", "number", "date", "place"]
Op = Literal["=", "!=", "<", "<=", ">", ">=", "~"]

TEXT_OPS: tuple[Op, ...] = ("=", "!=", "~")
ORDER_OPS: tuple[Op, ...] = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: as a filter writes it.
        kind: of its values.
        example: a comparison with it, for error messages and docs.
    """

    name: FieldName
    kind: Kind
    example: str

    @property
    def ops(self) -> tuple[Op, ...]:
        """Operators between the field and one value."""
        return {"text": TEXT_OPS, "place": ()}.get(self.kind, ORDER_OPS)

    @property
    def takes(self) -> str:
        """What its values are, for error messages."""
        return _TAKES[self.kind]


_TAKES: Mapping[Kind, str] = {
    "text": "a text",
    "number": "a whole number",
    "date": "a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS",
    "place": "a box in degrees: gps in (south, west, north, east)",
}

FIELDS: Mapping[str, Field] = {
    each.name: each
    for each in (
        Field("path", "text", 'path ~ "holiday"'),
        Field("folder", "text", 'folder = "/photos/2024"'),
        Field("format", "text", "format in (jpeg, heif)"),
        Field("bytes", "number", "bytes > 5MB"),
        Field("width", "number", "width > 1000"),
        Field("height", "number", "height between 500 and 800"),
        Field("taken", "date", "taken >= 2024-01-01"),
        Field("camera", "text", 'camera ~ "canon"'),
        Field("gps", "place", "gps in (47.2, 5.8, 55.1, 15.1)"),
        Field("tag", "text", "tag in (beach, sea)"),
        Field("caption", "text", 'caption ~ "dog"'),
        Field("added", "date", "added = 2026-11"),
    )
}
