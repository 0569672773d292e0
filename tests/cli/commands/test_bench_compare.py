"""polyseek bench compare."""

import json

import pytest

from tests.cli.commands.kit import answer, refusal, run

RUN = ("bench", "run", "coco-mini", "--model", "geometry", "--data", "data", "--out", "runs")


@pytest.fixture
def two(here, coco_mini):
    """Records of two encoders that are alike but for their names, in one folder each."""
    assert run(*RUN).exit_code == 0
    other = ("bench", "run", "coco-mini", "--model", "stranger", "--data", "data", "--out", "other")
    assert run(*other).exit_code == 0
    return here


def edit(folder, change):
    """Change the first record of a run."""
    path = folder / "records.jsonl"
    line = json.loads(path.read_text().splitlines()[0])
    change(line)
    path.write_text(json.dumps(line) + "\n")


def test_two_runs_are_compared(two):
    result = run("bench", "compare", "runs", "other")
    assert result.exit_code == 0, result.output
    head, columns, first, *_ = result.stdout.splitlines()
    assert head == "coco-mini captions_mine en all exact: A geometry, B stranger"
    assert columns.split() == ["figure", "A", "B", "B", "-", "A", "95", "%", "interval"]
    assert first.split() == [
        "t2i_r@1",
        "100.00",
        "100.00",
        "+0.00",
        "+0.00",
        "to",
        "+0.00",
        "noise",
    ]
    found = answer("bench", "compare", "runs", "other", "--resamples", "50", "--json")
    assert found["resamples"] == 50
    assert found["pairs"][0]["b"] == {"model": "stranger", "system": "exact"}
    assert found["pairs"][0]["figures"]["rsum"]["finding"] == "no interval"


def test_two_ways_of_searching_are_compared(two):
    run(*RUN, "--index", "exact", "--index", "auto")
    found = answer("bench", "compare", "runs", "runs", "--index-b", "auto", "--json")
    (pair,) = found["pairs"]
    assert (pair["a"]["system"], pair["b"]["system"]) == ("exact", "auto")
    assert pair["figures"]["t2i_r@1"]["interval"] == [0.0, 0.0]


def test_what_cannot_be_compared_is_said(two):
    assert "no records in nowhere" in refusal(1, "bench", "compare", "runs", "nowhere")
    asked = ("bench", "compare", "runs", "other")
    assert "--resamples must be at least 1" in refusal(2, *asked, "--resamples", "0")
    said = refusal(1, *asked, "--model-b", "nothing")
    assert "B (other) has no such records" in said
    assert "it has records of stranger" in said
    edit(two / "other", lambda line: line["key"].update(captions="first5"))
    assert "error: incomparable: captions is all in A, first5 in B" in refusal(1, *asked)
    edit(two / "other", lambda line: line["key"].update(captions="all"))
    edit(two / "other", lambda line: line["data"].update(pictures="0" * 64))
    assert "incomparable: the pictures differ" in refusal(1, *asked)
    told = json.loads(refusal(1, *asked, "--json"))["error"]
    assert (told["type"], told["exit_code"]) == ("BenchmarkError", 1)
    edit(two / "other", lambda line: line.update(format=99))
    assert "line 1, is no record: format 99" in refusal(1, *asked)


def test_ranks_that_were_changed_are_refused(two):
    (ranks,) = (two / "other" / "ranks").iterdir()
    ranks.write_bytes(b"others")
    assert "is not what was recorded" in refusal(1, "bench", "compare", "runs", "other")


@pytest.mark.slow
def test_the_built_in_encoders_on_photographs(tmp_path, test_data):
    """79 photographs: that `mini` and `mini-en` differ in R@1 cannot be told from so few."""
    models = ("--model", "mini", "--model", "mini-en")
    done = run("bench", "run", "coco-mini", *models, "--data", test_data, "--out", tmp_path / "r")
    assert done.exit_code == 0, done.output
    both = ("bench", "compare", tmp_path / "r", tmp_path / "r")
    figures = answer(*both, "--model-a", "mini", "--model-b", "mini-en", "--json")["pairs"][0]
    found = {name: each["finding"] for name, each in figures["figures"].items()}
    assert found["t2i_r@1"] == "noise"
    assert found["t2i_r@10"] == "differs"
