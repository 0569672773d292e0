"""Each kind of plot of a run's report: bars of recall, languages, indexes, ranks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.reports.palette import RANK_BINS, letters_on
from benchmarks.reports.run_plots import (
    FAINT,
    FONT_PT,
    INK,
    RULE,
    Plot,
    canvas,
    colour_of,
    percent_axis,
    shortened,
    written,
)
from benchmarks.reports.shown.index_cost import IndexCost
from benchmarks.reports.shown.languages import LanguageGroup, Languages
from benchmarks.reports.shown.naming import way_name
from benchmarks.reports.shown.rank_bins import RankHistogram
from benchmarks.reports.shown.recalls import MOST_MODELS, Bar, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GAP = 0.6
"""Between groups of bars, in bars."""

_MOST_LANGUAGES = 40
"""Of one plot; more of them become several."""

_WIDE_ENOUGH = 0.075
"""The share of a stack that has room for its number."""

_MARK: Mapping[str, Any] = {
    "marker": "D", "markersize": 4.2, "color": INK, "linestyle": "none", "zorder": 4,
}  # fmt: skip
_LINE = FONT_PT - 0.5
_LEGEND_COLUMNS = 5


def draw_panel(panel: Panel) -> Plot:
    """Bars of recall, one a depth and model; a diamond is the published figure."""
    colours = colour_of(panel.entrants)
    rows = len(panel.bars) + _GAP * len(panel.labels)
    has_marks = any(bar.published is not None for bar in panel.bars)
    legend = (len(panel.entrants) if len(panel.entrants) > 1 else 0) + has_marks
    subtitle = panel.title if legend > has_marks else f"{panel.title}: {panel.entrants[0]}"
    with canvas(panel.way.capitalize(), subtitle, 1.05 * rows + legend) as (figure, axes):
        ticks = []
        at = 0.0
        for label in panel.labels:
            own = [bar for bar in panel.bars if bar.label == label]
            ticks.append((at + (len(own) - 1) / 2, label))
            for bar in own:
                _draw_bar(axes, bar, at, colours[bar.entrant])
                at += 1
            at += _GAP
        _rows(axes, ticks, at - _GAP)
        percent_axis(axes)
        _legend(figure, axes, colours if len(colours) > 1 else {}, has_marks=has_marks)
        told = ", ".join(
            f"{bar.label} of {bar.entrant} {100 * bar.value:.1f} %"
            + ("" if bar.published is None else f" (published {100 * bar.published:.1f} %)")
            for bar in panel.bars
        )
        return written(figure, panel.name, f"{panel.title}, {panel.way}: {told}")


def draw_ranks(histogram: RankHistogram) -> Plot:
    """A stack for each model and direction: the shares of queries whose answer is that far down."""
    bars = histogram.bars
    ways = list(dict.fromkeys(bar.way for bar in bars))
    rows = 2 * len(bars) + len(ways)
    subtitle = histogram.title
    if histogram.n_languages > 1:
        subtitle += f", {histogram.n_languages} languages together"
    legend_rows = -(-len(histogram.edges) // _LEGEND_COLUMNS)
    with canvas("Rank of the best right answer", subtitle, 1.1 * rows + legend_rows) as drawn:
        figure, axes = drawn
        at = 0.0
        for way in ways:
            axes.text(0, at - 0.15, way_name(way), color=FAINT, fontsize=_LINE, va="center")
            at += 0.8
            for bar in (each for each in bars if each.way == way):
                label = shortened(bar.entrant)
                axes.text(0, at - 0.1, label, fontsize=_LINE, va="center")
                _draw_stack(axes, bar.shares, at + 0.7)
                at += 2
            at += 0.2
        axes.set_ylim(at - 0.6, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(0, 100)
        axes.set_xticks(range(0, 101, 20))
        for colour, label in zip(RANK_BINS, histogram.labels, strict=False):
            axes.bar(0, 0, color=colour, label=label)
        figure.legend(
            loc="outside lower left", ncols=_LEGEND_COLUMNS, fontsize=_LINE, columnspacing=1
        )
        told = "; ".join(
            f"{way_name(bar.way)}, {bar.entrant}: "
            + ", ".join(
                f"{100 * share:.1f} % at {label}"
                for label, share in zip(histogram.labels, bar.shares, strict=True)
            )
            for bar in bars
        )
        return written(figure, histogram.name, f"{subtitle}. {told}")


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


def draw_cost(cost: IndexCost) -> Iterator[Plot]:
    """What each way of searching finds; and beside how long it takes, if that is known."""
    bars = [
        Bar(label, row.system, row.recalls[label], None)
        for label in cost.labels
        for row in cost.rows
        if label in row.recalls
    ]
    bars += [
        Bar(name.replace("ann_recall@", "ANN@"), row.system, share, None)
        for row in cost.rows
        for name, share in row.ann_recall.items()
    ]
    title = f"{cost.title}, {cost.entrant}"
    yield draw_panel(Panel(cost.name, title, "through an index", tuple(bars)))
    if cost.is_timed:
        yield _draw_times(cost, title)


def _draw_times(cost: IndexCost, title: str) -> Plot:
    colours = colour_of(cost.labels)
    timed = [(row, row.search_ms) for row in cost.rows if row.search_ms is not None]
    with canvas("Recall against time", title, 15 + len(timed)) as (figure, axes):
        for number, (row, ms) in enumerate(timed, start=1):
            for label, recall in row.recalls.items():
                axes.plot(ms, 100 * recall, "o", color=colours[label], markersize=5, zorder=3)
            top = 100 * max(row.recalls.values(), default=0.0)
            axes.annotate(
                str(number), (ms, top), (0, 6), textcoords="offset points",
                ha="center", fontsize=_LINE,
            )  # fmt: skip
            axes.plot([], [], " ", label=f"{number}  {row.system}, {ms:.3f} ms")
        for label, colour in colours.items():
            axes.plot([], [], "o", color=colour, label=label, markersize=5)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        times = [ms for _, ms in timed]
        axes.set_xlim(min(times) / 2, max(times) * 2)
        axes.set_ylim(0, 108)
        axes.set_xlabel("milliseconds a query, many at a time")
        axes.set_ylabel("percent")
        axes.grid(visible=True, color=RULE)
        figure.legend(loc="outside lower left", fontsize=_LINE, ncols=1)
        told = "; ".join(
            f"{row.system} {ms:.3f} ms, "
            + ", ".join(f"{label} {100 * each:.1f} %" for label, each in row.recalls.items())
            for row, ms in timed
        )
        return written(figure, f"{cost.name}-time", f"{title}: {told}")


def _draw_groups(shown: Languages, entrants: Sequence[str], ending: str) -> Plot:
    colours = colour_of(entrants)
    means = [group.published_mean(name) for group in shown.groups for name in entrants]
    has_marks = any(each is not None for each in means)
    bars = [name for group in shown.groups for name in entrants if group.mean(name) is not None]
    rows = len(bars) + len(shown.groups) * (_GAP + 0.9)
    subtitle = f"{shown.title}: mean {shown.figure}, a dot a language"
    subtitle += f", {entrants[0]}" if len(entrants) == 1 else ""
    with canvas("Languages by resources", subtitle, 1.15 * rows + len(entrants)) as drawn:
        figure, axes = drawn
        at = 0.0
        for group in shown.groups:
            n = len(group.rows)
            head = group.name if n == 1 else f"{group.name}: {n} languages"
            axes.text(0, at - 0.1, head, color=FAINT, fontsize=_LINE, va="center")
            at += 0.9
            for name in entrants:
                if group.mean(name) is not None:
                    _draw_group(axes, group, name, at, colours[name])
                    at += 1
            at += _GAP
        axes.set_ylim(at - _GAP - 0.3, -0.7)
        axes.set_yticks([])
        percent_axis(axes)
        _legend(figure, axes, colours if len(entrants) > 1 else {}, has_marks=has_marks)
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
    axes.text(end + 2, at, f"{100 * mean:.1f}{few}", va="center", fontsize=_LINE)
    if published is not None:
        axes.plot(100 * published, at, **_MARK)


def _draw_list(
    shown: Languages, group: LanguageGroup, entrants: Sequence[str], ending: str
) -> Plot:
    colours = colour_of(entrants)
    has_marks = any(name in row.published for row in group.rows for name in entrants)
    subtitle = f"{shown.title}: {shown.figure}"
    subtitle += f", {entrants[0]}" if len(entrants) == 1 else ""
    rows = 0.95 * len(group.rows) + (len(entrants) if len(entrants) > 1 else 0) + has_marks
    with canvas("Languages", subtitle, rows) as (figure, axes):
        for at, row in enumerate(group.rows):
            own = [name for name in entrants if name in row.values]
            for name in own:
                if len(entrants) == 1:
                    axes.barh(at, 100 * row.values[name], height=0.7, color=colours[name])
                else:
                    axes.plot(100 * row.values[name], at, "o", color=colours[name], markersize=4.5)
                if name in row.published:
                    axes.plot(100 * row.published[name], at, **(dict(_MARK) | {"markersize": 3}))
            if len(entrants) == 1 and own:
                end = max(row.values[own[0]], row.published.get(own[0], 0))
                shown_value = f"{100 * row.values[own[0]]:.1f}"
                axes.text(100 * end + 2, at, shown_value, va="center", fontsize=_LINE - 0.5)
        _rows(axes, [(at, row.code) for at, row in enumerate(group.rows)], len(group.rows))
        percent_axis(axes)
        _legend(figure, axes, colours if len(entrants) > 1 else {}, has_marks=has_marks)
        told = "; ".join(
            f"{row.code} " + ", ".join(f"{100 * row.values[n]:.1f} %" for n in row.values)
            for row in group.rows
        )
        return written(figure, shown.name + ending, f"{subtitle}. {told}")


def _draw_bar(axes: "Axes", bar: Bar, at: float, colour: str) -> None:
    axes.barh(at, 100 * bar.value, height=0.82, color=colour)
    end = max(bar.value, bar.published or 0)
    beyond = 2.0 if bar.published is None or bar.published < bar.value - 0.02 else 3.4
    axes.text(100 * end + beyond, at, f"{100 * bar.value:.1f}", va="center", fontsize=_LINE)
    if bar.published is not None:
        axes.plot(100 * bar.published, at, **_MARK)


def _draw_stack(axes: "Axes", shares: Sequence[float], at: float) -> None:
    left = 0.0
    for share, colour in zip(shares, RANK_BINS, strict=False):
        axes.barh(at, 100 * share, left=100 * left, height=0.85, color=colour)
        if share >= _WIDE_ENOUGH:
            axes.text(
                100 * (left + share / 2), at, f"{100 * share:.0f}", ha="center", va="center",
                color=letters_on(colour), fontsize=_LINE,
            )  # fmt: skip
        left += share


def _rows(axes: "Axes", ticks: Sequence[tuple[float, str]], count: float) -> None:
    axes.set_yticks([at for at, _ in ticks], labels=[shortened(label) for _, label in ticks])
    axes.set_ylim(count - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def _legend(figure: "Figure", axes: "Axes", colours: Mapping[str, str], *, has_marks: bool) -> None:
    for name, colour in colours.items():
        axes.plot([], [], "s", color=colour, label=shortened(name), markersize=5.5)
    if has_marks:
        axes.plot([], [], label="published", **_MARK)
    if colours or has_marks:
        figure.legend(loc="outside lower left", fontsize=_LINE, ncols=1, labelspacing=0.35)
