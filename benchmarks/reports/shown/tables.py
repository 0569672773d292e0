"""A table, whatever it is written as."""

from collections.abc import Sequence
from dataclasses import dataclass

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text.

    Attributes:
        title: what it shows; part of the page, and read to those who cannot see it.
        heads: of the columns; the first column names its row.
        rows: as many cells each.
        numbers: places of the columns that hold numbers.
    """

    title: str
    heads: Cells
    rows: tuple[Cells, ...]
    numbers: tuple[int, ...] = ()


def distinct(rows: Sequence[Cells]) -> tuple[Cells, ...]:
    """The rows without those that were there before."""
    return tuple(dict.fromkeys(rows))
