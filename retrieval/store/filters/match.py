"""The meaning of a predicate in Python: the slow, plain form that the SQL form has to equal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from retrieval.model import ItemRecord, display_path
from retrieval.store.filters.names import FIELDS, FieldName, Op
from retrieval.store.filters.predicates import (
    And,
    Between,
    Box,
    Comparison,
    Has,
    Leaf,
    Not,
    OneOf,
    Or,
    Predicate,
    Value,
)
from retrieval.store.filters.values import Span, needle
from retrieval.store.folding import fold

_Ordered = TypeVar("_Ordered", int, str)

_Known = int | str | tuple[float, float]
"""One value of an item: a number, a text (folded, or a date), or latitude and longitude."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item with what its own record does not hold.

    Attributes:
        record: of the item.
        tags: of the item.
        captions: of a picture, what other files say of it, beside the captions of the record.
    """

    record: ItemRecord
    tags: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


def matches(predicate: Predicate, candidate: Candidate) -> bool:
    """Whether the item satisfies the predicate."""
    match predicate:
        case Not(part):
            return not matches(part, candidate)
        case And(parts):
            return all(matches(part, candidate) for part in parts)
        case Or(parts):
            return any(matches(part, candidate) for part in parts)
        case _:
            return any(_holds(predicate, value) for value in _values(predicate.field, candidate))


def _values(field: FieldName, candidate: Candidate) -> Iterable[_Known]:
    """All values that an item has of a field."""
    record, meta = candidate.record, candidate.record.meta
    paths = [fold(display_path(file.path)) for file in record.files]
    lone: dict[FieldName, int | str | None] = {
        "format": fold(meta.format),
        "width": meta.width or None,  # texts have none, and are stored with 0
        "height": meta.height or None,
        "taken": meta.taken,
        "camera": None if meta.camera is None else fold(meta.camera),
        "added": record.added,
    }
    if field in lone:
        value = lone[field]
        return () if value is None else (value,)
    if field == "gps":
        if meta.latitude is None or meta.longitude is None:
            return ()
        return ((meta.latitude, meta.longitude),)
    many: dict[FieldName, Iterable[_Known]] = {
        "path": paths,
        "folder": [path[: path.rfind("/") + 1] for path in paths],
        "bytes": [file.size_bytes for file in record.files],
        "tag": map(fold, candidate.tags),
        "caption": map(fold, (*record.captions, *candidate.captions)),
    }
    return many[field]


def _holds(leaf: Leaf, value: _Known) -> bool:
    match leaf:
        case Has():
            return True
        case Box():
            return isinstance(value, tuple) and _is_inside(leaf, *value)
        case OneOf(field, wanted):
            return any(_compares(field, "=", value, each) for each in wanted)
        case Between(field, low, high):
            return _compares(field, ">=", value, low) and _compares(field, "<=", value, high)
        case Comparison(field, op, wanted):
            return _compares(field, op, value, wanted)


def _is_inside(box: Box, latitude: float, longitude: float) -> bool:
    if not box.south <= latitude <= box.north:
        return False
    if box.west <= box.east:
        return box.west <= longitude <= box.east
    return longitude >= box.west or longitude <= box.east


def _compares(field: FieldName, op: Op, value: _Known, wanted: Value) -> bool:
    if isinstance(value, int) and isinstance(wanted, int):
        return _in_order(op, value, wanted, wanted + 1)
    if not isinstance(value, str):
        raise TypeError(f"{field} is compared with {wanted!r}")
    if FIELDS[field].kind == "date":
        span = Span.of(wanted)
        return _in_order(op, value, span.first, span.end)
    looked_for = needle(field, wanted, op)
    if op == "~":
        return looked_for in value
    is_equal = value.startswith(looked_for) if field == "folder" else value == looked_for
    return is_equal if op == "=" else not is_equal


def _in_order(op: Op, value: _Ordered, first: _Ordered, end: _Ordered) -> bool:
    """Compare a value with the span from `first` up to `end`, which is not part of it."""
    match op:
        case "=":
            return first <= value < end
        case "!=":
            return not first <= value < end
        case "<":
            return value < first
        case "<=":
            return value < end
        case ">":
            return value >= end
        case ">=":
            return value >= first
        case "~":
            raise TypeError("only texts contain others")
