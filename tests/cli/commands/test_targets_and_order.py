"""Searching texts, and the order in which hits are shown."""

import json

import pytest
from PIL import Image

from tests.cli.commands.kit import COLOURS, answer, names, refusal, run


@pytest.fixture
def captioned(here):
    for name in COLOURS:
        (here / "photos" / f"{name}.txt").write_text(f"a {name} picture\n")
    report = answer("index", "photos", "--json")
    assert report["texts"] == {"added": 4, "removed": 0, "unchanged": 0, "skipped": []}
    return here


def test_an_image_finds_the_texts_that_say_it(captioned):
    found = answer("query", "-i", "photos/blue.png", "--target", "texts", "--json")
    assert [list(hit) for hit in found["hits"]] == [["rank", "id", "score", "path", "text"]] * 4
    assert found["hits"][0]["text"] == "a blue picture"
    assert found["hits"][0]["path"].endswith("photos/blue.png")


def test_a_text_finds_texts_as_a_table_and_as_paths(captioned):
    table = run("query", "red", "--target", "texts").stdout.splitlines()
    assert table[0].split() == ["rank", "score", "text", "path"]
    assert "a red picture" in table[1]
    assert names(run("query", "green", "--target", "texts", "-f", "-k", "1")) == ["green"]


def test_a_batch_searches_texts_too(captioned):
    result = run("query", "--batch", "-", "--target", "texts", "-k", "1", stdin="red\nblue\n")
    said = [json.loads(line)["hits"][0]["text"] for line in result.stdout.splitlines()]
    assert said == ["a red picture", "a blue picture"]


def test_a_batch_of_images_answers_each_in_order_and_one_bad_one_stops_nothing(captioned):
    lines = "photos/green.png\n\ngone.png\nphotos/red.png\n"
    result = run("query", "--batch-images", "-", "--target", "texts", "-k", "1", stdin=lines)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["query"] for each in answers] == lines.splitlines()
    assert [[hit["text"] for hit in each["hits"]] for each in answers] == [
        ["a green picture"],
        [],
        [],
        ["a red picture"],
    ]
    assert answers[1]["error"] == "the line names no image"
    assert "gone.png" in answers[2]["error"]
    assert "2 of 4 queries not answered" in result.stderr


def test_two_batches_do_not_go_together(captioned):
    assert "do not go together" in refusal(2, "query", "--batch", "-", "--batch-images", "-")


def test_the_item_of_a_text_asks_for_images(captioned):
    text_id = answer("query", "yellow", "--target", "texts", "--json")["hits"][0]["id"]
    assert names(run("query", "--like", text_id, "-f", "-k", "1")) == ["yellow"]


@pytest.mark.parametrize("flag", [["--sheet", "x.png"], ["--html", "x.html"], ["--preview"]])
def test_texts_are_not_drawn(captioned, flag):
    assert "texts cannot be drawn" in refusal(2, "query", "red", "--target", "texts", *flag)


def test_without_captions_there_are_no_texts(here):
    run("index", "photos")
    assert run("query", "red", "--target", "texts").stderr == "no hits\n"
    assert run("query", "red", "--target", "texts", "--fail-empty").exit_code == 3


def test_captions_can_be_left_out(captioned):
    report = answer("index", "photos", "--no-captions", "--json")
    assert report["texts"] is None
    assert len(answer("query", "red", "--target", "texts", "--json")["hits"]) == 4


def test_hits_in_the_order_of_dates_and_of_paths(here):
    for name, date in {"red": "2020:01:01 00:00:00", "blue": "2024:01:01 00:00:00"}.items():
        exif = Image.Exif()
        exif[0x0132] = date
        Image.new("RGB", (32, 24), COLOURS[name]).save(here / "photos" / f"{name}.png", exif=exif)
    run("index", "photos")
    best_first = names(run("query", "red", "-f"))
    assert best_first[0] == "red"
    undated = [name for name in best_first if name in ("green", "yellow")]
    assert names(run("query", "red", "-f", "--sort", "date")) == ["blue", "red", *undated]
    by_path = answer("query", "red", "--json", "--sort", "path")["hits"]
    assert [hit["path"] for hit in by_path] == sorted(hit["path"] for hit in by_path)
    assert sorted(hit["rank"] for hit in by_path) == [1, 2, 3, 4]
    assert next(hit["rank"] for hit in by_path if "red.png" in hit["path"]) == 1
