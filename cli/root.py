"""The command at the top: what holds for every one below it, before and after it runs."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from cli.exits import ExitCode, report, reported_errors
from cli.output import open_missing_streams, say, silence

# typer's error of wrong usage; it exports only the subclass for parameters.
_UsageError: type[Any] = typer.BadParameter.__base__ or typer.BadParameter


class RootGroup(TyperGroup):
    """Reports wrong usage as all other errors are, and needs no open stream."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:  # noqa: ANN401
        """Read the options of the command itself."""
        open_missing_streams()
        as_json = wants_json(args)
        with _usage_reported(as_json=as_json):
            context = super().make_context(info_name, args, *rest, **extra)
            context.obj = as_json
            return context

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Read the options of the sub-command and run it."""
        with _usage_reported(as_json=bool(ctx.obj)):
            return super().invoke(ctx)


def wants_json(words: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, even one that cannot be understood."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


@contextmanager
def _usage_reported(*, as_json: bool) -> Iterator[None]:
    with reported_errors(as_json=as_json):
        try:
            yield
        except BrokenPipeError:  # help that nobody reads to its end
            silence(sys.stdout)
            raise typer.Exit(ExitCode.OK) from None
        except _UsageError as error:
            if as_json:
                command = error.ctx.command_path if error.ctx else "polyseek"
                hint = f"`{command} --help` shows what it takes"
                report("UsageError", error.format_message(), hint, ExitCode.USAGE, as_json=True)
            text = io.StringIO()
            error.show(text)
            say(text.getvalue().removesuffix("\n"))
            raise typer.Exit(ExitCode.USAGE) from None
