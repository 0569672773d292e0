"""All figures of a run, one a row, each beside the published one."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from benchmarks.reference.verdicts import Verdict
from benchmarks.reports.shown.naming import entrants
from benchmarks.verify import verdicts

_KEY = tuple(each.name for each in fields(ProtocolKey))
COLUMNS = (
    "record", *_KEY, "model", "fingerprint", "system", "entrant", "figure", "value", "published",
    "delta_pp", "verdict", "source", "reasons",
)  # fmt: skip
"""Of `figures.csv`."""


@dataclass(frozen=True, slots=True, eq=False)
class FigureRow:
    """One figure.

    Attributes:
        at: place of its record in the run, from 0.
        record: that it is of.
        entrant: what was measured, as `entrants` names it.
        name: of the figure.
        value: as recorded.
        verdict: beside a published one; None where nothing was published.
    """

    at: int
    record: RunRecord
    entrant: str
    name: str
    value: float
    verdict: Verdict | None


def figure_rows(records: Sequence[RunRecord]) -> tuple[FigureRow, ...]:
    """Every figure of every record, in their order."""
    names = entrants(records)
    found: list[FigureRow] = []
    for at, record in enumerate(records):
        told = verdicts(record)
        found += [
            FigureRow(at, record, names[at], name, value, told.get(name))
            for name, value in record.figures.items()
        ]
    return tuple(found)


def as_csv(rows: Sequence[FigureRow]) -> str:
    """The rows as a CSV table with a line of names; records are counted from 1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(each) for each in rows)
    return text.getvalue()


def _cells(row: FigureRow) -> list[object]:
    record, verdict = row.record, row.verdict
    key = [getattr(record.key, name) for name in _KEY]
    own = [row.at + 1, *key, record.model["name"], record.model["fingerprint"], record.system]
    told: list[object] = [""] * 5
    if verdict is not None:
        reference, delta = verdict.reference, verdict.delta_pp
        told = [
            reference.share,
            "" if delta is None else delta,
            verdict.grade,
            reference.source.title,
            "; ".join(verdict.reasons),
        ]
    return [*own, row.entrant, row.name, row.value, *told]
