"""Every figure of a run: a table for each protocol, a row for each record."""

from collections.abc import Sequence

from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import protocol_name, shown_value, whatever_language
from benchmarks.reports.shown.tables import Table


def figure_tables(rows: Sequence[FigureRow]) -> tuple[Table, ...]:
    """Shares in percent; a figure that a record does not have is "-"."""
    groups: dict[object, list[FigureRow]] = {}
    for row in rows:
        groups.setdefault(whatever_language(row.record.key), []).append(row)
    return tuple(_table(each) for each in groups.values())


def _table(rows: Sequence[FigureRow]) -> Table:
    records: dict[int, dict[str, FigureRow]] = {}
    for row in rows:
        records.setdefault(row.at, {})[row.name] = row
    names = tuple(dict.fromkeys(row.name for row in rows))
    languages = {row.record.key.language for row in rows}
    several = len(languages) > 1
    key = rows[0].record.key
    lines = []
    for own in records.values():
        first = next(iter(own.values()))
        figures = [shown_value(name, own[name].value) if name in own else "-" for name in names]
        what = (first.record.key.language,) if several else ()
        lines.append((*what, first.entrant, first.record.system, *figures))
    heads = (*(("language",) if several else ()), "model", "search", *names)
    start = len(heads) - len(names)
    return Table(
        protocol_name(whatever_language(key) if several else key),
        heads,
        tuple(lines),
        tuple(range(start, len(heads))),
    )
