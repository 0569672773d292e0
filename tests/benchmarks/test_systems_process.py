"""A worker that dies, hangs or says what JSON lacks costs its own row and no other."""

import pytest

from benchmarks.systems import process
from benchmarks.systems.base import Task
from benchmarks.systems.process import WorkerProcess
from benchmarks.systems.registry import Entry
from benchmarks.systems.worker import _finite
from retrieval.errors import BenchmarkError


def worker(kind):
    entry = Entry(kind, "tests.benchmarks.odd_systems", kind, "json")
    return WorkerProcess(entry, Task("", ""))


@pytest.mark.parametrize("watched", [False, True])
def test_one_that_hangs_is_ended(monkeypatch, watched):
    with worker("Hangs") as hanging:
        monkeypatch.setattr(process, "LONGEST_S", 0.3)
        with pytest.raises(BenchmarkError, match=r"Hangs gave no answer for 0\.3 s"):
            (hanging.ask_watched if watched else hanging.ask)("build")


def test_one_that_dies_is_said_with_its_last_words():
    with worker("Dies") as dying, pytest.raises(BenchmarkError, match="code 7: out of luck"):
        dying.ask_watched("build")


def test_what_json_lacks_is_null():
    said = {"a": [float("nan"), 1.5], "b": {"c": (float("inf"), "x")}, "d": 3}
    assert _finite(said) == {"a": [None, 1.5], "b": {"c": [None, "x"]}, "d": 3}
