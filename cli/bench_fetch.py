"""`polyseek bench fetch`: the files of a data set, checked."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import full_disk_at, reported_errors
from cli.options import QuietOption, examples
from cli.output import note, shown_path, write_text
from cli.progress import step_progress
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from benchmarks.datasets.base import DatasetSpec, FetchedFile

_EXAMPLES = examples(
    "polyseek bench fetch babel-imagenet --data ~/datasets",
    "polyseek bench fetch babel-imagenet --data ~/datasets --from ~/Downloads/babel_imagenet.json",
    "polyseek bench fetch babel-imagenet --data ~/datasets "
    "--from https://mirror.example/babel_imagenet.json",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fetch", epilog=_EXAMPLES)(fetch_files)


def fetch_files(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="As `bench list` names it.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="The folder with the data sets.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|URL",
            help="One file of the data set that you have, or another address of it.",
            show_default=False,
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Get the files of a data set that may be fetched, and say how to get the others.

    Downloads go on where they stopped; every file is held against its published checksum, and is
    there whole or not at all. The licence is shown: to use the data is to accept it.
    """
    with reported_errors():
        begin({}, quiet=quiet)
        from benchmarks.datasets.registry import dataset

        spec = dataset(name)
        note(f"licence: {spec.licence}", quiet=quiet)
        folder = data / spec.folder
        with full_disk_at(data):
            for file in spec.files if source is None else [_named(spec, source)]:
                if source is None and not file.url:
                    note(f"{file.name}: bring it by --from FILE", quiet=quiet)
                    continue
                write_text(shown_path(_got(file, source, folder, quiet=quiet)))
        if spec.instructions:
            note(f"{shown_path(folder)}: {spec.instructions}", quiet=quiet)


def _got(file: "FetchedFile", source: str | None, folder: Path, *, quiet: bool) -> Path:
    from benchmarks.datasets.fetch import fetch, take

    if source is not None and not _is_address(source):
        return take(file, Path(source), folder)
    with step_progress(file.name, quiet=quiet) as shown:
        on_bytes = None if shown is None else lambda done, total: shown(done, total or done)
        asked = file if source is None else replace(file, url=source)
        return fetch(asked, folder, on_bytes=on_bytes)


def _named(spec: "DatasetSpec", source: str) -> "FetchedFile":
    """The file of a data set that a path or an address ends in."""
    ending = source.rstrip("/").rpartition("/")[2]
    for file in spec.files:
        if file.name == ending:
            return file
    known = ", ".join(each.name for each in spec.files) or "none"
    raise SettingsError(f"{spec.name} has no file {ending!r}", hint=f"its files: {known}")


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))
