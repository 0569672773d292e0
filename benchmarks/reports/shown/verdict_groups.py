"""Verdicts, those of one protocol and model together, and why each is what it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reference.verdicts import Grade
from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import percent, protocol_name, whatever_language

GRADES: tuple[Grade, ...] = ("reproduced", "close", "not reproduced", "incomparable")
"""All of them, the best first."""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One figure beside the published one.

    Attributes:
        language: as the data set codes it; "" where the group has but one.
        figure: its name.
        own: in percent.
        published: likewise.
        delta: in percentage points with its sign; "" where they are incomparable.
        grade: the verdict's word.
    """

    language: str
    figure: str
    own: str
    published: str
    delta: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Reason:
    """Why verdicts are what they are.

    Attributes:
        text: the reason.
        of: names of the figures that it holds for; () is all of the group.
    """

    text: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerdictGroup:
    """All verdicts of one protocol, model and way of searching, beside one source.

    Attributes:
        title: the protocol.
        entrant: the model.
        system: the way of searching.
        source: title of what the published figures stand in.
        address: of the source; "" if unknown.
        rows: in the order of the records.
        reasons: in the order in which they come.
    """

    title: str
    entrant: str
    system: str
    source: str
    address: str
    rows: tuple[VerdictRow, ...]
    reasons: tuple[Reason, ...]


def verdict_groups(rows: Sequence[FigureRow]) -> tuple[VerdictGroup, ...]:
    """Figures with a verdict, grouped; languages of a data set are one group."""
    groups: dict[tuple[object, ...], list[FigureRow]] = {}
    for row in rows:
        if row.verdict is not None:
            key, source = whatever_language(row.record.key), row.verdict.reference.source.name
            groups.setdefault((key, row.entrant, row.record.system, source), []).append(row)
    return tuple(_group(each) for each in groups.values())


def grade_counts(rows: Sequence[FigureRow]) -> dict[Grade, int]:
    """How many figures have each verdict, the best first; those that none has are left out."""
    counts = Counter(row.verdict.grade for row in rows if row.verdict is not None)
    return {grade: counts[grade] for grade in GRADES if counts[grade]}


def without_verdict(rows: Sequence[FigureRow]) -> tuple[str, ...]:
    """Models of which nothing was published that a figure of the run could be held against."""
    told = {row.record.model["name"] for row in rows if row.verdict is not None}
    return tuple(sorted({row.record.model["name"] for row in rows} - told))


def _group(rows: Sequence[FigureRow]) -> VerdictGroup:
    first = rows[0]
    languages = {each.record.key.language for each in rows}
    key = first.record.key if len(languages) == 1 else whatever_language(first.record.key)
    source = first.verdict.reference.source if first.verdict else None
    return VerdictGroup(
        protocol_name(key),
        first.entrant,
        first.record.system,
        source.title if source else "",
        source.address if source else "",
        tuple(_row(each, several=len(languages) > 1) for each in rows),
        _reasons(rows, several=len(languages) > 1),
    )


def _row(row: FigureRow, *, several: bool) -> VerdictRow:
    if row.verdict is None:
        raise ValueError(f"{row.name} has no verdict")
    delta = row.verdict.delta_pp
    return VerdictRow(
        row.record.key.language if several else "",
        row.name,
        percent(row.value),
        percent(row.verdict.reference.share),
        "" if delta is None else f"{delta:+.2f}",
        row.verdict.grade,
    )


def _reasons(rows: Sequence[FigureRow], *, several: bool) -> tuple[Reason, ...]:
    holds: dict[str, list[str]] = {}
    for row in rows:
        name = f"{row.record.key.language} {row.name}" if several else row.name
        for reason in row.verdict.reasons if row.verdict else ():
            holds.setdefault(reason, []).append(name)
    return tuple(
        Reason(text, () if len(names) == len(rows) else tuple(names))
        for text, names in holds.items()
    )
