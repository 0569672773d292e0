"""Bars of recall: models beside published figures, indexes beside the whole gallery."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchmarks.reports.run_plots import (
    GAP,
    MARK,
    RULE,
    SMALL_PT,
    Plot,
    canvas,
    colour_of,
    legend,
    named_rows,
    percent_axis,
    written,
)
from benchmarks.reports.shown.index_cost import IndexCost
from benchmarks.reports.shown.naming import way_name
from benchmarks.reports.shown.recalls import Bar, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_panel(panel: Panel) -> Plot:
    """Bars of recall, one a depth and model; a diamond is the published figure."""
    colours = colour_of(panel.entrants)
    rows = len(panel.bars) + GAP * len(panel.labels)
    has_marks = any(bar.published is not None for bar in panel.bars)
    several = len(panel.entrants) > 1
    n_named = (len(panel.entrants) if several else 0) + has_marks
    subtitle = panel.title if several else f"{panel.title}: {panel.entrants[0]}"
    with canvas(panel.way.capitalize(), subtitle, 1.05 * rows + n_named) as (figure, axes):
        ticks = []
        at = 0.0
        for label in panel.labels:
            own = [bar for bar in panel.bars if bar.label == label]
            ticks.append((at + (len(own) - 1) / 2, label))
            for bar in own:
                _draw_bar(axes, bar, at, colours[bar.entrant])
                at += 1
            at += GAP
        named_rows(axes, ticks, at - GAP)
        percent_axis(axes)
        legend(figure, axes, colours, MARK if has_marks else None)
        told = ", ".join(
            f"{bar.label} of {bar.entrant} {100 * bar.value:.1f} %"
            + ("" if bar.published is None else f" (published {100 * bar.published:.1f} %)")
            for bar in panel.bars
        )
        return written(figure, panel.name, f"{panel.title}, {panel.way}: {told}")


def draw_cost(cost: IndexCost) -> Iterator[Plot]:
    """What each way of searching finds; and beside how long it takes, if that is known."""
    bars = [
        Bar(label, row.system, row.recalls[label], None)
        for label in cost.labels
        for row in cost.rows
        if label in row.recalls
    ]
    bars += [
        Bar(f"ANN@{depth}", row.system, share, None)
        for row in cost.rows
        for depth, share in row.ann_recall.items()
    ]
    title = f"{cost.title}, {cost.entrant}"
    yield draw_panel(Panel(cost.name, title, f"{way_name(cost.way)}, index", tuple(bars)))
    if cost.is_timed:
        yield _draw_times(cost, title)


def _draw_times(cost: IndexCost, title: str) -> Plot:
    colours = colour_of(cost.labels)
    timed = [(row, row.search_ms) for row in cost.rows if row.search_ms is not None]
    heading = f"{way_name(cost.way).capitalize()}, time"
    with canvas(heading, title, 15 + len(timed)) as (figure, axes):
        for number, (row, ms) in enumerate(timed, start=1):
            for label, recall in row.recalls.items():
                axes.plot(ms, 100 * recall, "o", color=colours[label], markersize=5, zorder=3)
            top = 100 * max(row.recalls.values(), default=0.0)
            axes.annotate(
                str(number), (ms, top), (0, 6), textcoords="offset points",
                ha="center", fontsize=SMALL_PT,
            )  # fmt: skip
            axes.plot([], [], " ", label=f"{number}  {row.system}, {ms:.3f} ms")
        for label, colour in colours.items():
            axes.plot([], [], "o", color=colour, label=label, markersize=5)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.set_xlim(*_decades([ms for _, ms in timed]))
        axes.set_ylim(0, 108)
        axes.set_xlabel("milliseconds, one query at a time")
        axes.set_ylabel("percent")
        axes.grid(visible=True, color=RULE)
        figure.legend(loc="outside lower left", fontsize=SMALL_PT, ncols=1)
        told = "; ".join(
            f"{row.system} {ms:.3f} ms, "
            + ", ".join(f"{label} {100 * each:.1f} %" for label, each in row.recalls.items())
            for row, ms in timed
        )
        return written(figure, f"{cost.name}-time", f"{title}: {told}")


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around positive numbers, with room to both sides."""
    least, most = max(min(values), 1e-6), max(*values, 1e-6)
    return 10 ** math.floor(math.log10(least / 1.5)), 10 ** math.ceil(math.log10(most * 1.5))


def _draw_bar(axes: "Axes", bar: Bar, at: float, colour: str) -> None:
    axes.barh(at, 100 * bar.value, height=0.82, color=colour)
    end = max(bar.value, bar.published or 0)
    beyond = 2.0 if bar.published is None or bar.published < bar.value - 0.02 else 3.4
    axes.text(100 * end + beyond, at, f"{100 * bar.value:.1f}", va="center", fontsize=SMALL_PT)
    if bar.published is not None:
        axes.plot(100 * bar.published, at, **MARK)
