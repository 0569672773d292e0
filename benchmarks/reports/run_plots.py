"""The plots of a run's report, each as SVG and PNG, small enough for the width of a telephone.

The same report gives the same bytes with the same matplotlib.
"""

import io
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.reports.palette import COLOURS, SERIES
from benchmarks.reports.plots import check_plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, RULE = (COLOURS[name].light for name in ("ink", "faint", "rule"))

WIDTH_IN = 3.8
FONT_PT = 8.0
LINE_IN = 0.165
"""A line of text, or a row of a plot."""

SMALL_PT = FONT_PT - 0.5

MARK: Mapping[str, Any] = {
    "marker": "D", "markersize": 4.2, "color": INK, "linestyle": "none", "zorder": 4,
}  # fmt: skip
TICK: Mapping[str, Any] = {**MARK, "marker": "|", "markersize": 8, "markeredgewidth": 1.4}
"""Of published figures, on bars and on dots."""

GAP = 0.6
"""Between groups of bars, in bars."""

_LONGEST_LINE, _LONGEST_NAME = 52, 44
_DPI = 160

_LOOK: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_PT,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot that has been drawn.

    Attributes:
        name: of its files, without ending.
        alt: what it shows, for those who cannot see it.
        svg: a file.
        png: likewise.
    """

    name: str
    alt: str
    svg: bytes
    png: bytes


@contextmanager
def canvas(title: str, subtitle: str, rows: float) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure to draw on, with its heading.

    Args:
        title: in strong letters.
        subtitle: below it.
        rows: height of what is drawn, in lines.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    check_plotting()
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with rc_context(_LOOK), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # readers have more fonts
        lines = textwrap.wrap(subtitle, _LONGEST_LINE) or [""]
        height = LINE_IN * (rows + 2.6 + len(lines))
        room = LINE_IN * (1.6 + len(lines)) / height
        layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, rect=(0, 0, 1, 1 - room))
        figure = Figure(figsize=(WIDTH_IN, height), layout=layout)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        place: dict[str, Any] = {"x": 0.01, "ha": "left", "va": "top", "in_layout": False}
        top = 1 - 0.25 * LINE_IN / height
        figure.text(y=top, s=title, fontsize=FONT_PT + 1.5, fontweight="bold", **place)
        below = top - 1.35 * LINE_IN / height
        figure.text(y=below, s="\n".join(lines), color=FAINT, linespacing=1.3, **place)
        yield figure, axes


def written(figure: "Figure", name: str, alt: str) -> Plot:
    """The files of a figure; must be called while its canvas is open."""
    from matplotlib import rc_context

    svg, png = io.BytesIO(), io.BytesIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
    return Plot(name, alt, svg.getvalue(), png.getvalue())


def colour_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each model, in order; there are six."""
    return {name: SERIES[at % len(SERIES)] for at, name in enumerate(names)}


def shortened(name: str) -> str:
    """A name that fits into the width of a plot: of a long one the middle is left out."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = (_LONGEST_NAME - 3) // 2
    return f"{name[:half]}...{name[-half:]}"


def percent_axis(axes: "Axes", *, room: float = 12) -> None:
    """Percent from left to right, with room for a number behind the longest bar."""
    axes.set_xlim(0, 100 + room)
    axes.set_xticks(range(0, 101, 20))
    axes.grid(visible=True, axis="x")
    axes.spines["bottom"].set_visible(False)


def named_rows(axes: "Axes", ticks: Sequence[tuple[float, str]], count: float) -> None:
    """Name rows at their heights, the first at the top; there is nothing else on the axis."""
    axes.set_yticks([at for at, _ in ticks], labels=[shortened(label) for _, label in ticks])
    axes.set_ylim(count - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def legend(
    figure: "Figure",
    axes: "Axes",
    colours: Mapping[str, str],
    mark: Mapping[str, Any] | None = None,
) -> None:
    """Name the models by their colours, if there are several, and the mark of published figures."""
    named = colours if len(colours) > 1 else {}
    for name, colour in named.items():
        axes.plot([], [], "s", color=colour, label=shortened(name), markersize=5.5)
    if mark is not None:
        axes.plot([], [], label="published", **mark)
    if named or mark is not None:
        figure.legend(loc="outside lower left", fontsize=SMALL_PT, ncols=1, labelspacing=0.35)
