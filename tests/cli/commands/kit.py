"""How the tests run a command and read what it said."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.commands import app

COLOURS = {"red": "#f00", "green": "#0f0", "blue": "#00f", "yellow": "#ff0"}
"""The pictures of the folder that is indexed, by name."""


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


def answer(*arguments, stdin=None):
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def names(result):
    return [Path(path).stem for path in result.stdout.split()]


def refusal(code, *arguments, stdin=None):
    """The error of a command that has to fail with this code and print no result."""
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    return result.stderr
