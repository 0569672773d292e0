"""Marks, analogies, wordings, and what works on an answer, on the command line."""

import json

import pytest

from tests.cli.commands.kit import answer, names, refusal, run
from tests.retrieval.encoders.blip_kit import tiny_blip


@pytest.fixture
def ids(indexed):
    """Ids by the name of the picture."""
    hits = answer("query", "red", "--json")["hits"]
    return {hit["path"].rpartition("/")[2].removesuffix(".png"): hit["id"] for hit in hits}


def test_marks_move_the_query_and_are_not_returned(ids):
    marks = ["--more-like", ids["blue"], "--less-like", ids["green"]]
    found = answer("query", "red", *marks, "--json")
    assert found["query"] == f"red + [more like {ids['blue']}] - [less like {ids['green']}]"
    assert {hit["id"] for hit in found["hits"]} == {ids["red"], ids["yellow"]}
    everything = answer("query", "red", *marks, "--with-references", "--json")
    assert len(everything["hits"]) == 4


def test_marks_are_a_query_of_their_own(ids):
    assert "red" not in names(run("query", "--more-like", ids["red"], "-f"))
    assert "only says what is wrong" in refusal(2, "query", "--less-like", ids["red"])
    both = ["--more-like", ids["red"], "--less-like", ids["red"]]
    assert "as right and as wrong" in refusal(2, "query", "red", *both)


def test_an_analogy_of_texts_and_pictures(indexed):
    found = run("query", "--analogy", "red", "blue", "red and green", "-f", "-k", 1)
    assert names(found) in (["blue"], ["green"])
    mixed = answer("query", "--analogy", "photos/red.png", "photos/blue.png", "red", "--json")
    assert mixed["query"] == "[photos/red.png : photos/blue.png :: red : ?]"
    assert len(mixed["hits"]) == 2
    assert "no file gone.png" in refusal(2, "query", "--analogy", "gone.png", "blue", "red")


def test_wordings_are_asked_together(indexed):
    assert names(run("query", "red", "--ensemble", "-f", "-k", 1)) == ["red"]


def test_feedback_from_the_best_hits_says_what_it_did(indexed):
    found = run("query", "red", "--prf", "-f")
    assert found.exit_code == 0
    assert len(names(found)) == 4
    assert found.stderr == "no hit stands out: asked once\n"
    assert run("query", "red", "--prf", "-f", "--quiet").stderr == ""


def test_diversity_is_a_share(indexed):
    assert names(run("query", "red", "--diverse", "0.3", "-f", "-k", 1)) == ["red"]
    plain = run("query", "red", "-f").stdout
    assert run("query", "red", "--diverse", "0", "-f").stdout == plain
    assert "between 0 and 1" in refusal(2, "query", "red", "--diverse", "1")


def test_what_a_reranker_says_is_a_key_of_its_own(indexed, tmp_path):
    pytest.importorskip("transformers")
    blip = tiny_blip(tmp_path / "blip")
    (indexed / "photos" / "blue.png").unlink()
    command = ["query", "red", "--rerank", f"blip:{blip}", "--rerank-top", 3, "--json", "-k", 4]
    result = run(*command)
    assert result.exit_code == 0, result.output
    hits = json.loads(result.stdout)["hits"]
    keys = ["rank", "id", "score", "reranked", "path", "width", "height"]
    assert list(hits[0]) == keys
    scored = [hit["reranked"] for hit in hits if "reranked" in hit]
    assert scored == sorted(scored, reverse=True)
    missing = [hit["path"] for hit in hits[len(scored) :]]
    n_unscored = 3 - len(scored)
    assert ("hits not re-ranked" in result.stderr) == bool(n_unscored)
    assert len(missing) == 4 - len(scored)


def test_captions_and_cosines_rank_again(indexed):
    for way in ("exact", "caption"):
        assert names(run("query", "red", "--rerank", way, "-f", "-k", 1)) == ["red"]
    assert "the query has none" in refusal(
        2, "query", "-i", "photos/red.png", "--rerank", "caption"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--rerank", "magic"], 2, "no way to re-rank: 'magic'"),
        (["--rerank", "blip:"], 2, "no way to re-rank"),
        (["--rerank-top", "5"], 2, "how far --rerank goes"),
        (["--rerank", "exact", "--rerank-top", "0"], 2, "at least 1"),
        (["--rerank", "blip:nowhere"], 1, "no BLIP model in nowhere"),
        (["--prf", "--group-near-duplicates"], 2, "do not go together"),
    ],
)
def test_what_makes_no_sense_is_refused(indexed, arguments, code, says):
    assert says in refusal(code, "query", "red", *arguments)


@pytest.mark.parametrize("option", ["--prf", "--ensemble", "--with-references"])
def test_a_batch_has_one_stage_and_literal_lines(indexed, option):
    refusal(2, "query", "--batch", "-", option, stdin="red\n")
