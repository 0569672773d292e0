"""The meaning of a predicate in SQL, the same in SQLite and PostgreSQL; see match.py for Python's.

Nothing is left to a database: texts are compared in their folded form, dates by code points, and
no expression here is ever NULL, so that `not` is the plain complement.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    collate,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from retrieval.model import FIRST_ID, GalleryName
from retrieval.store.filters.names import FIELDS, FieldName, Op
from retrieval.store.filters.predicates import (
    And,
    Between,
    Box,
    Comparison,
    Leaf,
    Not,
    OneOf,
    Or,
    Predicate,
    Value,
)
from retrieval.store.filters.values import Span, needle
from retrieval.store.folding import END, START
from retrieval.store.schema import FileRow, ItemRow, TagRow

_Condition: TypeAlias = ColumnElement[bool]
_Column: TypeAlias = SQLColumnExpression[Any]
_Visible: TypeAlias = Callable[[Any], _Condition]


@dataclass(frozen=True, slots=True)
class SqlForm:
    """Turns predicates into conditions on ItemRow.

    Attributes:
        gallery: whose items are asked about.
        is_postgresql: else SQLite.
        visible: the rows of a table that the reader's generation sees.
    """

    gallery: GalleryName
    is_postgresql: bool
    visible: _Visible

    def of(self, predicate: Predicate) -> _Condition:
        """The condition; never NULL."""
        match predicate:
            case Not(part):
                return not_(self.of(part))
            case And(parts):
                return and_(*map(self.of, parts))
            case Or(parts):
                return or_(*map(self.of, parts))
            case _:
                return self._leaf(predicate)

    def _leaf(self, leaf: Leaf) -> _Condition:
        match leaf.field:
            case "path" | "folder" | "bytes":
                return self._any_file(leaf)
            case "tag":
                found = self._holds(leaf, TagRow.folded)
                mine = TagRow.collection_id == bindparam("collection_id")
                return ItemRow.sha256.in_(select(TagRow.sha256).where(mine, found))
            case "caption":
                return self._any_caption(leaf)
            case _:
                return self._own(leaf)

    def _own(self, leaf: Leaf) -> _Condition:
        """Of a field that an item has at most one value of."""
        if leaf.field == "gps":
            is_there = and_(ItemRow.latitude.is_not(None), ItemRow.longitude.is_not(None))
            return and_(is_there, _inside(leaf) if isinstance(leaf, Box) else true())
        columns: dict[FieldName, _Column] = {
            "format": ItemRow.format_folded,
            "width": func.nullif(ItemRow.width_px, 0),  # texts have none
            "height": func.nullif(ItemRow.height_px, 0),
            "taken": ItemRow.taken,
            "camera": ItemRow.camera_folded,
            "added": ItemRow.added,
        }
        column = columns[leaf.field]
        return and_(column.is_not(None), self._holds(leaf, column))

    def _any_file(self, leaf: Leaf) -> _Condition:
        path = FileRow.display_folded
        columns: dict[FieldName, _Column] = {
            "path": path,
            # Without the characters behind the last "/".
            "folder": func.rtrim(path, func.replace(path, "/", "")),
            "bytes": FileRow.size_bytes,
        }
        found = self._holds(leaf, columns[leaf.field])
        return ItemRow.id.in_(select(FileRow.item_id).where(self.visible(FileRow), found))

    def _any_caption(self, leaf: Leaf) -> _Condition:
        """Of its own, or, of a picture, of the texts that belong to one of its files."""
        own = self._of_captions(leaf, ItemRow.captions_folded)
        if self.gallery == "texts":
            return own
        said, joint, file = aliased(ItemRow), aliased(FileRow), aliased(FileRow)
        pictures = (
            select(file.item_id)
            .join(joint, and_(joint.collection_id == file.collection_id, joint.path == file.path))
            .join(said, and_(said.collection_id == joint.collection_id, said.id == joint.item_id))
            .where(
                *map(self.visible, (said, joint, file)),
                said.id >= FIRST_ID["texts"],
                file.item_id < FIRST_ID["texts"],
                self._of_captions(leaf, said.captions_folded),
            )
        )
        return or_(own, ItemRow.id.in_(pictures))

    def _of_captions(self, leaf: Leaf, column: _Column) -> _Condition:
        """Of a column that holds several texts, each between its marks."""
        match leaf:
            case Comparison(_, "~", value):
                return and_(column != "", self._contains(column, needle("caption", value)))
            case Comparison(_, "=", value):
                return self._contains(column, _marked(value))
            case Comparison(_, "!=", value):
                return func.replace(column, _text(_marked(value)), "") != ""
            case OneOf(_, values):
                return or_(*(self._contains(column, _marked(value)) for value in values))
            case _:
                return column != ""

    def _holds(self, leaf: Leaf, column: _Column) -> _Condition:
        """Whether one value, which is not NULL, satisfies a leaf."""
        match leaf:
            case OneOf(field, values):
                return self._one_of(field, values, column)
            case Between(field, low, high):
                return and_(
                    self._compares(field, ">=", column, low),
                    self._compares(field, "<=", column, high),
                )
            case Comparison(field, op, value):
                return self._compares(field, op, column, value)
            case _:
                return true()

    def _one_of(self, field: FieldName, values: tuple[Value, ...], column: _Column) -> _Condition:
        if FIELDS[field].kind == "number":
            return column.in_([literal(value, BigInteger) for value in values])
        if FIELDS[field].kind == "text" and field != "folder":
            return column.in_([_text(needle(field, value)) for value in values])
        return or_(*(self._compares(field, "=", column, value) for value in values))

    def _compares(self, field: FieldName, op: Op, column: _Column, value: Value) -> _Condition:
        kind = FIELDS[field].kind
        if kind == "number":
            return _number_compares(op, column, value)
        if kind == "date":
            ordered = collate(column, "C" if self.is_postgresql else "BINARY")
            return _date_compares(op, ordered, Span.of(value))
        looked_for = needle(field, value, op)
        if op == "~":
            return self._contains(column, looked_for)
        part = func.substr(column, 1, len(looked_for)) if field == "folder" else column
        return part == _text(looked_for) if op == "=" else part != _text(looked_for)

    def _contains(self, column: _Column, part: str) -> _Condition:
        position = func.strpos if self.is_postgresql else func.instr
        return position(column, _text(part)) > 0


def _inside(box: Box) -> _Condition:
    south, west, north, east = (
        literal(edge, Double) for edge in (box.south, box.west, box.north, box.east)
    )
    between = (ItemRow.longitude >= west, ItemRow.longitude <= east)
    in_width = and_(*between) if box.west <= box.east else or_(*between)
    return and_(ItemRow.latitude >= south, ItemRow.latitude <= north, in_width)


def _number_compares(op: Op, column: _Column, value: Value) -> _Condition:
    compares: dict[Op, Callable[[Any, Any], Any]] = {
        "=": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    condition: _Condition = compares[op](column, literal(value, BigInteger))
    return condition


def _date_compares(op: Op, column: _Column, span: Span) -> _Condition:
    first, end = _text(span.first), _text(span.end)
    match op:
        case "<":
            return column < first
        case "<=":
            return column < end
        case ">":
            return column >= end
        case ">=":
            return column >= first
        case "=":
            return and_(column >= first, column < end)
        case _:
            return or_(column < first, column >= end)


def _marked(value: Value) -> str:
    return f"{START}{needle('caption', value)}{END}"


def _text(value: str) -> ColumnElement[str]:
    return literal(value, Text)
