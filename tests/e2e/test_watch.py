"""The installed command watches a folder, with the built-in encoder, until Ctrl-C."""

import json
import shutil
import signal
import subprocess
import threading

import pytest

from cli.demo import copy_photographs
from tests.e2e.test_cli import POLYSEEK, answer, environment


def listen_to_ctrl_c():
    """A shell that started the tests in the background has them, and us, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_photograph_that_comes_is_found(tmp_path):
    pytest.importorskip("skimage", reason="the sample photographs come with polyseek[demo]")
    photographs = tmp_path / "all"
    photographs.mkdir()
    copy_photographs(photographs)
    (tmp_path / "watched").mkdir()
    first, second, *_ = sorted(photographs.iterdir())
    shutil.copy(first, tmp_path / "watched")
    process = subprocess.Popen(
        [POLYSEEK, "index", "watched", "--watch", "--json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=listen_to_ctrl_c,
    )
    patience = threading.Timer(120, process.kill)
    patience.start()
    with process:
        assert json.loads(process.stdout.readline())["added"] == 1
        shutil.copy(second, tmp_path / "watched")
        assert json.loads(process.stdout.readline())["added"] == 1
        hits = answer(tmp_path, "query", "anything", "--json")["hits"]
        assert len(hits) == 2
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    patience.cancel()
    assert (process.returncode, out) == (130, b"")
    assert json.loads(err.splitlines()[-1])["error"]["message"] == "interrupted"
