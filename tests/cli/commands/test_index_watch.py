"""`polyseek index --watch` in a process of its own."""

import contextlib
import json
import queue
import shutil
import signal
import sys
import threading

import pytest
from PIL import Image

from indexer.lock import locked
from tests.cli.commands.kit import answer, names, refusal, run
from tests.cli.commands.process import start

PATIENCE_S = 60


class Lines:
    """The lines of a pipe, each awaited with patience."""

    def __init__(self, pipe):
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def next(self):
        line = self._lines.get(timeout=PATIENCE_S)
        assert line is not None, "the command has ended"
        return line

    def rest(self):
        return [*iter(lambda: self._lines.get(timeout=PATIENCE_S), None)]

    def _read(self, pipe):
        with contextlib.suppress(ValueError):  # closed after the test
            for line in pipe:
                self._lines.put(line.decode().rstrip("\n"))
        self._lines.put(None)


class Watch:
    """The command, its lines, and its end."""

    def __init__(self, *arguments):
        self.process = start("index", *arguments, "--watch")
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def end(self):
        """Press Ctrl-C; returns the exit code and what is left of both streams."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S), self.out.rest(), self.err.rest()


@pytest.fixture
def watch():
    started = []

    def begin(*arguments):
        started.append(Watch(*arguments))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait(PATIENCE_S)
        for pipe in (each.process.stdin, each.process.stdout, each.process.stderr):
            pipe.close()


def paint(path, colour):
    Image.new("RGB", (32, 24), colour).save(path)


def test_each_run_is_a_line_on_stderr_and_ctrl_c_a_clean_end(here, watch):
    watched = watch("photos")
    assert watched.err.next().endswith(".polyseek (new)")
    assert "added 4, updated 0, moved 0, removed 0, unchanged 0, skipped 0; " in watched.err.next()
    assert watched.err.next() == "watching; Ctrl-C ends it"
    paint(here / "photos" / "cyan.png", "#0ff")
    line = watched.err.next()
    assert "added 1, updated 0, moved 0, removed 0, unchanged 4, skipped 0; generation" in line
    assert names(run("query", "cyan", "-f", "-k", "1")) == ["cyan"]
    paint(here / "white.png", "#fff")
    assert answer("index", ".", "--json")["added"] == 1
    assert watched.end() == (130, [], ["interrupted"])


def test_with_json_each_run_is_an_object_and_so_is_the_end(here, watch):
    watched = watch("photos", "--json", "--quiet")
    assert json.loads(watched.out.next())["added"] == 4
    (here / "photos" / "red.png").unlink()
    report = json.loads(watched.out.next())
    assert (report["removed"], report["unchanged"]) == (1, 3)
    code, out, err = watched.end()
    assert (code, out) == (130, [])
    assert json.loads(err[-1])["error"]["exit_code"] == 130


def test_a_source_that_vanishes_is_told_and_awaited_while_others_go_on(here, watch):
    (here / "more").mkdir()
    paint(here / "more" / "cyan.png", "#0ff")
    watched = watch("photos", "more", "--quiet", "--json")
    assert json.loads(watched.out.next())["added"] == 5
    shutil.rmtree(here / "photos")
    error = json.loads(watched.err.next())["error"]
    assert (error["type"], "photos" in error["message"]) == ("SourceError", True)
    report = json.loads(watched.out.next())
    assert (report["unchanged"], report["removed"]) == (1, 0)
    paint(here / "more" / "white.png", "#fff")
    assert json.loads(watched.out.next())["added"] == 1
    (here / "photos").mkdir()
    paint(here / "photos" / "red.png", "#f00")
    paint(here / "photos" / "green.png", "#0f0")
    paint(here / "photos" / "blue.png", "#00f")
    while json.loads(watched.out.next())["removed"] != 1:  # yellow
        pass
    assert watched.end()[0] == 130
    assert answer("collection", "info", "--json")["items"] == 5


def test_while_another_writes_a_run_waits(here, watch):
    watched = watch("photos", "--json", "--quiet")
    assert json.loads(watched.out.next())["added"] == 4
    with locked(here / ".polyseek", 0):
        paint(here / "photos" / "cyan.png", "#0ff")
        assert json.loads(watched.err.next())["error"]["type"] == "LockedError"
    assert json.loads(watched.out.next())["added"] == 1
    assert watched.end()[0] == 130


def test_the_errors_of_the_first_run_end_it(here):
    assert "nope" in refusal(1, "index", "nope", "--watch")
    assert "pattern" in refusal(2, "index", "photos", "--watch", "--include", "/")
    assert run("index", "photos").exit_code == 0
    with locked(here / ".polyseek", 0):
        assert "another process" in refusal(5, "index", "photos", "--watch")


@pytest.mark.parametrize(
    "other",
    [["photos", "--dry-run"], ["photos", "--strict"], ["--embeddings", "v.npy", "--ids", "i.txt"]],
    ids=str,
)
def test_what_does_not_go_with_it_is_usage(here, other):
    assert "does not go with" in refusal(2, "index", *other, "--watch")
    assert not (here / ".polyseek").exists()


def test_without_its_package_nothing_is_begun(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert "polyseek[watch]" in refusal(1, "index", "photos", "--watch")
    assert not (here / ".polyseek").exists()
