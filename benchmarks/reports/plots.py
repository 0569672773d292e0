"""Pareto plots of a nearest-neighbour measurement: recall against speed and against memory."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.records.ann import AnnReport
from benchmarks.systems.base import MODALITIES
from retrieval.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

_AGAINST = {
    "qps": "queries a second, 64 at a time",
    "bytes": "resident bytes a vector",
}
_FORMATS = ("svg", "png")
_MARKERS = "os^vDP*Xdph<>"


def check_plotting() -> None:
    """Say at once, not after an hour, that there is nothing to draw with.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "plots need matplotlib, which is not installed", hint="install polyseek[bench]"
        ) from error


def draw_pareto(report: AnnReport, folder: Path) -> list[Path]:
    """Write the plots of every modality, as SVG and PNG.

    A system is one mark where it was tuned to; a thin line is what its knob can do. The dashed
    line joins what no other system beats in both.

    Args:
        report: with at least one row that has figures.
        folder: that is there; recall-qps-text.svg and so on are written into it.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    check_plotting()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = []
    for modality in MODALITIES:
        for quantity, label in _AGAINST.items():
            figure = Figure(figsize=(7, 5), layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.add_subplot()
            _draw(axes, report, modality, quantity)
            axes.set_xlabel(label)
            axes.set_ylabel(f"recall@{report.setting['k']}")
            axes.set_title(
                f"{modality.capitalize()} queries, {report.setting['n']:,} x "
                f"{report.setting['dim']}, {report.setting['threads']} threads"
            )
            for form in _FORMATS:
                path = folder / f"recall-{quantity}-{modality}.{form}"
                figure.savefig(path, dpi=130)
                written.append(path)
    return written


def marks(report: AnnReport, modality: str, quantity: str) -> dict[str, Point]:
    """Where each system stands: (quantity, recall) by name; those without figures are left out."""
    found = {}
    for row in report.rows:
        speed: float | None = getattr(row, f"qps_b64_{modality}")
        recall: float | None = getattr(row, f"recall_{modality}")
        value = speed if quantity == "qps" else row.resident_bytes_per_vector
        if value is not None and recall is not None:
            found[row.system] = (value, recall)
    return found


def pareto(points: Iterable[Point], *, more_is_better: bool) -> list[Point]:
    """The points that none beats in both, by their quantity; of equal ones one.

    Args:
        points: (quantity, recall); more recall is always better.
        more_is_better: whether the same holds for the quantity.
    """
    sign = -1 if more_is_better else 1
    best: list[Point] = []
    for point in sorted(set(points), key=lambda each: (sign * each[0], -each[1])):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return sorted(best)


def _draw(axes: "Axes", report: AnnReport, modality: str, quantity: str) -> None:
    places = marks(report, modality, quantity)
    colours = {row.system: f"C{number % 10}" for number, row in enumerate(report.rows)}
    if quantity == "qps":
        _draw_curves(axes, report, modality, colours)
    for (name, (x, y)), marker in zip(places.items(), _MARKERS * len(places), strict=False):
        axes.plot(x, y, marker=marker, color=colours[name], linestyle="none", label=name, zorder=3)
    front = pareto(places.values(), more_is_better=quantity == "qps")
    axes.plot(*zip(*front, strict=True), color="0.6", linestyle="--", linewidth=1, zorder=1)
    target = float(report.setting["target_recall"])
    # Scans keep nothing in memory: zero needs a place on the axis.
    if quantity == "qps":
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=16)
        axes.set_xlim(left=-2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.axhline(target, color="0.4", linestyle=":", zorder=0, label=f"target {target:g}")
    axes.grid(visible=True, color="0.93")
    axes.legend(fontsize="small")


def _draw_curves(
    axes: "Axes", report: AnnReport, modality: str, colours: Mapping[str, str]
) -> None:
    for name, colour in colours.items():
        line = [
            (point.qps, point.recall)
            for point in report.curves
            if (point.system, point.modality) == (name, modality)
        ]
        if line:
            axes.plot(*zip(*line, strict=True), color=colour, linewidth=1, alpha=0.5, marker=".")
