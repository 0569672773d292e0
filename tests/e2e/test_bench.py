"""`polyseek bench` as a user runs it: measure real photographs, check, compare, run again."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.folder import RunFolder

POLYSEEK = Path(sys.executable).parent / "polyseek"


@pytest.fixture(scope="module")
def bench(test_data, tmp_path_factory):
    """Runs a subcommand in one folder, for all tests."""
    here = tmp_path_factory.mktemp("bench")

    def run(*arguments):
        command = [POLYSEEK, "bench", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, cwd=here
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.here = here
    measured = ("run", "coco-mini", "--data", str(test_data), "--quiet")
    run("run", "coco-mini", "--index", "exact", "--index", "auto", *measured[2:], "-o", "first")
    run(*measured, "-o", "second")
    return run


def test_the_same_command_gives_the_same_record(bench):
    first, second = (RunFolder(bench.here / name).records()[0] for name in ("first", "second"))
    assert replace(first, times={}) == replace(second, times={})
    ranks = [(bench.here / name / "ranks" / f"{first.ranks}.npz") for name in ("first", "second")]
    assert ranks[0].read_bytes() == ranks[1].read_bytes()
    assert first.figures["t2i_r@1"] > 0.45  # of 79 photographs; chance is .013
    assert first.figures["i2t_r@10"] > 0.7


def test_what_an_index_finds_is_what_is_there(bench):
    exact, auto = RunFolder(bench.here / "first").records()
    assert auto.figures["ann_recall@10"] == auto.figures["i2t_ann_recall@10"] == 1.0
    for way in ("t2i", "i2t"):
        assert auto.figures[f"{way}_r@5"] == exact.figures[f"{way}_r@5"]


def test_a_run_is_checked_and_compared_with_itself(bench):
    verified = json.loads(bench("verify", "first", "--json"))
    assert [each["verdicts"] for each in verified["records"]] == [{}, {}]  # of mini none is known
    table = bench("compare", "first", "second")
    assert "noise" in table
    assert "differs" not in table


def has_line(path):
    return path.exists() and path.read_bytes().endswith(b"\n")


def test_a_run_that_is_killed_goes_on_where_it_was(test_data, tmp_path):
    """Killed when the first of two measurements is recorded; that one is not made again."""
    data, records = tmp_path / "data", tmp_path / "run" / "records.jsonl"
    data.mkdir()
    (data / "coco_mini").symlink_to(test_data / "coco_mini")
    arguments = ("coco-mini", "probe-size", "--data", data, "--out", tmp_path / "run", "--quiet")
    command = [POLYSEEK, "bench", "run", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"POLYSEEK_CACHE_DIR": str(tmp_path / "cache")}
    with subprocess.Popen(command, env=environment, **quiet) as killed:
        while not has_line(records) and killed.poll() is None:
            time.sleep(0.02)
        killed.kill()
    assert killed.returncode == -9
    (before,) = RunFolder(tmp_path / "run").records()
    subprocess.run(command, env=environment, check=True, timeout=300, **quiet)
    first, second = RunFolder(tmp_path / "run").records()
    assert first == before
    assert second.key.dataset == "probe-size"
