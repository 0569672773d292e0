"""Wrong usage: told as all errors are, as text or, with --json, as one object."""

import json

import pytest

from cli.root import wants_json
from tests.cli.commands.kit import refusal


@pytest.mark.parametrize(
    ("arguments", "command", "says"),
    [
        (["query", "dog", "-k", "abc", "--json"], "polyseek query", "--top"),
        (["query", "--json", "--nope"], "polyseek query", "--nope"),
        (["index", "--json"], "polyseek index", "SOURCE"),
        (["index", "--json", "x", "--device", "tpu"], "polyseek index", "tpu"),
        (["collection", "info", "--json", "more"], "polyseek collection info", "more"),
        (["collection", "--json"], "polyseek collection", "--json"),
        (["quary", "--json"], "polyseek", "quary"),
        (["--json"], "polyseek", "--json"),
    ],
    ids=str,
)
def test_wrong_usage_with_json_is_one_object(arguments, command, says):
    error = json.loads(refusal(2, *arguments))["error"]
    assert list(error) == ["type", "message", "hint", "exit_code"]
    assert (error["type"], error["exit_code"]) == ("UsageError", 2)
    assert says in error["message"]
    assert f"`{command} --help`" in error["hint"]


def test_wrong_usage_without_json_is_text_for_people():
    message = refusal(2, "query", "dog", "-k", "abc")
    assert message.startswith("Usage: ")
    assert "'--top'" in message
    assert message.endswith("\n")
    assert not message.endswith("\n\n")
    assert "Usage: " in refusal(2, "query", "-k", "abc", "--", "--json")


def test_no_command_is_usage_and_shows_the_help():
    message = refusal(2)
    assert "For example:" in message


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], False),
        (["query", "--json"], True),
        (["query", "--jsonl"], False),
        (["query", "--", "--json"], False),
        (["query", "--json", "--", "x"], True),
    ],
)
def test_json_is_wanted_where_the_option_is_given(words, wanted):
    assert wants_json(words) is wanted
