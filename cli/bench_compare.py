"""`polyseek bench compare`: two runs beside each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import reported_errors
from cli.options import JsonOption, QuietOption, examples
from cli.output import printable, shown_path, write_json, write_text
from cli.progress import step_progress
from retrieval.errors import BenchmarkError, SettingsError

if TYPE_CHECKING:
    from benchmarks.records.folder import RunFolder

_EXAMPLES = examples(
    "polyseek bench compare runs/mini runs/mini-en",
    "polyseek bench compare runs/all runs/all --model-a mini --model-b mini-en",
    "polyseek bench compare runs/mini runs/mini --index-a exact --index-b auto",
    "polyseek bench compare runs/babel runs/other --languages DE,SW --json",
)

_MODEL_HELP = "An encoder, or a trained method, of that run. Default: the only one."
_INDEX_HELP = "exact, or a kind of index, of that run. Default: as the other has it."
_COMPOSE_HELP = "A way to compose, of that run. Default: as the other has it."


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", epilog=_EXAMPLES)(compare)


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="The folder of a run.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Of another, or the same folder.")],
    model_a: Annotated[
        str | None,
        typer.Option("--model-a", metavar="MODEL", help=_MODEL_HELP, show_default=False),
    ] = None,
    model_b: Annotated[
        str | None,
        typer.Option("--model-b", metavar="MODEL", help=_MODEL_HELP, show_default=False),
    ] = None,
    index_a: Annotated[
        str | None, typer.Option("--index-a", metavar="KIND", help=_INDEX_HELP, show_default=False)
    ] = None,
    index_b: Annotated[
        str | None, typer.Option("--index-b", metavar="KIND", help=_INDEX_HELP, show_default=False)
    ] = None,
    compose_a: Annotated[
        str | None,
        typer.Option("--compose-a", metavar="M", help=_COMPOSE_HELP, show_default=False),
    ] = None,
    compose_b: Annotated[
        str | None,
        typer.Option("--compose-b", metavar="M", help=_COMPOSE_HELP, show_default=False),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            metavar="CODES",
            help="As records have them. Default: all that both have.",
        ),
    ] = None,
    resamples: Annotated[
        int | None,
        typer.Option(
            "--resamples",
            metavar="N",
            help="Of each interval. Default: 10,000; more for more than 125 pairs.",
            show_default=False,
        ),
    ] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Say in which figures two runs differ, and where the difference is noise.

    Records of one protocol and one way of searching are compared. The interval of each difference
    (B less A) is that of a paired bootstrap: pictures are drawn anew, each with all its captions.
    Where it holds 0 the difference is noise. Of many comparisons that differ in nothing 5 % fall
    outside; the last lines say how many stand after Holm-Bonferroni. Trained methods need 5 seeds
    on each side. Other protocols or other files are incomparable, and nothing is subtracted.
    """
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        if resamples is not None and resamples < 1:
            raise SettingsError(f"--resamples must be at least 1, got {resamples}")
        from benchmarks.compare.as_json import as_json
        from benchmarks.compare.runs import compare_runs
        from benchmarks.compare.sides import Choice
        from benchmarks.reports.compare_table import comparison_lines

        asked = tuple(each.strip() for each in (languages or "").split(",") if each.strip())
        choices = (
            Choice(f"A ({shown_path(a)})", model_a, index_a, compose_a, asked),
            Choice(f"B ({shown_path(b)})", model_b, index_b, compose_b, asked),
        )
        folders = (_run(a), _run(b))
        with step_progress("comparing", quiet=quiet) as shown:
            found = compare_runs(folders, choices, resamples=resamples, on_pair=shown)
        if json:
            write_json(as_json(found))
            return
        for line in comparison_lines(found):
            write_text(printable(line))


def _run(folder: Path) -> "RunFolder":
    from benchmarks.records.folder import RunFolder

    run = RunFolder(folder)
    if not run.records():
        raise BenchmarkError(
            f"no records in {shown_path(folder)}", hint="make some: polyseek bench run --out RUN"
        )
    return run
