"""How a value of a filter compares: the part of its meaning that SQL and Python share."""

from dataclasses import dataclass

from retrieval.store.filters.names import FieldName
from retrieval.store.filters.predicates import Value
from retrieval.store.folding import fold

_AFTER = "~"
"""Sorts behind every character of an ISO date, so that prefix + "~" ends what a prefix begins."""


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that a date, or a beginning of one, stands for, as texts in code point order.

    Attributes:
        first: the earliest, included.
        end: the latest, excluded.
    """

    first: str
    end: str

    @classmethod
    def of(cls, value: Value) -> "Span":
        """2024-05 stands for every moment of that May."""
        return cls(str(value), f"{value}{_AFTER}")


def needle(field: FieldName, value: Value, op: str = "=") -> str:
    """What is looked for in a folded text; a folder ends in "/", so that /a is not above /ab."""
    text = fold(str(value))
    return text.rstrip("/") + "/" if field == "folder" and op != "~" else text
