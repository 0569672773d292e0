"""`--where` and `polyseek tag`: what they find, and what is said where they cannot."""

import json

import pytest

from tests.cli.commands.kit import answer, names, refusal, run


def found(*arguments):
    result = run("query", "red", "-f", *arguments)
    assert result.exit_code == 0, result.output
    return sorted(names(result))


def test_a_query_finds_what_the_filter_lets_through(indexed):
    assert found("--where", "path ~ /RED. or path ~ /green.") == ["green", "red"]
    assert found("-w", "not (path ~ /red. or path ~ /green. or path ~ /yellow.)") == ["blue"]
    assert found("-w", "width = 32 and format = png and has added", "-k", "1") == ["red"]
    said = answer("query", "red", "--json", "-w", "path ~ /red.")
    assert (said["matching"], len(said["hits"])) == (1, 1)
    assert "matching" not in answer("query", "red", "--json")


def test_a_filter_that_matches_nothing_says_so(indexed):
    result = run("query", "red", "-w", "width > 32", "--fail-empty")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "the filter of --where matched nothing" in result.stderr
    result = run("query", "red", "-w", "width > 32", "--json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["matching"] == 0


def test_a_batch_and_an_export_are_filtered_too(indexed):
    lines = run("query", "--batch", "-", "-w", "path ~ blue", stdin="red\n\ngreen\n")
    answers = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [len(each["hits"]) for each in answers] == [1, 0, 1]
    assert "matched nothing" not in lines.stderr
    empty = run("query", "--batch", "-", "-w", "path ~ pink", "--fail-empty", stdin="red\n")
    assert (empty.exit_code, "matched nothing" in empty.stderr) == (3, True)
    rows = run(
        "export", "hits", "red", "-w", "path ~ /blue. or path ~ /yellow."
    ).stdout.splitlines()
    assert sorted(json.loads(row)["path"].rsplit("/")[-1] for row in rows) == [
        "blue.png",
        "yellow.png",
    ]


def test_a_wrong_filter_is_pointed_at_before_anything_is_loaded(here):
    said = refusal(2, "query", "red", "--where", "width > 3 and colour = red")
    assert said.splitlines()[:3] == [
        "error: there is no field 'colour' (column 15)",
        "  width > 3 and colour = red",
        "                ^",
    ]
    assert said.splitlines()[3].startswith("hint: fields: path, folder")
    (line,) = refusal(2, "query", "red", "--json", "--where", "width >").splitlines()
    error = json.loads(line)["error"]
    assert (error["type"], error["exit_code"], error["column"]) == ("FilterError", 2, 8)
    assert error["message"] == "the filter ends too early (column 8)"
    said = refusal(2, "export", "hits", "red", "--where", "x\x1b[2J\n = 1")
    assert "\x1b" not in said


def test_tags_are_added_listed_and_removed(indexed):
    tagged = answer("tag", "add", "Warm", "photos/red.png", "photos/yellow.png", "--json")
    assert tagged == {"tag": "Warm", "items": 2, "changed": 2}
    result = run("tag", "add", "warm", "--where", "path ~ /red. or path ~ /green.")
    assert result.stdout == "tagged 1 items; 1 had it already\n"
    assert run("tag", "add", "all", "photos").stdout == "tagged 4 items\n"
    assert run("tag", "list").stdout == "all\t4\nWarm\t3\n"
    assert run("tag", "remove", "WARM", "photos/green.png").stdout == "untagged 1 items\n"
    assert found("-w", "tag = warm") == ["red", "yellow"]
    shown = answer("tag", "list", "photos/red.png", "--json")["items"]
    assert [each["tags"] for each in shown] == [["all", "Warm"]]
    line = run("tag", "list", "-w", "tag = warm and path ~ yellow").stdout
    assert line.endswith("yellow.png\tall, Warm\n")
    tags = [{"tag": "all", "items": 4}, {"tag": "Warm", "items": 2}]
    assert answer("tag", "list", "--json") == {"tags": tags}


def test_tags_come_back_with_a_repair_and_go_with_their_items(indexed):
    run("tag", "add", "warm", "photos/red.png", "photos/yellow.png")
    assert run("collection", "repair").exit_code == 0
    assert found("-w", "tag = warm") == ["red", "yellow"]
    run("collection", "delete", "photos/red.png")
    assert run("tag", "list").stdout == "warm\t1\n"
    assert run("index", "photos").exit_code == 0
    assert run("tag", "list").stdout == "warm\t2\n"


def test_wrong_use_of_tags(indexed):
    assert "Give ids and paths, or a filter" in refusal(2, "tag", "add", "x")
    assert "one of the two" in refusal(2, "tag", "add", "x", "1", "--where", "width > 1")
    assert "not in the collection: 99" in refusal(2, "tag", "add", "x", "99")
    assert "cannot be a tag" in refusal(2, "tag", "add", " ", "1")
    assert "no field 'w'" in refusal(2, "tag", "remove", "x", "-w", "w > 1")
    result = run("tag", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no tags" in result.stderr


@pytest.mark.parametrize("command", [("list",), ("add", "x", "1"), ("remove", "x", "1")])
def test_tags_need_a_collection(here, command):
    assert "no collection" in refusal(4, "tag", *command)
