"""polyseek label: labels for images, without an index."""

import json

import pytest

from tests.cli.commands.kit import answer, refusal, run

PROMPTS = "{}\nthe {} one\n"


@pytest.fixture
def labels(here):
    (here / "labels.txt").write_text("red\ngreen\n\nblue \nyellow\nred\n", encoding="utf-8")
    return here / "labels.txt"


def test_each_image_gets_its_label(here, labels):
    found = answer("label", "photos", "--labels", labels, "-k", "2", "--json")["images"]
    assert [each["labels"][0]["label"] for each in found] == ["blue", "green", "red", "yellow"]
    assert [each["path"] for each in found] == sorted(each["path"] for each in found)
    for each in found:
        assert list(each) == ["path", "labels"]
        assert [list(label) for label in each["labels"]] == [["label", "probability", "score"]] * 2
        assert each["labels"][0]["probability"] > 0.9


def test_the_same_for_readers_and_as_json_lines(here, labels):
    text = run("label", "photos/red.png", "--labels", labels, "-k", "1").stdout.splitlines()
    assert text[0].endswith("photos/red.png")
    assert text[1:] == ["  100.0%  red"]
    lines = run("label", "photos", "--labels", labels, "--jsonl").stdout.splitlines()
    assert [json.loads(line)["labels"][0]["label"] for line in lines][-1] == "yellow"


def test_prompts_from_a_file(here, labels):
    (here / "prompts.txt").write_text(PROMPTS)
    found = answer(
        "label", "photos/red.png", "--labels", labels, "--prompts", "prompts.txt", "--json"
    )
    assert found["images"][0]["labels"][0]["label"] == "red"


def test_one_bad_image_is_told_and_stops_nothing(here, labels):
    (here / "photos" / "page.png").write_text("<html></html>")
    arguments = ("label", "photos", "gone.jpg", "--labels", labels)
    result = run(*arguments, "--json")
    assert result.exit_code == 0
    assert "2 of 6 images not labelled" in result.stderr
    errors = {each["path"].rpartition("/")[2]: each.get("error") for each in _images(result)}
    assert (errors["page.png"], errors["gone.jpg"]) == ("not an image", "no such file")
    assert errors["red.png"] is None
    assert run(*arguments, "--strict").exit_code == 1


def _images(result):
    return json.loads(result.stdout)["images"]


@pytest.mark.parametrize(
    ("code", "arguments", "message"),
    [
        (2, ["--labels", "empty.txt"], "no labels in"),
        (2, ["--labels", "labels.txt", "--prompts", "empty.txt"], "no prompts in"),
        (2, ["--labels", "labels.txt", "--prompts", "labels.txt"], "no place for a label"),
        (2, ["--labels", "labels.txt", "-k", "0"], "--top must be at least 1"),
        (2, ["--labels", "labels.txt", "--json", "--jsonl"], "do not go together"),
        (1, ["--labels", "none.txt"], "No such file"),
        (1, ["--labels", "labels.txt", "--model", "nonsense"], "there is no model 'nonsense'"),
    ],
)
def test_what_cannot_be_asked_is_refused(here, labels, code, arguments, message):
    (here / "empty.txt").write_text(" \n")
    assert message in refusal(code, "label", "photos", *arguments)


def test_no_image_at_all_is_a_failure(here, labels):
    (here / "void").mkdir()
    assert "no image in" in refusal(1, "label", "void", "--labels", labels)
