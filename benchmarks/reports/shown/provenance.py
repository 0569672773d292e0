"""What the figures of a run rest on: files, models, packages, machine, times."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.records.run import RunRecord
from benchmarks.reports.shown.naming import entrants, protocol_name
from benchmarks.reports.shown.tables import Cells, Table, distinct

_MOST_NAMED = 5
_MOST_LETTERS = 400


def provenance(records: Sequence[RunRecord]) -> tuple[Table, ...]:
    """Tables of data, models, settings, environments and times; what records share is told once."""
    tables = (
        Table("Data", ("data set", "what", "value"), _data(records)),
        Table("Models", ("model", "what", "value"), _models(records)),
        Table("Settings", ("protocol", "model", "settings"), _settings(records)),
        Table("Environment", ("what", "value"), _environment(records)),
        _times(records),
    )
    return tuple(each for each in tables if each.rows)


def _data(records: Sequence[RunRecord]) -> tuple[Cells, ...]:
    rows: list[Cells] = []
    for each in records:
        data, name = each.data, f"{each.key.dataset} {each.key.split}"
        rows += [(name, f"sha256 of {file}", sha) for file, sha in data["annotations"].items()]
        known = data.get("is_known")
        if known is not None:
            shown = "those of published results" if known else "not known to be those of others"
            rows.append((name, "annotations", shown))
        rows.append((name, "sha256 of the pictures", str(data["pictures"])))
        if licence := data.get("licence"):
            rows.append((name, "licence", licence))
        if missing := data.get("missing"):
            named = ", ".join(missing[:_MOST_NAMED])
            more = ", ..." if len(missing) > _MOST_NAMED else ""
            rows.append((name, "missing pictures", f"{len(missing):,}: {named}{more}"))
    return distinct(rows)


def _models(records: Sequence[RunRecord]) -> tuple[Cells, ...]:
    names = entrants(records)
    rows: list[Cells] = []
    for at, each in enumerate(records):
        model, name = each.model, names[at]
        rows.append((name, "name", model["name"]))
        rows.append((name, "fingerprint", model["fingerprint"]))
        rows.append((name, "dimensions", str(model["dim"])))
        rows += [(name, what, _short(value)) for what, value in model["parts"].items()]
    return distinct(rows)


def _settings(records: Sequence[RunRecord]) -> tuple[Cells, ...]:
    names = entrants(records)
    return distinct(
        [
            (_protocol(each), names[at], _listed(each.settings))
            for at, each in enumerate(records)
            if each.settings
        ]
    )


def _protocol(record: RunRecord) -> str:
    return f"{record.key.dataset} {record.key.split}"


def _environment(records: Sequence[RunRecord]) -> tuple[Cells, ...]:
    rows: list[Cells] = []
    for each in records:
        for what, value in each.environment.items():
            rows.append((what, _listed(value) if isinstance(value, Mapping) else str(value)))
    return distinct([row for row in rows if row[1]])


def _times(records: Sequence[RunRecord]) -> Table:
    names = entrants(records)
    columns = tuple(dict.fromkeys(name for each in records for name in each.times))
    rows = tuple(
        (
            protocol_name(each.key),
            names[at],
            each.system,
            *(f"{each.times[name]:,.3f}" if name in each.times else "-" for name in columns),
        )
        for at, each in enumerate(records)
        if each.times
    )
    heads = ("protocol", "model", "search", *(each.replace("_", " ") for each in columns))
    return Table("Times", heads, rows, tuple(range(3, len(heads))))


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(value: object) -> str:
    text = _plain(value)
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}..."
