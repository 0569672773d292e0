"""The files of a report: a page, Markdown, tables, plots; all of them or none."""

from pathlib import Path

from benchmarks.records.folder import RunFolder
from benchmarks.reports.clip_benchmark import as_clip_benchmark
from benchmarks.reports.drawn import drawn
from benchmarks.reports.markdown import as_markdown
from benchmarks.reports.page.page import render_page
from benchmarks.reports.shown.figures import as_csv
from benchmarks.reports.shown.report import Report
from retrieval.export.files import new_files

PAGE, MARKDOWN, FIGURES, CLIP_BENCHMARK = (
    "report.html", "report.md", "figures.csv", "clip_benchmark.csv",
)  # fmt: skip


def write_report(report: Report, run: RunFolder, out: Path) -> tuple[tuple[Path, ...], int]:
    """Write a report, over an older one.

    Args:
        report: of the run.
        run: that it is of.
        out: a folder that is there.

    Returns:
        The files, the page first, and how many records are not in CLIP_benchmark's table.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OSError: a file cannot be written; none is then.
    """
    plots = drawn(report)
    table, n_left_out = as_clip_benchmark(run.records())
    contents = {
        PAGE: render_page(report, plots).encode(),
        MARKDOWN: as_markdown(report, plots).encode("utf-8", "replace"),
        FIGURES: as_csv(report.rows).encode("utf-8", "replace"),
        CLIP_BENCHMARK: table.encode("utf-8", "replace"),
    }
    for plot in plots.all:
        contents |= {f"{plot.name}.svg": plot.svg, f"{plot.name}.png": plot.png}
    paths = tuple(out / name for name in contents)
    with new_files(paths, force=True) as partials:
        for partial, content in zip(partials, contents.values(), strict=True):
            partial.write_bytes(content)
    return paths, n_left_out
