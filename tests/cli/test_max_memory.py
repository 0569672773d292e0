"""`--max-memory` on the command line: sizes that are refused, and what is left on the disk then."""

import os
import subprocess
import sys

import numpy as np
import pytest

COMMAND = "from cli.main import app; app()"


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    rows = np.random.default_rng(0).standard_normal((12_000, 64), np.float32)
    np.save(folder / "base.npy", rows)
    (folder / "ids.txt").write_text("".join(f"rows/{number}\n" for number in range(len(rows))))
    return folder


def indexed(vectors, folder, *options, code=COMMAND):
    command = [
        *("index", "--embeddings", str(vectors / "base.npy"), "--ids", str(vectors / "ids.txt")),
        *("--model", "made-up", "--fingerprint", "0" * 64, "-c", str(folder), *options),
    ]
    return subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )


def test_a_size_that_is_too_small_is_refused_before_anything_is_written(vectors, tmp_path):
    done = indexed(vectors, tmp_path / "c", "--max-memory", "5MB")
    assert done.returncode == 2
    assert "5 MB of memory are too little for" in done.stderr
    assert "--max-memory" in done.stderr
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("size", ["much", "0", "-1MB", "5 parsecs"])
def test_what_is_no_size_is_named(vectors, tmp_path, size):
    done = indexed(vectors, tmp_path / "c", f"--max-memory={size}")
    assert done.returncode == 2
    assert size in done.stderr


def test_an_index_is_built_within_a_size(vectors, tmp_path):
    done = indexed(vectors, tmp_path / "c", "--max-memory", "40MB")
    assert done.returncode == 0, done.stderr
    assert [*(tmp_path / "c").glob("galleries/images/codebook-*")]


@pytest.mark.parametrize(("long_s", "lines"), [("0.0", 1), ("1e9", 0)])
def test_what_a_long_build_takes_is_told_before_it(vectors, tmp_path, long_s, lines):
    code = f"from indexer import foresight; foresight.LONG_S = {long_s}; {COMMAND}"
    done = indexed(vectors, tmp_path / "c", code=code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\nbuilding ivf46,pq32x4fs for 12,000 items: about ") == lines
    assert "building" not in done.stdout


def queried(folder, *options, env=None):
    command = ["query", "--like", "7", "-c", str(folder), "--json", *options]
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *command],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
        check=False,
    )


def test_searches_answer_alike_within_a_size_and_are_refused_one_that_is_too_small(
    vectors, tmp_path
):
    folder = tmp_path / "c"
    assert indexed(vectors, folder).returncode == 0
    free, bound = queried(folder), queried(folder, "--max-memory", "30MB")
    assert (bound.returncode, bound.stdout) == (0, free.stdout)
    for refused in (
        queried(folder, "--max-memory", "5MB"),
        queried(folder, env={"POLYSEEK_MAX_MEMORY": "5MB"}),
    ):
        assert refused.returncode == 2
        assert "5 MB of memory are too little to search 12,000 items" in refused.stderr
        assert "--max-memory" in refused.stderr
    assert queried(folder, "--max-memory", "lots").returncode == 2
