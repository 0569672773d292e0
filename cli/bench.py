"""`polyseek bench`: models on data sets, and indexes beside others on your own vectors."""

import json as json_format
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bench_compare, bench_fetch, bench_list, bench_report, bench_run, bench_verify
from cli.context import begin
from cli.exits import ExitCode, full_disk_at, reported_errors
from cli.options import JsonOption, QuietOption, examples
from cli.output import note, write_json, write_text
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from benchmarks.protocols.ann import AnnOptions
    from benchmarks.records.ann import AnnReport

app = typer.Typer(help="Measure models and indexes.", no_args_is_help=True)
bench_list.add_to(app)
bench_run.add_to(app)
bench_fetch.add_to(app)
bench_verify.add_to(app)
bench_compare.add_to(app)
bench_report.add_to(app)

_REPORT = "ann.json"


@app.callback()
def bench() -> None:
    """Measure models on data sets, and indexes beside those of others."""


@app.command(
    "ann",
    epilog=examples(
        "polyseek bench ann --base base.npy --text-queries text.npy --image-queries image.npy",
        "polyseek bench ann --base base.npy --text-queries text.npy --image-queries image.npy "
        "--train-texts captions.npy --system polyseek --system hnswlib "
        "--system faiss:IVF1024,PQ64 --out report",
    ),
)
def ann(
    base: Annotated[
        Path, typer.Option("--base", metavar="NPY", help="The vectors to index, unit rows.")
    ],
    text_queries: Annotated[
        Path, typer.Option("--text-queries", metavar="NPY", help="Vectors of texts to ask with.")
    ],
    image_queries: Annotated[
        Path, typer.Option("--image-queries", metavar="NPY", help="Vectors of images to ask with.")
    ],
    train_texts: Annotated[
        Path | None,
        typer.Option(
            "--train-texts",
            metavar="NPY",
            help="Vectors of texts, none of them a query, to train and tune with. Without them "
            "texts are routed as images are.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", metavar="N", help="Depth of the rankings.")] = 10,
    target_recall: Annotated[
        float,
        typer.Option("--target-recall", metavar="R", help="What each system is tuned to."),
    ] = 0.95,
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system",
            metavar="NAME",
            help="polyseek, exact, gemm, autofaiss, hnswlib, usearch, autofaiss:MEMORY or "
            "faiss:FACTORY. Default: all but the last two.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Write ann.json and plots there, and turn the knobs of the peers through their "
            "whole range for these.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            help="Take only the first vectors of the base.",
            show_default=False,
        ),
    ] = None,
    peer_env: Annotated[
        Path | None,
        typer.Option(
            "--peer-env",
            metavar="VENV",
            help="A virtual environment with the systems that cannot be installed here.",
            show_default=False,
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", help="Rounds of each timing, at least 7.")
    ] = 7,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Measure recall, speed, memory and disk of nearest-neighbour systems on vectors.

    All are given the same vectors and asked the same queries, each in processes of its own. Speed
    is a ratio from interleaved rounds: one query and one thread against FAISS's flat index, batches
    of 64 against torch's product. Recall is against exact search. Exits 1 if a system or a
    baseline failed; one that is not installed is an error if --system names it, else a row.
    """
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from benchmarks.protocols.ann import AnnOptions

        options = AnnOptions(
            base=base,
            text_queries=text_queries,
            image_queries=image_queries,
            train_texts=train_texts,
            k=k,
            target_recall=target_recall,
            systems=tuple(system or ()),
            limit=limit,
            peer_env=peer_env,
            rounds=rounds,
            threads=len(os.sched_getaffinity(0)),
            with_curves=out is not None,
        )
        if out is not None:
            _prepare(out)
        report = _measure(options, quiet=quiet)
        if json:
            write_json(report.to_json())
        else:
            from benchmarks.reports.ann_table import table

            write_text(table(report))
        if out is not None:
            _write(report, out)
        if not report.is_complete:
            raise typer.Exit(ExitCode.FAILURE)


def _prepare(out: Path) -> None:
    """Fail now, not after hours, where no report can be written."""
    from benchmarks.reports.plots import check_plotting

    check_plotting()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingsError(
            f"--out {out} is a file, or lies below one", hint="name a folder, new or old"
        ) from error


def _measure(options: "AnnOptions", *, quiet: bool) -> "AnnReport":
    from benchmarks.protocols.ann import measure_ann

    return measure_ann(options, lambda stage: note(stage, quiet=quiet))


def _write(report: "AnnReport", out: Path) -> None:
    from benchmarks.reports.plots import draw_pareto

    with full_disk_at(out):
        text = json_format.dumps(report.to_json(), indent=2, allow_nan=False)
        (out / _REPORT).write_text(text + "\n", encoding="utf-8")
        if any(row.failure is None for row in report.rows):
            draw_pareto(report, out)
