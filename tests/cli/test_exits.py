"""Every class of error has its exit code, and shows as an error and a hint on stderr."""

import json
import os
from pathlib import Path

import pytest
import typer

from cli.exits import MEANINGS, ExitCode, exit_code_of, full_disk_at, reported_errors
from retrieval import errors

CODES = [
    (errors.PolyseekError("x"), 1),
    (errors.QueryError("x"), 2),
    (errors.QuerySyntaxError("x", excerpt=("", "^"), column=1), 2),
    (errors.FilterError("x", excerpt=("", "^"), column=1), 2),
    (errors.SettingsError("x"), 2),
    (errors.SourceError("x"), 1),
    (errors.ImageError("x"), 2),
    (errors.EncoderUnavailableError("x"), 1),
    (errors.TrainedMapError("x"), 1),
    (errors.BenchmarkError("x"), 1),
    (errors.MissingDependencyError("x"), 1),
    (errors.CollectionError("x"), 4),
    (errors.CollectionMissingError("x"), 4),
    (errors.CorruptCollectionError("x"), 4),
    (errors.FormatVersionError("x"), 4),
    (errors.EncoderMismatchError(expected="a", found="b"), 4),
    (errors.CorruptCatalogueError("x"), 4),
    (errors.CatalogueError("x"), 4),
    (errors.GenerationGoneError("x"), 4),
    (errors.LockedError("x"), 5),
]


def all_errors(kind=errors.PolyseekError):
    yield kind
    for each in kind.__subclasses__():
        yield from all_errors(each)


def test_every_error_of_the_tree_is_in_the_table():
    ours = {kind for kind in all_errors() if kind.__module__ == errors.__name__}
    assert ours == {type(error) for error, _ in CODES}


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_exit_code_of_each_error(error, code):
    assert exit_code_of(error) == code


def test_every_code_has_a_meaning():
    assert set(MEANINGS) == set(ExitCode)


def exit_of(error, *, as_json=False):
    with pytest.raises(typer.Exit) as caught, reported_errors(as_json=as_json):
        raise error
    return caught.value.exit_code


def test_an_error_shows_with_its_hint_on_stderr(capsys):
    assert exit_of(errors.CollectionMissingError("nothing here", hint="index first")) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: nothing here\nhint: index first\n"


def test_an_error_without_a_hint_is_one_line(capsys):
    exit_of(errors.QueryError("empty"))
    assert capsys.readouterr().err == "error: empty\n"


def test_control_characters_of_a_file_name_do_not_reach_the_terminal(capsys):
    exit_of(errors.SourceError("no folder \x1b[2J\nx"))
    assert capsys.readouterr().err == "error: no folder \\x1b[2J\\x0ax\n"


def test_an_error_as_json_is_one_object_on_stderr(capsys):
    exit_of(errors.LockedError("busy", hint="wait"), as_json=True)
    out, err = capsys.readouterr()
    assert out == ""
    expected = {"type": "LockedError", "message": "busy", "hint": "wait", "exit_code": 5}
    assert json.loads(err) == {"error": expected}


def test_ctrl_c_is_one_line_and_130(capsys):
    assert exit_of(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_full_disk_is_a_failure_that_names_the_file(capsys):
    assert exit_of(OSError(28, "No space left on device", "/x/y")) == 1
    assert capsys.readouterr().err == "error: /x/y: No space left on device\n"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(28, "No space left on device"), "/c: No space left on device"),
        (OSError(28, "No space left on device", "/x/y"), "/x/y: No space left on device"),
        (OSError(5, "Input/output error"), "/c: Input/output error"),
        (OSError(111, "Connection refused"), "Connection refused"),
    ],
)
def test_a_full_disk_names_the_folder_where_no_file_is_named(capsys, error, shown):
    with pytest.raises(typer.Exit), reported_errors(), full_disk_at(Path("/c")):
        raise error
    assert capsys.readouterr().err == f"error: {shown}\n"


def test_no_memory_says_what_needs_less(capsys):
    assert exit_of(MemoryError()) == 1
    assert "--batch-size" in capsys.readouterr().err


def test_a_closed_pipe_ends_quietly(capfd, monkeypatch):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        with reported_errors():
            print("more than the reader wanted")
    assert capfd.readouterr().err == ""


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError), reported_errors():
        1 / 0  # noqa: B018


def test_an_exit_passes_and_nothing_else_happens(capsys):
    with pytest.raises(typer.Exit) as caught, reported_errors():
        raise typer.Exit(3)
    assert caught.value.exit_code == 3
    assert capsys.readouterr().err == ""
