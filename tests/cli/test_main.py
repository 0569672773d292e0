"""The shape of the command: quick to start, documented as it is, every example usable."""

import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.commands import app
from cli.reference import cli_page, settings_page
from retrieval.config import RULES, env_name

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "faiss", "sqlalchemy", "PIL", "numpy", "open_clip", "rich", "alembic")

_SHOW_HEAVY = """
import sys
sys.argv = ["polyseek", *sys.argv[1:]]
from cli.commands import app
try:
    app()
except SystemExit:
    pass
print("HEAVY", *sorted(set(sys.modules) & set({heavy!r})))
"""


def commands(name="polyseek", command=None):
    command = command or typer.main.get_command(app)
    yield name, command
    if isinstance(command, TyperGroup):
        for each, inner in command.commands.items():
            yield from commands(f"{name} {each}", inner)


ALL = dict(commands())


def test_the_commands_are_these():
    assert list(ALL) == [
        "polyseek",
        "polyseek index",
        "polyseek query",
        "polyseek label",
        "polyseek demo",
        "polyseek doctor",
        "polyseek collection",
        "polyseek collection info",
        "polyseek collection verify",
        "polyseek collection retune",
        "polyseek collection repair",
        "polyseek collection duplicates",
        "polyseek collection compact",
        "polyseek collection delete",
        "polyseek collection destroy",
        "polyseek export",
        "polyseek export hits",
        "polyseek export vectors",
        "polyseek export catalogue",
        "polyseek tag",
        "polyseek tag add",
        "polyseek tag remove",
        "polyseek tag list",
        "polyseek train",
        "polyseek train phi",
        "polyseek train text-adapter",
        "polyseek train adapter",
        "polyseek models",
        "polyseek models list",
        "polyseek models show",
        "polyseek models fetch",
        "polyseek models pin",
        "polyseek models export-dir",
        "polyseek bench",
        "polyseek bench list",
        "polyseek bench run",
        "polyseek bench fetch",
        "polyseek bench verify",
        "polyseek bench compare",
        "polyseek bench report",
        "polyseek bench ann",
        "polyseek config",
        "polyseek config show",
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["query", "--help"], ["index"], []], ids=str)
def test_help_and_usage_errors_load_nothing_heavy(arguments):
    code = _SHOW_HEAVY.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "HEAVY"


def test_completion_loads_nothing_heavy_and_completes():
    environment = {
        **os.environ,
        "_POLYSEEK_COMPLETE": "complete_bash",
        "COMP_WORDS": "polyseek col",
        "COMP_CWORD": "1",
    }
    code = _SHOW_HEAVY.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["collection", "HEAVY"]


@pytest.mark.parametrize(("page", "make"), [("cli", cli_page), ("settings", settings_page)])
def test_the_reference_pages_are_up_to_date(page, make):
    committed = (PROJECT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert make() == committed, "run `make docs`"


def test_every_setting_and_command_is_documented():
    settings, cli = settings_page(), cli_page()
    for key in RULES:
        assert f"`{key}`" in settings
        assert env_name(key) in settings
    for name in ALL:
        assert f"\n## {name}\n" in cli


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_and_every_option_says_what_it_does(name):
    assert ALL[name].help
    for parameter in ALL[name].params:
        assert parameter.help, f"{name} {parameter.name}"


def examples():
    for name, command in ALL.items():
        for line in (command.epilog or "").splitlines()[2:]:
            yield pytest.param(name, line.strip(), id=line.strip())


def test_every_command_that_does_something_has_an_example():
    shown = {param.values[0] for param in examples()}
    assert shown >= {name for name, command in ALL.items() if not isinstance(command, TyperGroup)}


@pytest.mark.parametrize(("name", "example"), list(examples()))
def test_every_example_parses(name, example):
    words = list(itertools.takewhile(lambda word: word not in ("|", ">"), shlex.split(example)))
    while "=" in words[0]:  # VARIABLE=value polyseek ...
        words = words[1:]
    length = max(n for n in range(1, len(words) + 1) if " ".join(words[:n]) in ALL)
    found = " ".join(words[:length])
    assert found.startswith(name)
    ALL[found].make_context(found, words[length:])


def test_a_wrong_command_is_usage_and_says_what_is_near():
    result = CliRunner().invoke(app, ["quary"])
    assert result.exit_code == 2
    assert "query" in result.stderr
    assert result.stdout == ""


def test_the_version_names_what_a_bug_report_needs():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    first = [line.split()[0] for line in result.stdout.splitlines()]
    assert first == ["polyseek", "collection", "default", "faiss"]


def test_waiting_threads_do_not_spin_unless_the_user_wants_them_to(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    CliRunner().invoke(app, ["config", "show"])
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    CliRunner().invoke(app, ["config", "show"])
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
