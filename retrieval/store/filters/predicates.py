"""What a filter says, as frozen values; `grammar` reads them, `sql` and `match` give them meaning.

One rule holds for all comparisons: an item satisfies one if any of its values of that field does.
So an item without a value satisfies none, and `Not` is the plain complement.
"""

from dataclasses import dataclass
from typing import TypeAlias

from retrieval.store.filters.names import FIELDS, FieldName, Op

Value: TypeAlias = int | str
"""A text as written, a whole number, or the beginning of an ISO date."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op value`."""

    field: FieldName
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """`field in (values)`: equal to one of them."""

    field: FieldName
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """`field between low and high`, both included."""

    field: FieldName
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Has:
    """`has field`: there is a value."""

    field: FieldName


@dataclass(frozen=True, slots=True)
class Box:
    """`gps in (south, west, north, east)`, degrees, edges included.

    west > east is a box across the 180th meridian.
    """

    south: float
    west: float
    north: float
    east: float

    @property
    def field(self) -> FieldName:
        """Of every box."""
        return "gps"


@dataclass(frozen=True, slots=True)
class Not:
    """The complement."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two."""

    parts: tuple["Predicate", ...]


Leaf: TypeAlias = Comparison | OneOf | Between | Has | Box
Predicate: TypeAlias = Leaf | Not | And | Or


def describe(predicate: Predicate) -> str:
    """The predicate as a filter that `grammar.parse_filter` reads back to an equal one."""
    match predicate:
        case Not(part):
            return f"not {_grouped(part)}"
        case And(parts):
            return " and ".join(map(_grouped, parts))
        case Or(parts):
            return " or ".join(map(_grouped, parts))
        case _:
            return _leaf(predicate)


def _grouped(predicate: Predicate) -> str:
    text = describe(predicate)
    return f"({text})" if isinstance(predicate, And | Or) else text


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case Comparison(field, op, value):
            return f"{field} {op} {_value(field, value)}"
        case OneOf(field, values):
            return f"{field} in ({', '.join(_value(field, value) for value in values)})"
        case Between(field, low, high):
            return f"{field} between {_value(field, low)} and {_value(field, high)}"
        case Has(field):
            return f"has {field}"
        case Box(south, west, north, east):
            return f"gps in ({south!r}, {west!r}, {north!r}, {east!r})"


def _value(field: FieldName, value: Value) -> str:
    if FIELDS[field].kind != "text":
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
