"""Ctrl-C at any moment: one line, 130, and the run ends."""

import json
import signal
import textwrap

import pytest

from tests.cli.commands.kit import answer
from tests.cli.commands.process import START, start

DURING_IMPORTS = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "typer" and self in sys.meta_path:
            sys.meta_path.remove(self)
            print("ready", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from cli.main import app as main
main()
"""


def with_service(body):
    """The command with another body of `index_folders`."""
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    return f"""
import time, weakref
import indexer.service
def index_folders(*_, **__):
{lines}
    return indexer.service.IndexReport(1, 0, 0, 0, 0, (), 1, 1.0, 1.0)
indexer.service.index_folders = index_folders
{START}"""


IN_A_CALLBACK = with_service(
    """
    class Thing: pass
    def callback(_):
        print("ready", flush=True)
        time.sleep(60)
    thing = Thing()
    reference = weakref.ref(thing, callback)
    del thing
    time.sleep(60)
    """
)
IN_A_LIBRARY_THAT_KEEPS_IT = with_service(
    """
    try:
        print("ready", flush=True)
        time.sleep(60)
    except BaseException:
        pass
    """
)
IN_THE_RUN = with_service(
    """
    print("ready", flush=True)
    time.sleep(60)
    """
)


@pytest.mark.parametrize("n_times", [1, 2])
@pytest.mark.parametrize(
    "code",
    [DURING_IMPORTS, IN_THE_RUN, IN_A_CALLBACK, IN_A_LIBRARY_THAT_KEEPS_IT],
    ids=["imports", "run", "callback", "library"],
)
def test_ctrl_c_is_one_line_and_130_wherever_it_strikes(here, code, n_times):
    process = start("index", "photos", "--quiet", code=code)
    assert process.stdout.readline() == b"ready\n"
    for _ in range(n_times):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"interrupted\n")


@pytest.mark.parametrize("code", [DURING_IMPORTS, IN_A_CALLBACK], ids=["imports", "callback"])
def test_ctrl_c_with_json_is_one_object(here, code):
    process = start("index", "photos", "--json", "--quiet", code=code)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(err)["error"]["exit_code"] == 130


def test_who_was_started_to_ignore_ctrl_c_does(indexed):
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = start("query", "--batch", "-", preexec_fn=ignore, bufsize=0)
    for text in ("red", "blue"):
        process.stdin.write(f"{text}\n".encode())
        assert json.loads(process.stdout.readline())["query"] == text
        process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 0


def test_an_interrupted_index_is_taken_up_by_the_next(here):
    process = start("index", "photos", code=IN_THE_RUN)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert answer("index", "photos", "--json")["added"] == 4
