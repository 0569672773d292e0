"""`polyseek bench list`: the data sets that models can be run on."""

from typing import TYPE_CHECKING

import typer

from cli.context import begin
from cli.exits import reported_errors
from cli.options import JsonOption, QuietOption, examples
from cli.output import write_json, write_text

if TYPE_CHECKING:
    from benchmarks.datasets.base import DatasetSpec

_EXAMPLES = examples("polyseek bench list", "polyseek bench list --json")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list", epilog=_EXAMPLES)(list_datasets)


def list_datasets(quiet: QuietOption = False, json: JsonOption = False) -> None:
    """List the data sets that models can be run on, and where each is looked for."""
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from benchmarks.datasets.registry import known_datasets

        specs = known_datasets()
        if json:
            write_json({"datasets": [_as_json(each) for each in specs]})
            return
        width = max(len(each.name) for each in specs)
        for each in specs:
            languages = (
                f", {each.languages} languages"
                if each.languages > 1 and "languages" not in each.title
                else ""
            )
            write_text(f"{each.name:<{width}}  {each.task:<10}  {each.title}{languages}")


def _as_json(spec: "DatasetSpec") -> dict[str, object]:
    return {
        "name": spec.name,
        "task": spec.task,
        "title": spec.title,
        "folder": spec.folder,
        "languages": spec.languages,
    }
