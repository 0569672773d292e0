"""Settings of a run beside those of the published figures that it is held against."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reference.keys import UNSTATED, settled
from benchmarks.reference.settings import EFFECTS, NAMES
from benchmarks.reference.verdicts import known_of
from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import protocol_name, whatever_language
from benchmarks.verify import settings_of

_UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, or one part of a protocol.

    Attributes:
        name: of it.
        own: here.
        published: there.
        differs: whether both are known and are not the same.
        effect: what a difference was seen to be worth; "" of parts of a protocol.
    """

    name: str
    own: str
    published: str
    differs: bool
    effect: str = ""


@dataclass(frozen=True, slots=True)
class SettingsDiff:
    """What a run and a published one share and do not share.

    Attributes:
        title: the protocol.
        entrant: the model.
        source: title of what the published figures stand in.
        rows: parts of the protocol that differ, then all settings that either tells.
    """

    title: str
    entrant: str
    source: str
    rows: tuple[SettingRow, ...]


def settings_diffs(rows: Sequence[FigureRow]) -> tuple[SettingsDiff, ...]:
    """One for each protocol, model and source, of its first figure; languages share one."""
    firsts: dict[tuple[object, str, str, str], FigureRow] = {}
    for row in rows:
        if row.verdict is not None:
            key, source = whatever_language(row.record.key), row.verdict.reference.source.name
            firsts.setdefault((key, row.entrant, row.record.system, source), row)
    found: dict[tuple[str, str, str], SettingsDiff] = {}
    for row in firsts.values():
        if (diff := _diff(row)).rows:
            found.setdefault((diff.title, diff.entrant, diff.source), diff)
    return tuple(found.values())


def _diff(row: FigureRow) -> SettingsDiff:
    if row.verdict is None:
        raise ValueError(f"{row.name} has no verdict")
    reference = row.verdict.reference
    parts = tuple(
        SettingRow(name, _shown(own), _shown(other), differs=UNSTATED not in (own, other))
        for name, own, other in settled(row.record.key).differences(reference.key)
    )
    own, theirs = settings_of(row.record), known_of(reference)
    pairs = ((name, getattr(own, name), getattr(theirs, name)) for name in NAMES)
    settings = tuple(
        SettingRow(
            name,
            _shown(here),
            _shown(there),
            differs=None not in (here, there) and here != there,
            effect=EFFECTS[name],
        )
        for name, here, there in pairs
        if (here, there) != (None, None)
    )
    return SettingsDiff(
        protocol_name(row.record.key), row.entrant, reference.source.title, parts + settings
    )


def _shown(value: object) -> str:
    if value is None or value == UNSTATED:
        return _UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "none"
