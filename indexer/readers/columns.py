"""Which columns of a table say what; names that a user gives go before the usual ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.errors import SourceError


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns as the user gives them; None looks for a usual name.

    Attributes:
        image: holds pictures, or paths of pictures.
        caption: holds texts about them.
        url: holds addresses; if given, a table is a list of addresses.
    """

    image: str | None = None
    caption: str | None = None
    url: str | None = None


def find_column(
    wanted: str | None, usual: Sequence[str], there: Sequence[str], where: str
) -> str | None:
    """The column to use, spelled as in the table; None if none was named and no usual one is there.

    Args:
        wanted: what the user named; has to be there, letter for letter.
        usual: names to look for otherwise, the likeliest first; their case does not matter.
        there: names of the table's columns.
        where: the table, for the message.

    Raises:
        SourceError: the table lacks the column that was named.
    """
    if wanted is not None:
        if wanted not in there:
            raise missing_column(wanted, there, where)
        return wanted
    by_lower: Mapping[str, str] = {name.lower(): name for name in reversed(there)}
    return next((by_lower[name] for name in usual if name in by_lower), None)


def missing_column(what: str, there: Sequence[str], where: str) -> SourceError:
    """The error for a table that lacks a column; it names those that are there."""
    shown = ", ".join(there) if there else "none"
    return SourceError(
        f"{where} has no column {what!r}; its columns: {shown}",
        hint="name the right one with --image-column, --caption-column or --url-column",
    )


def texts_in(value: object) -> Iterator[str]:
    """The texts of a cell, a text or a list of some, in one line each; blank ones say nothing."""
    for each in value if isinstance(value, list) else [value]:
        text = " ".join(each.replace("\0", " ").split()) if isinstance(each, str) else ""
        if text:
            yield text
