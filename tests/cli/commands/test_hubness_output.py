"""What the command line says of a collection with a hubness bias."""

import json

import pytest

from retrieval.encoders import registry
from tests import hub_kit
from tests.cli.commands.kit import answer, refusal, run


@pytest.fixture
def hubs(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._registered, "cones", hub_kit.ConeEncoder)
    monkeypatch.delenv("POLYSEEK_MODEL")
    return hub_kit.hub_collection(tmp_path / "c")


def ids(hits):
    return [hit["id"] for hit in hits]


def test_hits_carry_both_scores_and_cosine_asks_for_one(hubs):
    question = ("query", "another one of 15", "-c", hubs, "--json", "-k", 90)
    hits = answer(*question)["hits"]
    plain = answer(*question, "--cosine")["hits"]
    assert list(hits[0])[:5] == ["rank", "id", "score", "adjusted", "path"]
    assert all("adjusted" not in hit for hit in plain)
    assert {hit["id"]: hit["score"] for hit in hits} == {hit["id"]: hit["score"] for hit in plain}
    assert ids(hits) != ids(plain)
    assert [hit["adjusted"] for hit in hits] == sorted(
        (hit["adjusted"] for hit in hits), reverse=True
    )
    assert [hit["score"] for hit in plain] == sorted((hit["score"] for hit in plain), reverse=True)


def test_a_batch_is_answered_alike(hubs):
    for option in ([], ["--cosine"]):
        alone = answer("query", "another one of 15", "-c", hubs, "--json", *option)["hits"]
        lines = run("query", "--batch", "-", "-c", hubs, *option, stdin="another one of 15\n")
        assert json.loads(lines.stdout)["hits"] == alone


def test_an_image_of_the_collection_asks_by_cosine(hubs):
    hits = answer("query", "--like", 20, "-c", hubs, "--json")["hits"]
    assert all("adjusted" not in hit for hit in hits)


def test_cosine_and_groups_do_not_go_together(hubs):
    said = refusal(2, "query", "a", "-c", hubs, "--cosine", "--group-near-duplicates")
    assert "do not go together" in said


def test_info_tells_what_it_wins(hubs):
    facts = answer("collection", "info", "-c", hubs, "--json")["galleries"]
    hubness = facts["images"]["hubness"]
    assert (hubness["source"], hubness["k"], hubness["queries"]) == ("generated", 16, 135)
    assert len(hubness["bank"]) == 64
    first = hubness["recall"][0]
    lines = run("collection", "info", "-c", hubs).stdout.splitlines()
    of_images, of_texts = [each for each in lines if "hubness" in each]
    assert of_texts.startswith(
        "  hubness bias: off, it does not win on both halves; on the second: recall@1 "
    )
    assert of_texts.endswith("(23 held-out image queries)")
    assert of_images == (
        f"  hubness bias: {hubness['alpha']:g}; recall@1 {first['plain']:.3f} -> "
        f"{first['adjusted']:.3f} ± {first['standard_error']:.3f} (135 held-out text queries)"
    )
