"""Languages: in groups with their means, or one a row."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchmarks.reports.palette import SERIES
from benchmarks.reports.run_plots import (
    FAINT,
    GAP,
    MARK,
    SMALL_PT,
    TICK,
    Plot,
    canvas,
    colour_of,
    legend,
    named_rows,
    percent_axis,
    written,
)
from benchmarks.reports.shown.languages import LanguageGroup, LanguageRow, Languages
from benchmarks.reports.shown.recalls import MOST_MODELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LANGUAGES = 40
"""Of one plot; more of them become several."""


def draw_languages(shown: Languages) -> Iterator[Plot]:
    """Groups of languages as means with a dot a language, or languages as dots, the best first."""
    for start in range(0, len(shown.entrants), MOST_MODELS):
        entrants = shown.entrants[start : start + MOST_MODELS]
        if shown.is_grouped:
            yield _draw_groups(shown, entrants, "" if start == 0 else f"-{start}")
        else:
            rows = shown.groups[0].rows
            for first in range(0, len(rows), _MOST_LANGUAGES):
                part = LanguageGroup("", False, rows[first : first + _MOST_LANGUAGES])
                ending = "" if start + first == 0 else f"-{start}-{first}"
                yield _draw_list(shown, part, entrants, ending)


def _draw_groups(shown: Languages, entrants: Sequence[str], ending: str) -> Plot:
    colours = colour_of(entrants)
    means = [group.published_mean(name) for group in shown.groups for name in entrants]
    has_marks = any(each is not None for each in means)
    bars = [name for group in shown.groups for name in entrants if group.mean(name) is not None]
    rows = len(bars) + len(shown.groups) * (GAP + 0.9)
    subtitle = f"{shown.title}: mean {shown.figure}, a dot a language"
    subtitle += f", {entrants[0]}" if len(entrants) == 1 else ""
    with canvas("Languages by resources", subtitle, 1.15 * rows + len(entrants)) as drawn:
        figure, axes = drawn
        at = 0.0
        for group in shown.groups:
            n = len(group.rows)
            head = group.name if n == 1 else f"{group.name}: {n} languages"
            axes.text(0, at - 0.1, head, color=FAINT, fontsize=SMALL_PT, va="center")
            at += 0.9
            for name in entrants:
                if group.mean(name) is not None:
                    _draw_group(axes, group, name, at, colours[name])
                    at += 1
            at += GAP
        axes.set_ylim(at - GAP - 0.3, -0.7)
        axes.set_yticks([])
        percent_axis(axes)
        legend(figure, axes, colours, MARK if has_marks else None)
        told = "; ".join(
            f"{group.name}, {name}: {100 * mean:.1f} %"
            for group in shown.groups
            for name in entrants
            if (mean := group.mean(name)) is not None
        )
        return written(figure, shown.name + ending, f"{subtitle}. {told}")


def _draw_group(axes: "Axes", group: LanguageGroup, entrant: str, at: float, colour: str) -> None:
    mean, published = group.mean(entrant), group.published_mean(entrant)
    if mean is None:
        return
    values = [100 * row.values[entrant] for row in group.rows if entrant in row.values]
    axes.barh(at, 100 * mean, height=0.72, color=colour, alpha=0.35)
    axes.plot(values, [at] * len(values), "o", color=colour, markersize=2.6, alpha=0.9)
    end = max(*values, 100 * mean, 100 * (published or 0))
    few = "" if len(values) == len(group.rows) else f" ({len(values)} of {len(group.rows)})"
    axes.text(end + 2, at, f"{100 * mean:.1f}{few}", va="center", fontsize=SMALL_PT)
    if published is not None:
        axes.plot(100 * published, at, **MARK)


def _draw_list(
    shown: Languages, group: LanguageGroup, entrants: Sequence[str], ending: str
) -> Plot:
    colours = colour_of(entrants)
    mark = MARK if len(entrants) == 1 else TICK
    has_marks = any(name in row.published for row in group.rows for name in entrants)
    subtitle = f"{shown.title}: {shown.figure}"
    subtitle += f", {entrants[0]}" if len(entrants) == 1 else ""
    rows = 0.95 * len(group.rows) + (len(entrants) if len(entrants) > 1 else 0) + has_marks
    with canvas("Languages", subtitle, rows) as (figure, axes):
        for at, row in enumerate(group.rows):
            if len(entrants) == 1:
                _draw_one(axes, row, entrants[0], at)
            for name in (each for each in entrants if each in row.values):
                if len(entrants) > 1:
                    axes.plot(100 * row.values[name], at, "o", color=colours[name], markersize=4.5)
                if name in row.published:
                    axes.plot(100 * row.published[name], at, **mark)
        named_rows(axes, [(at, row.code) for at, row in enumerate(group.rows)], len(group.rows))
        percent_axis(axes)
        legend(figure, axes, colours, mark if has_marks else None)
        told = "; ".join(
            f"{row.code} " + ", ".join(f"{100 * row.values[n]:.1f} %" for n in row.values)
            for row in group.rows
        )
        return written(figure, shown.name + ending, f"{subtitle}. {told}")


def _draw_one(axes: "Axes", row: LanguageRow, entrant: str, at: float) -> None:
    if entrant in row.values:
        value, published = row.values[entrant], row.published.get(entrant, 0.0)
        axes.barh(at, 100 * value, height=0.7, color=SERIES[0])
        end = 100 * max(value, published) + 2
        axes.text(end, at, f"{100 * value:.1f}", va="center", fontsize=SMALL_PT - 0.5)
