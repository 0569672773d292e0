"""Pareto plots of a nearest-neighbour measurement: recall against speed and against memory."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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
_RECALL_TICKS = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1)
_EPSILON = 1e-3
"""Misses at which the axis of recall stops to be logarithmic, so that a recall of 1 has a place."""

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
    line joins what no other system beats in both. Recall is drawn by the logarithm of what is
    missed: 0.99 is as far from 0.9 as 0.9 from 0.

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
            axes.set_title(_title(report, modality))
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


def _title(report: AnnReport, modality: str) -> str:
    threads = int(report.setting["threads"])
    return (
        f"{modality.capitalize()} queries, {report.setting['n']:,} x {report.setting['dim']}, "
        f"{threads} thread{'' if threads == 1 else 's'}"
    )


def _height(recall: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Where a recall stands on its axis, 0 to 3; what lies above the axis stays finite."""
    return -np.log10(np.maximum(1 + _EPSILON - np.asarray(recall, np.float64), _EPSILON / 10))


def _recall_at(height: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The inverse."""
    return 1 + _EPSILON - 10.0 ** -np.asarray(height, np.float64)


def _draw(axes: "Axes", report: AnnReport, modality: str, quantity: str) -> None:
    places = marks(report, modality, quantity)
    colours = {row.system: f"C{number % 10}" for number, row in enumerate(report.rows)}
    if quantity == "qps":
        _draw_curves(axes, report, modality, colours)
    for (name, (x, y)), marker in zip(places.items(), _MARKERS * len(places), strict=False):
        axes.plot(
            x,
            y,
            marker=marker,
            color=colours[name],
            linestyle="none",
            label=name,
            zorder=3,
            fillstyle="none",
            markeredgewidth=1.8,
            markersize=7,
        )
    front = pareto(places.values(), more_is_better=quantity == "qps")
    if len(front) > 1:
        label = "not beaten in both"
        axes.plot(*zip(*front, strict=True), "--", color="0.6", linewidth=1, zorder=1, label=label)
    target = float(report.setting["target_recall"])
    # Scans keep nothing in memory: zero needs a place on the axis.
    if quantity == "qps":
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=16)
        axes.set_xlim(left=-2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    lowest = max(0.0, min(axes.get_ylim()[0], 1 - 1.3 * (1 - target)))
    axes.set_yscale("function", functions=(_height, _recall_at))
    axes.set_yticks(_RECALL_TICKS, labels=[f"{tick:g}" for tick in _RECALL_TICKS])
    axes.set_ylim(lowest, 1 + _EPSILON / 3)
    axes.axhline(target, color="0.2", linestyle=":", zorder=2, label=f"target {target:g}")
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
