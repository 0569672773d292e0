"""What autofaiss is told about memory."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.systems.base import Task
from benchmarks.systems.factory import Autofaiss


def built_with(monkeypatch, tmp_path, option, said):
    """The options that a stand-in was called with."""
    asked = {}

    def build_index(**options):
        asked.update(options)
        return None, said

    monkeypatch.setitem(sys.modules, "autofaiss", SimpleNamespace(build_index=build_index))
    np.save(tmp_path / "base.npy", np.eye(4, dtype=np.float16))
    folder = tmp_path / "system"
    folder.mkdir()
    Autofaiss().build(Task(str(tmp_path / "base.npy"), str(folder), option=option, memory_bytes=70))
    return asked


@pytest.mark.parametrize(
    ("option", "index", "all_of_it"),
    [
        ("", "70B", "8000000140B"),
        ("16GB", "16GB", "40000000000B"),
        ("1.5mb", "1.5mb", "8003000000B"),
    ],
)
def test_it_is_told_of_more_memory_than_the_index_may_take(
    monkeypatch, tmp_path, option, index, all_of_it
):
    asked = built_with(monkeypatch, tmp_path, option, {"index_key": "Flat"})
    assert asked["max_index_memory_usage"] == index
    assert asked["current_memory_available"] == all_of_it


def test_a_refusal_of_its_own_and_a_memory_without_a_unit_are_errors(monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="made no index"):
        built_with(monkeypatch, tmp_path, "16GB", None)
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="not '16'"):
        built_with(monkeypatch, tmp_path / "other", "16", None)
