"""`--index`, `--target-recall` and `collection retune`, on vectors enough for an index."""

import numpy as np
import pytest

from tests.cli.commands.kit import answer, refusal, run

N, DIM = 1_200, 16
HERE = "vectors.polyseek"


@pytest.fixture
def vectors(tmp_path, monkeypatch):
    """A folder with vectors and ids, to stand in."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, DIM))[rng.integers(30, size=N)]
    rows = rows + 0.5 * rng.standard_normal((N, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.save(tmp_path / "v.npy", rows.astype(np.float16))
    (tmp_path / "ids.txt").write_text("".join(f"/p/{number}.jpg\n" for number in range(N)))
    return tmp_path


def index(*options):
    source = [
        "--embeddings",
        "v.npy",
        "--ids",
        "ids.txt",
        "--model",
        "x",
        "--fingerprint",
        "a" * 64,
    ]
    return ["index", *source, "-c", HERE, *options]


def facts():
    return answer("collection", "info", "-c", HERE, "--json")["galleries"]["images"]["index"]


def test_an_index_by_name_is_built_told_and_tuned_again(vectors):
    assert run(*index("--index", "ivf20,pq8x4fs", "--target-recall", "0.9")).exit_code == 0
    built = facts()
    assert (built["spec"], built["bytes_per_vector"]) == ("ivf20,pq8x4fs", 12)
    assert [(mode["modality"], mode["target"]) for mode in built["modes"]] == [("image", 0.9)]
    text = run("collection", "info", "-c", HERE).stdout
    assert "recall@10" in text
    assert "image      0.900" in text
    shown = run("collection", "retune", "-c", HERE, "--target-recall", "0.99")
    assert (shown.exit_code, "image      0.990" in shown.stdout) == (0, True)
    assert "trains anew" not in shown.stderr
    tuned = facts()
    assert tuned["modes"][0]["recall"] >= built["modes"][0]["recall"] > 0.97  # it costs nothing
    assert (tuned["spec"], tuned["trained_on"]) == (built["spec"], built["trained_on"])
    assert run(*index("--index", "exact")).exit_code == 0
    assert facts()["kind"] == "exact"
    assert "nothing to tune" in run("collection", "retune", "-c", HERE).stdout


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--index", "hnsw32", "not an index: 'hnsw32'"),
        ("--index", "ivf20,pq7x4fs", "7 sub-spaces do not divide 16"),
        ("--index", "ivf500,pq8x4fs", "needs 19,500 items, there are 1,200"),
        ("--target-recall", "1.5", "lies in (0, 1], got 1.5"),
    ],
)
def test_an_index_that_cannot_be_is_refused_with_the_reason(vectors, option, value, reason):
    assert reason in refusal(2, *index(option, value))
