"""Stacks of ranks: how far down right answers stand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.reports.palette import RANK_BINS, letters_on
from benchmarks.reports.run_plots import (
    FAINT,
    SMALL_PT,
    Plot,
    canvas,
    shortened,
    written,
)
from benchmarks.reports.shown.naming import way_name
from benchmarks.reports.shown.rank_bins import RankHistogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE_ENOUGH = 0.075
"""The share of a stack that has room for its number."""

_LEGEND_COLUMNS = 5


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
            axes.text(0, at - 0.15, way_name(way), color=FAINT, fontsize=SMALL_PT, va="center")
            at += 0.8
            for bar in (each for each in bars if each.way == way):
                label = shortened(bar.entrant)
                axes.text(0, at - 0.1, label, fontsize=SMALL_PT, va="center")
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
            loc="outside lower left", ncols=_LEGEND_COLUMNS, fontsize=SMALL_PT, columnspacing=1
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


def _draw_stack(axes: "Axes", shares: Sequence[float], at: float) -> None:
    left = 0.0
    for share, colour in zip(shares, RANK_BINS, strict=False):
        axes.barh(at, 100 * share, left=100 * left, height=0.85, color=colour)
        if share >= _WIDE_ENOUGH:
            axes.text(
                100 * (left + share / 2), at, f"{100 * share:.0f}", ha="center", va="center",
                color=letters_on(colour), fontsize=SMALL_PT,
            )  # fmt: skip
        left += share
