"""Where the installed command begins: Ctrl-C is taken care of before anything else is loaded.

The commands themselves are in `cli.commands`.
"""

import sys

from cli.interrupts import INTERRUPTED, Interrupts


def app() -> None:
    """Run the command line of this process, and end the process with its exit code."""
    interrupts = Interrupts()
    code: str | int | None = None
    try:
        from cli.commands import app as commands

        commands()
    except KeyboardInterrupt:  # nothing was loaded yet that could take it
        pass
    except SystemExit as end:
        code = end.code
    interrupts.end_at_once()
    if interrupts.was_seen and code != INTERRUPTED:
        # It came too early, or a library kept it from the run. Whoever pressed it wanted an end.
        code = INTERRUPTED
        _tell()
    interrupts.let_twin_pass()
    sys.exit(code)


def _tell() -> None:
    import typer

    from cli.exits import reported_errors
    from cli.root import wants_json

    try:
        with reported_errors(as_json=wants_json(sys.argv[1:])):
            raise KeyboardInterrupt
    except typer.Exit:
        pass


if __name__ == "__main__":
    app()
