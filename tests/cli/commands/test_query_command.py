"""The query command: what it finds, in every form, one query or a batch of them."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from cli.picture_files import write_sheet
from retrieval.errors import SettingsError
from tests.cli.commands.kit import COLOURS, answer, names, refusal, run


def test_words_are_joined_to_one_literal_text(indexed):
    assert answer("query", "red", "or", "blue", "--json")["query"] == "red or blue"


def test_the_answer_as_json_has_the_documented_keys(indexed):
    found = answer("query", "red", "--json", "-k", "2")
    assert list(found) == ["query", "languages", "model", "generation", "hits"]
    assert found["model"] == "geometry"
    assert list(found["hits"][0]) == ["rank", "id", "score", "path", "width", "height"]
    best = found["hits"][0]
    assert (best["rank"], best["score"], best["width"], best["height"]) == (1, 1.0, 32, 24)
    assert best["path"] == os.fspath(indexed / "photos" / "red.png")


def test_top_by_flag_by_either_letter_by_variable_and_beyond_the_end(indexed, monkeypatch):
    assert len(names(run("query", "red", "-f", "-k", "2"))) == 2
    assert len(names(run("query", "red", "-f", "-t", "3"))) == 3
    assert len(names(run("query", "red", "-f", "--top", "99"))) == 4
    monkeypatch.setenv("POLYSEEK_TOP", "1")
    assert len(names(run("query", "red", "-f"))) == 1


@pytest.mark.parametrize("top", [10**12 + 10**11, 10**19, 10**20, 10**21])
def test_more_hits_than_any_collection_holds_is_usage(indexed, monkeypatch, top):
    assert len(names(run("query", "red", "-f", "-k", 1 << 40))) == 4
    assert f"top = {top} (from flag --top)" in refusal(2, "query", "red", "-k", top)
    error = json.loads(refusal(2, "query", "red", "-k", top, "--json"))["error"]
    assert (error["type"], error["exit_code"]) == ("SettingsError", 2)
    monkeypatch.setenv("POLYSEEK_TOP", str(top))
    assert "env POLYSEEK_TOP" in refusal(2, "query", "red")


def test_an_image_of_the_collection_is_not_its_own_answer(indexed):
    found = names(run("query", "-i", "photos/red.png", "-f"))
    assert set(found) == {"green", "blue", "yellow"}


def test_like_an_item(indexed):
    best = answer("query", "red", "--json", "-k", "1")["hits"][0]["id"]
    assert "red" not in names(run("query", "--like", best, "-f"))


def test_add_and_subtract_move_the_query(indexed):
    both = names(run("query", "red", "-a", "blue", "-f", "-k", "2"))
    assert set(both) == {"red", "blue"}
    away = names(run("query", "red and blue", "-s", "blue", "-f", "-k", "1"))
    assert away == ["red"]
    found = answer("query", "red", "-a", "blue", "-s", "green", "--json")
    assert found["query"] == "red + blue - green"


def test_the_query_line_adds_and_takes_away_and_weighs(indexed):
    assert set(names(run("query", "red", "+", "blue", "-f", "-k", "2"))) == {"red", "blue"}
    assert names(run("query", "red and blue", "-", "blue", "-f", "-k", "1")) == ["red"]
    assert names(run("query", "red and blue", "without", "blue", "-f", "-k", "1")) == ["red"]
    assert names(run("query", "5:blue", "+", "red", "-f", "-k", "1")) == ["blue"]
    found = answer("query", "3:red", "-", "blue", "--json", "-k", "1")
    assert found["query"] == "3:red - blue"
    assert {"score", "adjusted"} <= set(found["hits"][0])


def test_what_without_takes_away_is_told_on_stderr(indexed):
    asked = ("query", "red and blue without blue", "-f", "-k", "1")
    assert "taken away: blue\n" in run(*asked).stderr
    assert "taken away" not in run(*asked, "--quiet").stderr
    assert "taken away" not in run(*asked, "--literal").stderr
    assert "taken away" not in run(*asked, "--lang", "de").stderr
    assert "taken away" not in run("query", "red", "-", "blue", "-f").stderr
    json.loads(refusal(2, "query", "red without blue", "-i", "gone.png", "--json"))


def test_a_line_that_only_takes_away_goes_with_what_options_seek(indexed):
    found = answer("query", "-i", "photos/red.png", "-", "blue", "--json")
    assert found["query"] == "- blue + [image photos/red.png]"
    assert "adjusted" in found["hits"][0]
    assert "only says what is unwanted" in refusal(2, "query", "-", "blue")


def test_a_path_in_the_query_line_is_that_picture(indexed):
    found = names(run("query", "./photos/red.png", "+", "blue", "-f"))
    assert found[0] == "blue"
    assert "red" not in found, "the query's own picture"
    words = run("query", "./photos/red.png", "--literal", "-f")
    assert "red" in names(words), "as words it is a text with the word red"


def test_quoted_words_and_literal_ones_hold_no_operators(indexed):
    assert answer("query", "red - blue", "--json")["query"] == "red - blue"
    quoted = names(run("query", "red - blue", "-f", "-k", "2"))
    literal = names(run("query", "red", "-", "blue", "--literal", "-f", "-k", "2"))
    assert set(quoted) == set(literal) == {"red", "blue"}


def test_a_line_that_cannot_be_read_is_usage_and_points_at_the_column(indexed):
    error = refusal(2, "query", "red", "+", "gone.jpg")
    assert "no file gone.jpg (column 7)" in error
    assert "  red + gone.jpg\n        ^\n" in error
    as_json = json.loads(refusal(2, "query", "red", "+", "--json"))["error"]
    assert (as_json["type"], as_json["column"]) == ("QuerySyntaxError", 5)


@pytest.mark.parametrize("way", ["mean", "slerp:x", "sum:1", "slerp:2"])
def test_a_way_to_compose_that_there_is_not_is_usage(indexed, way):
    assert "hint: " in refusal(2, "query", "red", "-i", "photos/blue.png", "--compose", way)


@pytest.mark.parametrize("way", ["auto", "sum", "slerp:0.5", "residual", "product"])
def test_every_way_to_compose_answers(indexed, way):
    found = names(run("query", "blue", "-i", "photos/red.png", "--compose", way, "-f"))
    assert set(found) == {"green", "blue", "yellow"}


def test_slerp_takes_an_image_and_a_text(indexed):
    found = run("query", "blue", "-i", "photos/red.png", "--compose", "slerp", "-f", "-k", "1")
    assert names(found) == ["blue"]
    assert "slerp" in refusal(2, "query", "blue", "--compose", "slerp")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["  "],
        ["red", "-k", "0"],
        ["red", "-a", " "],
        ["red", "-s", "red"],
        ["--like", "999"],
        ["-i", "no.png"],
        ["-i", "page.jpg"],
        ["-i", "empty.jpg"],
        ["red", "--json", "--jsonl"],
        ["red", "--batch", "-"],
        ["--batch", "-", "--sheet", "x.png"],
        ["--batch", "-", "-f"],
        ["red", "--sheet", "hits"],
        ["red", "--sheet", "hits.html"],
        ["red", "--sheet", "hits.gif"],
        ["red", "--html", "hits.png"],
    ],
    ids=" ".join,
)
def test_a_query_that_cannot_be_answered_is_usage(indexed, arguments):
    (indexed / "page.jpg").write_text("<html>")
    (indexed / "empty.jpg").touch()
    assert "error" in refusal(2, "query", *arguments)


def refused_image(value):
    error = json.loads(refusal(2, "query", "-i", value, "--json"))["error"]
    assert (error["type"], bool(error["hint"])) == ("QueryError", True)
    return error["message"]


def test_what_is_no_file_is_not_read(indexed):
    os.mkfifo(indexed / "pipe")
    with open(indexed / "huge.png", "wb") as huge:
        huge.truncate((1 << 30) + 1)  # sparse: no byte of it is written
    for path in ("pipe", "/dev/zero"):
        assert (
            refused_image(path) == f"cannot read the query image {path}: it is a pipe or a device"
        )
    assert refused_image("photos").endswith("photos: Is a directory")
    assert refused_image("huge.png").endswith("1,073,741,825 bytes")
    assert refused_image("nope.png").endswith("nope.png: No such file or directory")


def test_an_address_is_not_taken_for_a_path(indexed):
    assert refused_image("http://x.org/a.jpg") == (
        "http://x.org/a.jpg is an address, and a query image is a file"
    )
    assert refused_image("HTTPS://x.org//a.jpg").startswith("HTTPS://x.org/a.jpg is an address")


def test_a_query_image_may_be_a_link(indexed):
    (indexed / "link").symlink_to("photos/red.png")
    assert "red" not in names(run("query", "-i", "link", "-f"))


def test_a_query_of_another_model_is_refused(indexed):
    message = refusal(4, "query", "red", "--model", "stranger")
    assert "geometry" in message
    assert "stranger" in message
    assert run("query", "red", "--model", "geometry").exit_code == 0


def test_an_odd_query_does_no_harm(indexed):
    for text in ("red " * 10_000, "red\0blue", "\udcff red", "🐕", "-- --json"):
        assert run("query", "--json", "--", text).exit_code == 0


@pytest.mark.parametrize("name", ["photos/red.png", "/dev/null"])
def test_a_collection_that_is_a_file_is_a_wrong_setting(here, name):
    for command in (["query", "red"], ["index", "photos"], ["collection", "info"]):
        message = refusal(2, *command, "-c", name)
        assert f"collection = {name} (from flag --collection): that is a file" in message


def test_without_a_collection_the_hint_says_how_to_make_one(here):
    assert "polyseek index" in refusal(4, "query", "red")
    error = json.loads(refusal(4, "query", "red", "--json"))["error"]
    assert (error["type"], error["exit_code"]) == ("CollectionMissingError", 4)
    assert "error" in refusal(4, "query", "red", "-c", "elsewhere")


def test_index_first_where_there_is_no_collection(here):
    assert names(run("query", "red", "--index", "-f", "-k", "1")) == ["red"]
    assert (here / ".polyseek").is_dir()


def test_index_first_where_the_collection_is_an_empty_folder(here):
    (here / ".polyseek").mkdir()
    assert "no collection" in refusal(4, "query", "red")
    assert names(run("query", "red", "--index", "-f", "-k", "1")) == ["red"]


@pytest.mark.parametrize(("reply", "code"), [(True, 0), (False, 4)])
def test_a_watched_query_offers_to_index(here, monkeypatch, reply, code):
    asked = []
    monkeypatch.setattr("cli.engine.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or reply)
    assert run("query", "red", "-f").exit_code == code
    assert len(asked) == 1
    assert (here / ".polyseek").is_dir() is reply


def test_nothing_found_is_3_only_if_asked(indexed):
    assert run("collection", "delete", "photos").exit_code == 0
    empty = run("query", "red")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no hits" in empty.stderr
    assert run("query", "red", "--fail-empty").exit_code == 3
    assert run("query", "--batch", "-", "--fail-empty", stdin="red\n").exit_code == 3


def test_a_sheet_and_a_page(indexed):
    assert run("query", "red", "--sheet", "s.png", "--html", "s.html").exit_code == 0
    assert (indexed / "s.png").stat().st_size > 1000
    assert "red.png" in (indexed / "s.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "kind"), [("s.png", "PNG"), ("s.JPG", "JPEG"), ("s.jpeg", "JPEG"), ("s.webp", "WEBP")]
)
def test_a_sheet_is_what_its_name_says_and_may_be_written_again(indexed, name, kind):
    for text in ("red", "blue"):
        assert run("query", text, "--sheet", name).exit_code == 0
        with Image.open(indexed / name) as sheet:
            assert sheet.format == kind
    assert not [*indexed.glob(".polyseek-*")]


def test_a_sheet_that_its_format_cannot_hold_says_what_can(tmp_path):
    with pytest.raises(SettingsError, match="20000 pixels is too large") as caught:
        write_sheet(Image.new("L", (10, 20_000)), tmp_path / "s.webp")
    assert ".png" in caught.value.hint
    write_sheet(Image.new("L", (10, 20_000)), tmp_path / "s.png")


def test_no_photograph_is_replaced_by_a_sheet(indexed):
    before = {path: path.read_bytes() for path in (indexed / "photos").iterdir()}
    (indexed / "link.png").symlink_to("photos/red.png")
    for name in ("photos/red.png", indexed / "photos" / "red.png", "link.png"):
        assert "is an indexed picture" in refusal(2, "query", "blue", "--sheet", name)
    (indexed / "new.jpg").write_bytes(before[indexed / "photos" / "red.png"])
    refused = refusal(2, "query", "-i", "new.jpg", "--sheet", "./new.jpg")
    assert "the query starts from" in refused
    assert {path: path.read_bytes() for path in before} == before


def test_a_file_that_cannot_be_written_is_named_and_the_earlier_one_stays(indexed):
    (indexed / "s.png").mkdir()
    assert "error: s.png: Is a directory" in refusal_after_answer("--sheet", "s.png")
    assert "no/s.html: No such file" in refusal_after_answer("--html", "no/s.html")
    (indexed / "full.png").symlink_to("/dev/full")
    assert "full.png: No space left on device" in refusal_after_answer("--sheet", "full.png")


def refusal_after_answer(*arguments):
    result = run("query", "red", *arguments)
    assert result.exit_code == 1
    return result.stderr


def test_a_batch_answers_each_line_in_order(indexed):
    result = run("query", "--batch", "-", "-k", "1", stdin="blue\n\nred - blue\nred\n")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["query"] for line in lines] == ["blue", "", "red - blue", "red"]
    assert [len(line["hits"]) for line in lines] == [1, 0, 1, 1]
    assert [list(line) for line in lines][:2] == [["query", "hits"], ["query", "hits", "error"]]
    assert Path(lines[3]["hits"][0]["path"]).stem == "red"
    assert "1 of 4 queries" in result.stderr


def test_a_batch_equals_single_queries(indexed):
    (indexed / "queries.txt").write_text("\n".join(COLOURS))
    result = run("query", "--batch", "queries.txt")
    for line, text in zip(result.stdout.splitlines(), COLOURS, strict=True):
        assert json.loads(line)["hits"] == answer("query", text, "--json")["hits"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nope.txt", "No such file"), ("photos", "Is a directory"), ("", "the name is empty")],
)
def test_a_batch_file_that_cannot_be_read_is_usage_as_an_image_is(indexed, name, reason):
    message = refusal(2, "query", "--batch", name)
    assert f"--batch '{name}': {reason}" in message
    assert "hint:" in message
