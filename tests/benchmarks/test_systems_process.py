"""A worker that dies, hangs or says what JSON lacks costs its own row and no other."""

from importlib.metadata import version

import pytest

from benchmarks.systems import process
from benchmarks.systems.base import Task
from benchmarks.systems.process import WorkerProcess
from benchmarks.systems.registry import Entry
from benchmarks.systems.worker import Worker, _finite
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


def test_a_library_that_does_not_say_its_version_is_asked_for_in_its_package():
    """FAISS says it; pluggy is as hnswlib, and does not."""
    loaded = Worker("tests.benchmarks.odd_systems", "Dies", {"base": "", "folder": ""})
    assert loaded.load("pluggy") == {"version": version("pluggy")}
    assert loaded.load("faiss") == {"version": version("faiss-cpu")}
    assert loaded.load("stat") == {"version": ""}  # no package at all


def test_what_json_lacks_is_null():
    said = {"a": [float("nan"), 1.5], "b": {"c": (float("inf"), "x")}, "d": 3}
    assert _finite(said) == {"a": [None, 1.5], "b": {"c": [None, "x"]}, "d": 3}
