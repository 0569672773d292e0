"""`polyseek bench ann`: its JSON, its table, its files, its refusals."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.protocols import ann as protocol
from tests.benchmarks.kit import write_vectors
from tests.cli.commands.kit import answer, refusal, run


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.protocols.ann_timing._MOST_CALLS", 3)
    return write_vectors(tmp_path)


def arguments(files):
    return [word for name, path in files.items() for word in (f"--{name.replace('_', '-')}", path)]


def test_json_files_and_plots(files, tmp_path):
    out = tmp_path / "report"
    shown = answer(
        *("bench", "ann", *arguments(files), "--system", "gemm", "--system", "faiss:IVF8,Flat"),
        *("--k", 5, "--out", out, "--json", "--quiet"),
    )
    assert [row["system"] for row in shown["rows"]] == ["gemm", "faiss:IVF8,Flat"]
    assert shown["setting"]["k"] == 5
    assert json.loads((out / "ann.json").read_text()) == shown
    assert len(list(out.glob("*.png"))) == len(list(out.glob("*.svg"))) == 6


def test_the_table_says_what_failed_and_the_command_ends_with_1(files):
    asked = ("--system", "exact", "--system", "faiss:NoSuchKey", "--limit", 200)
    result = run("bench", "ann", *arguments(files), *asked)
    assert result.exit_code == 1
    exact, *_, failed = result.stdout.splitlines()[1:]
    assert exact.split()[:2] == ["exact", "text"]
    assert failed.startswith("faiss:NoSuchKey: the system faiss:NoSuchKey failed to build")
    assert "measuring exact" in result.stderr


@pytest.fixture
def default_systems(monkeypatch):
    """Measures these by default; `hnswlib` is not installed."""
    monkeypatch.setattr(
        protocol, "find_spec", lambda name: None if name == "hnswlib" else find_spec(name)
    )
    return lambda *names: monkeypatch.setattr(protocol, "NAMES", names)


def test_by_default_a_system_that_is_not_installed_is_a_row_and_no_failure(files, default_systems):
    default_systems("exact", "hnswlib")
    exact, missing = answer("bench", "ann", *arguments(files), "--json", "--quiet")["rows"]
    assert (exact["available"], exact["failure"]) == (True, None)
    assert not missing["available"]
    assert "not installed" in missing["failure"]


def test_by_default_a_system_that_fails_ends_the_command_with_1(files, default_systems):
    default_systems("exact", "hnswlib", "faiss:NoSuchKey")
    result = run("bench", "ann", *arguments(files), "--json", "--quiet")
    assert result.exit_code == 1
    *_, failed = json.loads(result.stdout)["rows"]
    assert failed["available"]
    assert "failed to build" in failed["failure"]


def test_a_system_that_is_asked_for_and_not_installed_is_an_error(files, default_systems):
    default_systems("exact")
    error = refusal(1, "bench", "ann", *arguments(files), "--system", "hnswlib")
    assert "the package hnswlib, which is not installed" in error
    assert "--peer-env" in error


@pytest.mark.parametrize("place", ["file", "file/report"])
def test_a_report_in_the_place_of_a_file_is_refused_at_once(files, tmp_path, place):
    (tmp_path / "file").write_text("kept")
    asked = ("--system", "exact", "--out", tmp_path / place)
    error = refusal(2, "bench", "ann", *arguments(files), *asked)
    assert f"--out {tmp_path / place} is a file" in error
    assert "measuring" not in error
    assert (tmp_path / "file").read_text() == "kept"


def test_figures_are_shown_though_their_report_cannot_be_written(files, tmp_path):
    (tmp_path / "report" / "ann.json").mkdir(parents=True)
    asked = ("--system", "exact", "--out", tmp_path / "report", "--json")
    result = run("bench", "ann", *arguments(files), *asked)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["rows"][0]["recall_text"] == 1.0
    assert "ann.json" in result.stderr


def test_refusals_name_what_is_wrong(files):
    given = ("bench", "ann", *arguments(files))
    assert "no system 'annoy'" in refusal(2, *given, "--system", "annoy")
    np.save(files["text_queries"], np.eye(16, dtype=np.float32))
    error = json.loads(refusal(1, *given, "--system", "exact", "--json"))["error"]
    assert error["type"] == "SourceError"
    assert "16 numbers" in error["message"]
