"""How the tables of published figures are written: the same bytes for the same figures."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = Mapping[str, object]


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a CSV file; the first row names the columns, and all have the same."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def write_values(path: Path, made_from: str, rows: Iterable[Row]) -> None:
    """Write a TOML file of rows, one line each, without what is empty."""
    lines = [f"# Made from {made_from} by python -m benchmarks.reference.build.", "rows = ["]
    lines += [f"    {_inline(row)}," for row in rows]
    path.write_text("\n".join([*lines, "]", ""]), encoding="utf-8")


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        kept = {key: each for key, each in value.items() if each not in (None, "", {})}
        return (
            "{ " + ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in kept.items()) + " }"
        )
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else json.dumps(name)
