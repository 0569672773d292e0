"""Pipes whose reader leaves early, and streams that are closed: the work is done all the same."""

import json
import os

import pytest

from tests.cli.commands.kit import answer
from tests.cli.commands.process import run, start, unread_pipe


def test_notes_that_nobody_takes_stop_no_index(here):
    with unread_pipe() as gone:
        assert run("index", "photos", "--json", stderr=gone)[0] == 0
        assert run("index", "photos", stdout=gone, stderr=gone)[0] == 0
    assert answer("collection", "info", "--json")["items"] == 4


def test_an_error_that_nobody_takes_has_its_exit_code(here):
    with unread_pipe() as gone:
        assert run("query", "red", stderr=gone)[:2] == (4, b"")
        assert run("query", "red", "--json", stderr=gone)[:2] == (4, b"")


def test_a_report_that_nobody_takes_keeps_strict(here):
    (here / "photos" / "page.jpg").write_text("<html>")
    with unread_pipe() as gone:
        assert run("index", "photos", "--json", stdout=gone)[0] == 0
        assert run("index", "photos", "--json", "--strict", stdout=gone)[0] == 1
        assert run("index", "photos", "--strict", stdout=gone)[0] == 1


@pytest.mark.parametrize(
    "form", [[], ["--preview"], ["-f"], ["--print0"], ["--json"], ["--jsonl"]], ids=" ".join
)
def test_the_files_that_were_asked_for_are_written_whoever_reads(indexed, form):
    with unread_pipe() as gone:
        code, _, err = run(
            "query", "red", *form, "--sheet", "s.png", "--html", "s.html", stdout=gone
        )
    assert (code, err.splitlines()) == (0, [b"wrote s.png", b"wrote s.html"])
    assert (indexed / "s.png").stat().st_size > 1000
    assert "red.png" in (indexed / "s.html").read_text(encoding="utf-8")


def test_an_endless_batch_ends_when_nobody_reads_its_answers(indexed):
    with unread_pipe() as gone, start("query", "--batch", "-", stdout=gone) as process:
        process.stdin.write(b"red\n")
        process.stdin.flush()
        assert process.wait(timeout=120) == 0  # stdin is still open


def test_nothing_found_keeps_its_code(indexed):
    assert answer("collection", "delete", "photos", "--json")["deleted"] == 4
    with unread_pipe() as gone:
        assert run("query", "red", "--fail-empty", stdout=gone)[0] == 3


@pytest.mark.parametrize("form", [[], ["--json"], ["-f"]], ids=" ".join)
def test_a_full_disk_behind_stdout_is_a_failure_that_says_so(indexed, form):
    with open("/dev/full", "wb") as full:
        code, _, err = run("query", "red", *form, stdout=full)
    assert (code, b"stdout: No space left on device" in err) == (1, True)
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


def test_a_table_in_a_pipe_is_the_table_as_ever(indexed):
    code, out, err = run("query", "red", "-k", "1")
    assert (code, err) == (0, b"")
    head, row = out.decode().splitlines()
    assert head.split() == ["rank", "score", "path", "pixels", "size"]
    assert json.loads(row.split()[0]) == 1


def closing(*numbers):
    """Has a child start without these streams, as `>&-` does."""

    def close():
        for number in numbers:
            os.close(number)

    return close


@pytest.mark.parametrize("form", [[], ["--preview"], ["-f"], ["--json"], ["--jsonl"]], ids=" ".join)
def test_a_command_runs_without_any_stream(indexed, form):
    arguments = ["query", "red", *form, "--sheet", "s.png"]
    assert run(*arguments, preexec_fn=closing(0, 1, 2)) == (0, b"", b"")
    assert (indexed / "s.png").stat().st_size > 1000
    before = {path: path.read_bytes() for path in (indexed / ".polyseek").glob("*.db")}
    assert run("index", "photos", preexec_fn=closing(1))[:2] == (0, b"")
    assert before == {path: path.read_bytes() for path in before}


def test_a_batch_without_stdin_is_an_empty_one(indexed):
    assert run("query", "--batch", "-", preexec_fn=closing(0)) == (0, b"", b"")


def test_an_error_without_stderr_has_its_exit_code(here):
    assert run("query", "red", preexec_fn=closing(2)) == (4, b"", b"")
    assert run("query", "--nope", preexec_fn=closing(1, 2)) == (2, b"", b"")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["query", "--help"], ["--version"]], ids=" ".join
)
def test_help_that_nobody_reads_ends_quietly(here, arguments):
    with unread_pipe() as gone:
        assert run(*arguments, stdout=gone) == (0, None, b"")


def test_wrong_usage_that_nobody_reads_is_usage(here):
    with unread_pipe() as gone:
        assert run("query", "--nope", stderr=gone) == (2, b"", None)
        assert run(stderr=gone) == (2, b"", None)
