"""polyseek train adapter and text-adapter, and queries through what they make."""

import numpy as np
import pytest

from cli import lessons
from retrieval.encoders import registry
from retrieval.learn import pairs as pairs_module
from retrieval.learn.adapter import Adapter
from retrieval.learn.pairs import own_pairs
from retrieval.query import language
from tests.cli.commands.kit import answer, names, refusal, run
from tests.factories import COLOURS
from tests.retrieval.query.test_language import Polyglot
from tests.retrieval.test_engine_adapters import Turned, pairs

MIXED = "\n".join(each.english for each in pairs())


@pytest.fixture(autouse=True)
def few_words(monkeypatch):
    """Of polyseek's own texts, which name few colours, a handful."""
    monkeypatch.setattr(pairs_module, "own_pairs", lambda: own_pairs()[:200])


@pytest.fixture(autouse=True)
def turned(monkeypatch):
    """A second encoder, and the same answers whether a detector is installed or not."""
    monkeypatch.setitem(registry._registered, "turned", Turned)
    monkeypatch.setattr(language, "detected_language", lambda text: None)


@pytest.fixture
def taught(indexed):
    """The collection of four pictures, and texts to learn from."""
    (indexed / "texts.txt").write_text(MIXED)
    (indexed / "pairs.tsv").write_text(
        "".join(f"{each.english}\t{each.english}\tfr\n" for each in pairs())
    )
    return indexed


def test_another_encoder_asks_the_collection(taught):
    assert "was embedded with" in refusal(4, "query", "rouge", "--model", "turned")
    options = ("--from", "turned", "--texts", "texts.txt", "--texts-alone")
    made = answer("train", "adapter", *options, "--json")
    assert (made["source"], made["target"], made["method"]) == ("turned", "geometry", "ridge")
    assert made["alignment"]["text"]["recall"] > 0.9
    assert made["trained_on"] == {"texts": len(set(MIXED.splitlines()))}
    assert names(run("query", "rouge", "--model", "turned", "-f", "-k", "1")) == ["red"]
    assert names(run("query", "red", "-f", "-k", "1")) == ["red"]
    said = refusal(1, "query", "-i", "photos/red.png", "--model", "turned")
    assert "maps no images" in said
    verified = run("collection", "verify")
    assert verified.exit_code == 0, verified.output


def test_images_are_learned_from_a_folder_too(taught):
    from PIL import Image

    rng = np.random.default_rng(0)
    (taught / "more").mkdir()
    for number in range(120):
        colour = tuple(rng.integers(0, 256, 3).tolist())
        Image.new("RGB", (8, 8), colour).save(taught / "more" / f"{number}.png")
    (taught / "more" / "broken.png").write_text("no picture")
    options = ("--from", "turned", "--texts", "texts.txt", "--images", "more")
    result = run("train", "adapter", *options)
    assert result.exit_code == 0, result.output
    assert "1 images could not be read" in result.stderr
    assert "120 images" in result.stdout
    assert "held-out images: 100.0% of them meet their own partner among 12" in result.stdout
    found = answer("query", "-i", "photos/red.png", "--model", "turned", "--json")
    assert len(found["hits"]) == 3


def test_new_languages_without_indexing_anew(taught):
    assert "does not know the language fr" in run("query", "rouge", "--lang", "fr", "-f").stderr
    options = ("--from", "turned", "--pairs", "pairs.tsv", "--gate", "0.01")
    made = answer("train", "text-adapter", *options, "--json")
    assert made["languages"] == ["fr"]
    assert made["path"].endswith("text-adapter.safetensors")
    found = run("query", "rouge", "--lang", "fr", "-f", "-k", "1")
    assert (names(found), found.stderr) == (["red"], "")
    shown = answer("query", "rouge", "--lang", "fr", "--json")["languages"]
    assert shown == [{"text": "rouge", "lang": "fr", "by": "told", "adapted": True}]
    guessed = run("query", "red", "-f", "-k", "1")
    assert names(guessed) == ["red"]
    assert "'red' is read as en for want of a better guess" in guessed.stderr


def test_without_pairs_it_learns_from_english_and_serves_what_is_new(here, taught):
    made = answer("train", "text-adapter", "--from", "turned", "--gate", "0", "--json")
    assert made["languages"] == ["fr"]  # of French and English, the model knows the one
    assert made["trained_on"]["pairs"] == 0
    chosen = ("--languages", "fr-CA,de", "--gate", "0", "-o", "my.st", "--model", "geometry")
    answer("train", "text-adapter", "--from", "turned", *chosen, "--json")
    assert Adapter.load(here / "my.st").card.languages == ("fr-CA", "de")


def test_below_the_gate_nothing_is_written(taught):
    (taught / "wrong.tsv").write_text(
        "".join(f"{one.english}\t{two} {number}\n" for number, (one, two) in enumerate(_wrong()))
    )
    arguments = ("train", "text-adapter", "--from", "turned", "--pairs", "wrong.tsv")
    said = refusal(1, *arguments, "--gate", "0.9")
    assert "the gate is 90%, and nothing was written" in said
    assert not (taught / ".polyseek" / "text-adapter.safetensors").exists()


def _wrong():
    """Texts whose English has nothing to do with them."""
    colours = np.random.default_rng(0).choice(list(COLOURS), len(pairs()))
    return list(zip(pairs(), colours.tolist(), strict=True))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("adapter", "--from", "geometry"), 2, "ask it directly"),
        (("adapter", "--from", "turned", "--gate", "2"), 2, "--gate must be from 0 to 1"),
        (("adapter", "--from", "turned", "--steps", "0"), 2, "--steps must be at least 1"),
        (("adapter", "--from", "nothing"), 1, "there is no model 'nothing'"),
        (("adapter", "--from", "turned", "--to", "geometry"), 2, "nowhere to write"),
        (("adapter", "--from", "turned", "--texts", "few.txt"), 1, "100 images at least, got 4"),
        (
            ("adapter", "--from", "turned", "--texts", "few.txt", "--texts-alone"),
            1,
            "100 different targets",
        ),
        (("text-adapter", "--from", "turned", "--languages", "german"), 2, "tag of no language"),
        (("text-adapter", "--from", "turned", "--languages", ","), 2, "--languages names none"),
        (("text-adapter", "--from", "turned", "--pairs", "gone.tsv"), 1, "cannot read the pairs"),
        (("text-adapter", "--from", "turned", "-c", "nowhere"), 4, "no"),
        (("text-adapter", "--from", "sentence:photos"), 1, "no model of sentence-transformers"),
        (("text-adapter", "--model", "geometry"), 2, "nowhere to write"),
        (("text-adapter", "--from", "turned", "--seed", "-1"), 2, "--seed must be at least 0"),
        (("adapter", "--from", "turned", "--seed", "-1"), 2, "--seed must be at least 0"),
        (("text-adapter", "--from", "turned", "-o", "a.json"), 2, "the card goes to"),
        (("adapter", "--from", "turned", "-o", "gone/a.st"), 2, "it is a folder, or is in none"),
        (("phi", "-o", "photos"), 2, "it is a folder, or is in none"),
        (("text-adapter", "--from", "geometry"), 2, "reads no language that geometry does not"),
    ],
)
def test_what_cannot_be_is_said(taught, arguments, code, message):
    (taught / "few.txt").write_text("red\ngreen\n")
    assert message in refusal(code, "train", *arguments)


def test_what_the_cache_keeps_of_polyseeks_own_texts_serves_other_pairs(taught, monkeypatch):
    asked = []
    encode = Turned.encode_texts
    monkeypatch.setattr(
        Turned, "encode_texts", lambda self, texts: asked.extend(texts) or encode(self, texts)
    )
    monkeypatch.setattr(lessons, "_TEXTS_AT_ONCE", 50)
    options = ("text-adapter", "--from", "turned", "--gate", "0")
    answer("train", *options, "--json")
    own = {each.text for each in own_pairs()[:200]}
    assert own <= set(asked)
    asked.clear()
    answer("train", *options, "--pairs", "pairs.tsv", "--json")
    assert asked
    assert own.isdisjoint(asked)


def test_english_among_the_pairs_stays_with_the_model(taught):
    said = [each.english for each in pairs()]
    (taught / "mixed.tsv").write_text(
        "".join(f"{each}\t{each}\tfr\n{each} .\t{each}\ten-GB\n" for each in said)
    )
    options = ("--from", "turned", "--pairs", "mixed.tsv", "--gate", "0")
    assert answer("train", "text-adapter", *options, "--json")["languages"] == ["fr"]


def test_an_encoder_that_has_to_be_told_languages_is_refused(taught, monkeypatch):
    monkeypatch.setitem(registry._registered, "polyglot", Polyglot)
    said = refusal(2, "train", "text-adapter", "--from", "polyglot", "--languages", "fr")
    assert "has to be told the language" in said
