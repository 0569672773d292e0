"""A report as Markdown, for issues and repositories."""

import re
from collections.abc import Iterator, Sequence

from benchmarks.reports.drawn import Drawn
from benchmarks.reports.run_plots import Plot
from benchmarks.reports.shown.report import Report
from benchmarks.reports.shown.settings_diff import SettingsDiff
from benchmarks.reports.shown.tables import Table
from benchmarks.reports.shown.verdict_groups import VerdictGroup
from benchmarks.reports.words import (
    COSTS,
    FIGURES,
    LANGUAGES,
    PROVENANCE,
    RANKS,
    RECALLS,
    SETTINGS,
    VERDICTS,
    Words,
    language_tables,
    summary,
    title,
)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def as_markdown(report: Report, plots: Drawn) -> str:
    """The report without its pictures; plots are the SVG files beside it."""
    lines = [f"# {_text(title(report))}", "", _text(summary(report)), ""]
    lines += _verdicts(report)
    lines += _section(RECALLS, plots.recalls, ())
    tables = [each for shown in report.languages for each in language_tables(shown)]
    lines += _section(LANGUAGES, plots.languages, tables)
    lines += _section(COSTS, plots.costs, [each.table() for each in report.costs])
    lines += _section(RANKS, plots.ranks, [each.table() for each in report.ranks])
    lines += _section(SETTINGS, (), [_settings(each) for each in report.settings])
    lines += _section(FIGURES, (), report.tables)
    lines += _section(PROVENANCE, (), report.provenance)
    return "\n".join(lines).rstrip("\n") + "\n"


def _verdicts(report: Report) -> list[str]:
    counts = ", ".join(f"{count:,} {grade}" for grade, count in report.grades.items())
    lines = [f"{counts}.", ""] if counts else []
    for group in report.verdicts:
        lines += _lines(_group(group))
        for reason in group.reasons:
            of = f" ({', '.join(reason.of)})" if reason.of else ""
            lines.append(_text(f"- {reason.text}{of}", keep=2))
        lines += [""] if group.reasons else []
    if report.bare:
        lines += [_text(f"Nothing comparable was published of {', '.join(report.bare)}."), ""]
    return [f"## {VERDICTS.title}", "", *lines] if lines else []


def _group(group: VerdictGroup) -> Table:
    rows = tuple(
        (f"{each.language} {each.figure}".strip(), each.own, each.published, each.delta, each.grade)
        for each in group.rows
    )
    heads = ("figure", "here", "published", "delta", "verdict")
    what = f"{group.title}, {group.entrant}, {group.system}; published: {group.source}"
    return Table(what, heads, rows, (1, 2, 3))


def _settings(diff: SettingsDiff) -> Table:
    rows = tuple(
        (each.name.replace("_", " "), each.own, each.published, "differs" if each.differs else "")
        for each in diff.rows
    )
    what = f"{diff.title}, {diff.entrant}; published: {diff.source}"
    return Table(what, ("setting", "here", "published", ""), rows)


def _section(words: Words, plots: Sequence[Plot], tables: Sequence[Table]) -> list[str]:
    """A section; none where it is empty."""
    if not plots and not tables:
        return []
    lines = [f"## {words.title}", ""]
    if words.intro:
        lines += [_text(words.intro), ""]
    for plot in plots:
        lines += [f"![{_text(plot.alt)}]({plot.name}.svg)", ""]
    return [*lines, *(line for each in tables for line in _lines(each))]


def _lines(table: Table) -> Iterator[str]:
    yield f"### {_text(table.title)}"
    yield ""
    yield _row(table.heads)
    yield _row(["---:" if at in table.numbers else "---" for at in range(len(table.heads))], keep=4)
    for row in table.rows:
        yield _row(row)
    yield ""


def _row(cells: Sequence[str], *, keep: int = 0) -> str:
    return f"| {' | '.join(_text(each, keep=keep) for each in cells)} |"


def _text(text: str, *, keep: int = 0) -> str:
    """Text that is no Markdown and stays on its line.

    Args:
        text: whatever it holds.
        keep: letters at its start that are Markdown.
    """
    return text[:keep] + _SPECIAL.sub(r"\\\1", " ".join(text[keep:].split()))
