"""polyseek bench list, run and verify."""

import json
import shutil

import pytest
from PIL import Image

from tests.cli.commands.kit import answer, refusal, run

RUN = ("bench", "run", "coco-mini", "--model", "geometry", "--data", "data", "--out", "runs")


def test_a_run_is_repeated(here, coco_mini):
    (record,) = answer(*RUN, "--repeats", "2", "--json")["records"]
    assert record["times"]["repeats"] == 2


def test_data_sets_are_listed(here):
    lines = run("bench", "list").stdout.splitlines()
    assert any(line.startswith("coco-mini ") for line in lines)
    listed = answer("bench", "list", "--json")["datasets"]
    assert {"coco", "babel-imagenet"} <= {each["name"] for each in listed}
    assert next(each for each in listed if each["name"] == "babel-imagenet")["languages"] == 298


def test_a_run_says_and_records_its_figures(here, coco_mini):
    result = run(*RUN, "--index", "exact", "--index", "auto")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.startswith("coco-mini captions_mine en all  geometry  exact: t2i_r@1 100.00")
    assert "ann_recall@10 100.00" in second
    records = answer(*RUN, "--json")["records"]
    assert records[0]["figures"]["i2t_r@1"] == 1.0
    assert records[0]["key"]["dataset"] == "coco-mini"
    row = answer(*RUN, "--json")["rows"][0]
    assert (row["language"], row["n"], row["t2i_r@1"], row["verdict"]) == ("en", 8, 1.0, None)
    assert (here / "runs" / "records.sqlite").is_file()
    assert len((here / "runs" / "records.jsonl").read_text().splitlines()) == 2


def test_a_probe_says_its_scores_and_records_those_of_its_aspects(here):
    arguments = ("bench", "run", "probe-size", "--model", "geometry", "--data", "data")
    arguments = (*arguments, "--out", "runs")
    result = run(*arguments, "--limit", 8)
    said, _, figures = result.stdout.partition(": ")
    assert said == "probe-size generated en  geometry  exact"
    assert [each.split()[0] for each in figures.split(", ")] == [
        "text_score", "image_score", "group_score",
    ]  # fmt: skip
    assert figures.endswith("group_score 0.00\n")
    (record,) = answer(*arguments, "--limit", 8, "--json")["records"]
    assert record["counts"] == {"pictures": 8, "texts": 12, "items": 4}
    assert "probes" in refusal(1, "bench", "run", "probe", "--data", "data", "--out", "runs")


def test_what_is_missing_is_warned_of(here, coco_mini):
    (coco_mini / "images" / "red.png").unlink()
    result = run(*RUN)
    assert "warning: coco-mini lacks 1 pictures" in result.stderr
    assert "compare with no others" in result.stderr
    assert run(*RUN, "--quiet").stderr == ""


def test_unknown_annotations_are_warned_of_once(here, coco_mini):
    """Of coco-mini any file will do; of XTD one was published."""
    assert run(*RUN).stderr == ""
    names = ["COCO_val2014_1.png", "COCO_val2014_2.png"]
    folder = here / "data" / "xtd"
    (folder / "images").mkdir(parents=True)
    for name, colour in zip(names, ("red", "blue"), strict=True):
        shutil.copy(coco_mini / "images" / f"{colour}.png", folder / "images" / name)
    table = {"images": names, "captions": {"en": [["red"], ["blue"]]}}
    (folder / "xtd.json").write_text(json.dumps(table))
    asked = ("bench", "run", "xtd", "--model", "geometry", "--data", "data", "--out", "xtd-runs")
    result = run(*asked, "--index", "exact", "--index", "auto")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("warning: xtd: xtd.json may be another than the published") == 1
    assert run(*asked, "--quiet").stderr == ""
    assert answer(*asked, "--json")["records"][0]["data"]["is_known"] is False


def test_data_of_ones_own_needs_no_folder_of_data_sets(here, coco_mini):
    text = 'name = "mine"\nsplit = "all"\nimages = "images"\ncaptions = "captions_mine.json"\n'
    (coco_mini / "mine.toml").write_text(text)
    asked = ("bench", "run", "data/coco_mini/mine.toml", "--model", "geometry", "--out", "runs")
    result = run(*asked)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert result.stdout.startswith("mine all en all  geometry  exact: t2i_r@1 100.00")
    (record,) = answer(*asked, "--json")["records"]
    assert (record["data"]["is_known"], record["counts"]["pictures"]) == (False, 4)
    said = refusal(2, "bench", "run", "coco-mini", "--model", "geometry", "--out", "runs")
    assert "coco-mini is looked for below --data" in said
    (coco_mini / "mine.toml").write_text(text.replace("mine", "coco", 1))
    assert "is that of a known data set" in refusal(1, *asked)


def test_a_run_is_held_against_what_was_published(here, coco_mini):
    assert "no records in runs" in refusal(1, "bench", "verify", "runs")
    run(*RUN)
    result = run("bench", "verify", "runs")
    assert result.exit_code == 0
    assert "nothing comparable was published of geometry" in result.stderr
    records = answer("bench", "verify", "runs", "--json")["records"]
    path = here / "runs" / "records.jsonl"
    line = json.loads(path.read_text())
    line["model"]["name"] = "openclip:ViT-B-32:openai"
    line["key"] |= {"dataset": "coco", "split": "test"}
    line["figures"] = {"t2i_r@1": 0.3044, "t2i_r@5": 0.5}
    line["ranks"] = ""  # these figures come from nowhere
    path.write_text(json.dumps(line) + "\n")
    lines = run("bench", "verify", "runs").stdout.splitlines()
    assert lines[0].startswith("reproduced      coco test en all t2i_r@1  openclip:ViT-B-32:openai")
    assert "published 30.44" in lines[0]
    assert any(each.startswith("not reproduced") for each in lines)
    assert records[0]["verdicts"] == {}
    told = answer("bench", "verify", "runs", "--json")["records"][0]["verdicts"]
    assert told["t2i_r@1"]["verdict"] == "reproduced"
    path.write_text('{"format": 99}\n')
    assert "line 1, is no record" in refusal(1, "bench", "verify", "runs")


def test_a_figure_that_its_ranks_do_not_give_is_refused(here, coco_mini):
    run(*RUN)
    path = here / "runs" / "records.jsonl"
    line = json.loads(path.read_text())
    path.write_text(json.dumps(line | {"figures": line["figures"] | {"i2t_r@5": 0.75}}) + "\n")
    said = refusal(1, "bench", "verify", "runs")
    assert "i2t_r@5 of coco-mini captions_mine en geometry exact is recorded as 0.75" in said
    path.write_text(json.dumps(line | {"figures": line["figures"] | {"luck": 0.5}}) + "\n")
    said = refusal(1, "bench", "verify", "runs")
    assert "luck of coco-mini captions_mine en geometry exact cannot be computed" in said
    path.write_text(json.dumps(line | {"ranks": ""}) + "\n")
    assert "figures of 1 of 1 records cannot be computed" in run("bench", "verify", "runs").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("coco-mni",), 1, "there is no data set 'coco-mni'"),
        (("coco",), 1, "no captions of coco test"),
        (("coco-mini", "--languages", "de"), 1, "coco-mini is in English"),
        (("coco-mini", "--limit", "0"), 2, "--limit must be at least 1"),
        (("coco-mini", "--repeats", "0"), 2, "--repeats must be at least 1"),
        (("coco-mini", "--model", "nothing"), 1, "there is no model 'nothing'"),
        (("coco-mini", "--index", "nonsense"), 2, "nonsense"),
    ],
)
def test_what_cannot_be_is_said(here, coco_mini, arguments, code, message):
    (here / "data" / "coco").mkdir()
    model = () if "--model" in arguments else ("--model", "geometry")
    said = refusal(code, "bench", "run", *arguments, *model, "--data", "data", "--out", "runs")
    assert message in said


def test_an_empty_caption_is_named(here, coco_mini):
    path = coco_mini / "captions_mine.json"
    value = json.loads(path.read_text())
    value["annotations"][3]["caption"] = "  "
    path.write_text(json.dumps(value))
    number = value["annotations"][3]["id"]
    assert f"caption {number} is empty" in refusal(1, *RUN)


def test_a_gallery_is_padded(here, coco_mini):
    (here / "others").mkdir()
    Image.new("RGB", (8, 8), (90, 90, 90)).save(here / "others" / "grey.png")
    record = answer(*RUN, "--distractors", "others", "--json")["records"][0]
    assert record["key"]["gallery"] == "complete + 1 others"
    assert "no folder nonesuch" in refusal(1, *RUN, "--distractors", "nonesuch")
