"""`polyseek config`: what the settings are and where each came from."""

from typing import Annotated

import typer

from cli.context import begin, config_file
from cli.exits import reported_errors
from cli.options import CollectionOption, JsonOption, QuietOption, examples
from cli.output import note, printable, shown_path, write_json, write_text

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)

_MASK = "***"


@app.callback()
def config() -> None:
    """Look at the settings.

    A value comes from a flag, else from the environment (POLYSEEK_TOP=20), else from the settings
    file (top = 20), else it is the default.
    """


@app.command(
    "show",
    epilog=examples(
        "polyseek config show --origin",
        "POLYSEEK_DEVICE=cpu polyseek config show --json",
    ),
)
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Say where each value comes from.")
    ] = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Show every setting."""
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        from retrieval.config import RULES

        rows: dict[str, object] = {}
        for key, rule in RULES.items():
            value = getattr(context.settings, key)
            value = _MASK if rule.is_secret and value is not None else value
            rows[key] = value if value is None or isinstance(value, int) else str(value)
        if json:
            write_json(
                {key: {"value": rows[key], "origin": str(context.origins[key])} for key in rows}
                if origin
                else rows
            )
            return
        for key, value in rows.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            shown = "(unset)" if value is None else printable(text)
            source = f"  ({context.origins[key]})" if origin else ""
            write_text(f"{key} = {shown}{printable(source)}")
        state = "" if config_file().is_file() else ", not there"
        note(f"settings file: {shown_path(config_file())}{state}", quiet=quiet)
