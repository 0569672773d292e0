"""The command in a process of its own, where pipes and signals are real."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
START = """
from retrieval.encoders.registry import register_encoder
from tests.factories import GeometryEncoder
register_encoder("geometry", GeometryEncoder)
from cli.main import app as main
main()
"""


def start(*arguments, code=START, **options):
    """Popen of the command in the current folder; both outputs are pipes unless options say else.

    A shell that started the tests in the background has them, and us, ignore Ctrl-C.
    """
    environment = {**os.environ, "PYTHONPATH": os.fspath(PROJECT), "POLYSEEK_MODEL": "geometry"}
    pipes = {name: options.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        preexec_fn=options.pop(
            "preexec_fn", lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
        ),
        **pipes,
        **options,
    )


def run(*arguments, stdin=b"", **options):
    """Returns the exit code and what came through the pipes (None for what is no pipe)."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(stdin, timeout=120)
    return process.returncode, out, err


@contextlib.contextmanager
def unread_pipe():
    """The writing end of a pipe whose reader has left."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        yield write_end
    finally:
        os.close(write_end)
