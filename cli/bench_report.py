"""`polyseek bench report`: a run as a page, tables and plots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import Context, begin
from cli.exits import full_disk_at, reported_errors
from cli.options import DeviceOption, JsonOption, QuietOption, examples
from cli.output import note, shown_path, write_json, write_text
from cli.progress import step_progress
from retrieval.errors import BenchmarkError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.features import Features
    from benchmarks.records.folder import RunFolder
    from benchmarks.reports.shown.report import Report
    from retrieval.encoders.base import Encoder

_EXAMPLES = examples(
    "polyseek bench report runs/clip",
    "polyseek bench report runs/mini --data ~/datasets --out report",
)

_FOLDER = "report"
_NO_DATA = "The worst queries are shown with their pictures by polyseek bench report RUN --data DIR"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", epilog=_EXAMPLES)(report)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder of the report, new or old. Default: report in RUN.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The folder with the data sets: shows the worst queries with their pictures.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Show a run: one HTML page that needs nothing else, Markdown, CSV, and plots as SVG and PNG.

    Figures beside published ones, recall, languages, indexes, ranks, settings, and what all of it
    rests on. clip_benchmark.csv has the form of CLIP_benchmark's table. The same run gives the same
    files.
    """
    flags = {"device": device.value if device else None}
    with reported_errors(as_json=json):
        context = begin(flags, quiet=quiet)
        from benchmarks.records.folder import RunFolder
        from benchmarks.reports.plots import check_plotting

        folder = RunFolder(run)
        if not folder.records():
            raise BenchmarkError(
                f"no records in {shown_path(run)}", hint="make some: polyseek bench run --out RUN"
            )
        check_plotting()
        target = out or run / _FOLDER
        with full_disk_at(target):
            shown = _report(folder, data, context)
            _write(shown, folder, target, quiet=quiet, as_json=json)


def _report(folder: "RunFolder", data: Path | None, context: Context) -> "Report":
    from benchmarks.reports.shown.failures import failures_of_run
    from benchmarks.reports.shown.report import report_of

    if data is None:
        return report_of(folder, no_failures=(_NO_DATA,))
    if not data.is_dir():
        raise SettingsError(
            f"--data {shown_path(data)} is no folder", hint="name the folder with the data sets"
        )
    with step_progress("embedding", quiet=context.quiet) as shown:
        found, reasons = failures_of_run(folder, data, _encoders(context, shown))
    for reason in reasons:
        note(f"warning: no failures of {reason}", quiet=context.quiet)
    return report_of(folder, found, tuple(f"Not shown: {each}" for each in reasons))


def _encoders(
    context: Context, shown: "Callable[[int, int], None] | None"
) -> "Callable[[str], tuple[Encoder, Features]]":
    """Loads each encoder once."""
    from functools import cache

    from benchmarks.features import Features
    from retrieval.encoders.registry import get_encoder
    from retrieval.store.cached import CacheFolder

    @cache
    def load(name: str) -> "tuple[Encoder, Features]":
        encoder = get_encoder(name, device=context.settings.device)
        told = None if shown is None else lambda _, done, total: shown(done, total)
        return encoder, Features(encoder, CacheFolder(context.cache_dir, "features"), told)

    return load


def _write(
    shown: "Report", folder: "RunFolder", target: Path, *, quiet: bool, as_json: bool
) -> None:
    from benchmarks.reports.writing import write_report

    try:
        target.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingsError(
            f"--out {shown_path(target)} is a file, or lies below one",
            hint="name a folder, new or old",
        ) from error
    paths, n_left_out = write_report(shown, folder, target)
    if n_left_out:
        note(
            f"{n_left_out:,} records have no place in CLIP_benchmark's table: other data sets, "
            "indexes, folds",
            quiet=quiet,
        )
    if as_json:
        write_json({"files": [str(path) for path in paths], "not_in_clip_benchmark": n_left_out})
        return
    for path in paths:
        write_text(shown_path(path))
