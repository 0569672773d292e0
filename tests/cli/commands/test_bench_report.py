"""polyseek bench report."""

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks.reports.kit import Page
from tests.cli.commands.kit import answer, refusal, run

RUN = ("bench", "run", "coco-mini", "--model", "geometry", "--data", "data", "--out", "runs")
REPORT = ("bench", "report", "runs")


@pytest.fixture
def measured(here):
    """Four pictures; the captions of two are exchanged, so that some queries fail."""
    folder = here / "data" / "coco_mini"
    folder.mkdir(parents=True)
    (here / "photos").rename(folder / "images")
    names = ("blue", "green", "red", "yellow")
    said = ("blue", "green", "yellow & <script>", "red")
    images = [{"id": at, "file_name": f"{name}.png"} for at, name in enumerate(names)]
    captions = [
        {"id": 10 * at, "image_id": at, "caption": caption} for at, caption in enumerate(said)
    ]
    content = {"images": images, "annotations": captions}
    (folder / "captions_mine.json").write_text(json.dumps(content))
    assert run(*RUN, "--index", "exact", "--index", "auto").exit_code == 0
    return here


def test_a_report_is_written_and_its_files_are_named(measured):
    result = run(*REPORT)
    assert result.exit_code == 0, result.output
    named = [Path(line) for line in result.stdout.splitlines()]
    assert named[0] == Path("runs/report/report.html")
    assert {path.name for path in named} >= {"report.md", "figures.csv", "clip_benchmark.csv"}
    assert sorted(named) == sorted(Path("runs/report").iterdir())
    assert "2 records have no place in CLIP_benchmark's table" in result.stderr
    page = Page(named[0].read_text(encoding="utf-8"))
    assert page.heads == [
        "verdicts", "recall", "indexes", "ranks", "failures", "figures", "provenance",
    ]  # fmt: skip
    assert "bench report RUN --data DIR" in page.text
    assert "img" not in {tag for tag, _ in page.tags}


def test_with_the_data_the_worst_queries_are_shown(measured):
    assert run(*REPORT, "--data", "data", "--out", "shown", "--quiet").stderr == ""
    text = (measured / "shown" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    alts = [given["alt"] for tag, given in page.tags if tag == "img"]
    # Picture 2 is red and 3 yellow, and each has the other's caption: two texts fail, each with the
    # right picture and the one that came first, and two pictures.
    assert alts == [f"the picture {at}" for at in (2, 3, 3, 2, 2, 3)]
    assert "<script" not in text
    assert "yellow & <script>" in page.text
    before = {path.name: path.read_bytes() for path in Path("shown").iterdir()}
    run(*REPORT, "--data", "data", "--out", "shown", "--quiet")
    assert {path.name: path.read_bytes() for path in Path("shown").iterdir()} == before


def test_data_or_a_model_that_are_others_now_give_no_gallery(measured):
    path = measured / "data" / "coco_mini" / "captions_mine.json"
    text = path.read_text()
    path.write_text(text.replace("green", "verde", 2))
    result = run(*REPORT, "--data", "data")
    assert result.exit_code == 0
    assert "warning: no failures of coco-mini" in result.stderr
    assert "is not what was measured" in Path("runs/report/report.html").read_text()
    path.unlink()
    assert "warning: no failures" in run(*REPORT, "--data", "data").stderr
    path.write_text(text)
    lines = Path("runs/records.jsonl").read_text()
    Path("runs/records.jsonl").write_text(lines.replace('"name": "geometry"', '"name": "stranger"'))
    assert "is not the model that was measured" in run(*REPORT, "--data", "data").stderr


def test_the_files_are_named_as_json_too(measured):
    found = answer(*REPORT, "--json")
    assert found["files"][0] == "runs/report/report.html"
    assert found["not_in_clip_benchmark"] == 2


def test_bad_input_is_refused(measured):
    assert "no records in nothing" in refusal(1, "bench", "report", "nothing")
    assert "is no folder" in refusal(2, *REPORT, "--data", "nowhere")
    assert "is a file" in refusal(2, *REPORT, "--out", "runs/records.jsonl")
    first = json.loads(Path("runs/records.jsonl").read_text().splitlines()[0])
    ranks = Path("runs/ranks", f"{first['ranks']}.npz")
    ranks.write_bytes(ranks.read_bytes()[:-1])
    assert "is not what was recorded" in refusal(1, *REPORT)
    ranks.unlink()
    assert "cannot read the ranks" in refusal(1, *REPORT)
    Path("runs/records.jsonl").write_text('{"format": 99}\n')
    assert "line 1, is no record" in refusal(1, *REPORT)


def test_a_full_disk_is_named_and_leaves_nothing(measured, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "runs/report: No space left on device" in refusal(1, *REPORT)
    assert list(Path("runs/report").iterdir()) == []


def test_without_matplotlib_the_extra_is_named(measured, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = refusal(1, *REPORT)
    assert "plots need matplotlib" in message
    assert "polyseek[bench]" in message
