"""The polyseek command: its sub-commands, `--version`, and what holds for all of them.

Importing this loads neither torch nor FAISS, SQLAlchemy, Pillow or numpy, so that `--help` and
completion answer at once: a command imports what it needs when it runs.
"""

import os
from typing import Annotated

import typer

from cli import (
    bench,
    collection,
    config,
    demo,
    doctor,
    export,
    index,
    label,
    models,
    query,
    tag,
    train,
)
from cli.options import examples
from cli.output import write_text
from cli.root import RootGroup

app = typer.Typer(
    name="polyseek",
    cls=RootGroup,
    help="Find photographs by text, by image and by both, in many languages.",
    epilog=examples("polyseek index ~/Pictures", "polyseek query a dog on a beach"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the start-up time, and paragraphs fit any width
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("index", epilog=index.EXAMPLES)(index.index)
app.command("query", epilog=query.EXAMPLES)(query.query)
app.command("label", epilog=label.EXAMPLES)(label.label)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.add_typer(collection.app, name="collection")
app.add_typer(export.app, name="export")
app.add_typer(tag.app, name="tag")
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(config.app, name="config")


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from cli.versions import version_lines

    write_text("\n".join(version_lines()))
    raise typer.Exit


@app.callback()
def prepare(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of polyseek, its format, its default model and FAISS.",
        ),
    ] = False,
) -> None:
    """Find photographs by text, by image and by both, in many languages."""
    # OpenMP reads it when FAISS or torch first loads. Waiting threads that spin cost k-means a
    # factor of 7 and PQ training 2 to 6 on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
