"""How sure hits are on the command line: keys, the table, what is dropped, what is said."""

import json

import pytest
from PIL import Image

from tests.cli.commands.kit import answer, refusal, run

SHADES = 40


@pytest.fixture
def many(here):
    """Pictures of many shades with captions, so that matches are known."""
    for shade in range(SHADES):
        path = here / "photos" / f"shade{shade}.png"
        Image.new("RGB", (32, 24), (255 - shade, 2 * shade, 5 * shade)).save(path)
        path.with_suffix(".txt").write_text(
            f"red {shade}\nthe red number {shade}\nsomething red of {shade}\n"
        )
    assert run("index", "photos").exit_code == 0
    return here


def test_hits_have_the_documented_keys_when_asked(many):
    found = answer("query", "red", "--json", "-k", "1", "--confidence")
    assert found["looks_visual"] in (True, False)
    hit = found["hits"][0]
    assert 0 < hit["confidence"] <= 1
    assert hit["z"] > 0
    assert "probability" not in hit, "the model tells none"
    plain = answer("query", "red", "--json", "-k", "1")
    assert not {"confidence", "z"} & set(plain["hits"][0])
    assert "looks_visual" not in plain


def test_the_table_has_a_column_then(many):
    assert "confidence" in run("query", "red", "--confidence").stdout
    assert "confidence" not in run("query", "red").stdout


def test_no_good_match_is_said_and_nothing_is_shown(many):
    result = run("query", "cyan", "--min-confidence", "1", "-f")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no good match: the best hit has a confidence of " in result.stderr
    assert run("query", "cyan", "--min-confidence", "1", "-f", "--fail-empty").exit_code == 3
    assert run("query", "cyan", "--min-confidence", "1", "-f", "--quiet").stderr == ""
    assert answer("query", "cyan", "--min-confidence", "1", "--json")["hits"] == []


def test_a_match_stays(many):
    kept = answer("query", "red", "--min-confidence", "0.1", "--json")["hits"]
    assert kept
    assert min(hit["confidence"] for hit in kept) >= 0.1


def test_a_batch_is_weighed_line_by_line(many):
    lines = run("query", "--batch", "-", "--min-confidence", "0.5", stdin="red\ncyan\n").stdout
    red, cyan = map(json.loads, lines.splitlines())
    assert red["hits"][0]["confidence"] >= 0.5
    assert cyan["hits"] == []
    assert "looks_visual" in red


def test_where_too_few_matches_are_known_all_are_kept_with_a_warning(indexed):
    result = run("query", "red", "--min-confidence", "0.9", "-f")
    assert len(result.stdout.splitlines()) == 4
    assert "too few matches are known" in result.stderr


@pytest.mark.parametrize("least", ["-0.5", "1.5", "nan"])
def test_a_confidence_that_is_no_share_is_refused(indexed, least):
    assert "[0, 1]" in refusal(2, "query", "red", f"--min-confidence={least}")


def test_groups_are_not_weighed(indexed):
    error = refusal(2, "query", "red", "--confidence", "--group-near-duplicates")
    assert "--confidence and --group-near-duplicates do not go together" in error
