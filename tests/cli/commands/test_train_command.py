"""polyseek train phi: maps for queries with images inside of texts."""

import json

import pytest

from retrieval.learn.phi import Phi
from tests import bundles
from tests.cli.commands.kit import answer, names, refusal, run

CAPTIONS = "a red car on the street\na green field\n\na blue sky at night\na yellow house\n"
QUICK = ("--steps", "2", "--batch-size", "3")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return f"local-dir:{bundles.native(tmp_path_factory.mktemp('native'))}"


@pytest.fixture
def searched(here, model):
    """The four pictures in a collection of a model that can inject, and captions to learn from."""
    (here / "captions.txt").write_text(CAPTIONS, encoding="utf-8")
    assert run("index", "photos", "--model", model).exit_code == 0
    return here


@pytest.mark.parametrize("method", ["ridge", "lincir", "pic2word"])
def test_a_collections_phi_serves_its_queries(searched, method):
    options = () if method == "ridge" else QUICK
    made = answer("train", "phi", "--method", method, "--texts", "captions.txt", *options, "--json")
    assert made["method"] == method
    assert made["trained_on"] == {"texts": 0 if method == "pic2word" else 4, "images": 4}
    assert (searched / ".polyseek" / "phi.safetensors").is_file()
    assert (searched / ".polyseek" / "phi.json").is_file()
    found = run("query", "a photo of {photos/red.png} at night", "-f")
    assert sorted(names(found)) == ["blue", "green", "yellow"]
    composed = run("query", "-i", "photos/red.png", "-a", "blue", "--compose", "pseudo", "-f")
    assert sorted(names(composed)) == ["blue", "green", "yellow"]
    verified = run("collection", "verify")
    assert verified.exit_code == 0, verified.output


def test_a_model_without_a_collection(here, model):
    (here / "captions.txt").write_text(CAPTIONS, encoding="utf-8")
    arguments = ("train", "phi", "--model", model, "--texts", "captions.txt", "--out", "my.st")
    result = run(*arguments, "--template", "{text} {image}", *QUICK, "--seed", "3", "--tokens", "2")
    assert result.stdout == "trained lincir on 4 texts; wrote my.st\n"
    card = Phi.load(here / "my.st").card
    assert (card.template, card.n_tokens) == ("{text} {image}", 2)
    assert (card.settings["seed"], card.settings["steps"]) == (3, 2)
    run(*arguments, "--images", "photos", "--method", "pic2word", *QUICK)
    assert Phi.load(here / "my.st").card.trained_on == {"texts": 0, "images": 4}


def test_a_file_of_another_place_is_named_by_phi(searched):
    said = refusal(1, "query", "of {photos/red.png}")
    assert "an image inside of a text needs a phi" in said
    assert "polyseek train phi" in said
    answer("train", "phi", "--method", "ridge", "--texts", "captions.txt", "-o", "p.st", "--json")
    assert len(answer("query", "of {photos/red.png}", "--phi", "p.st", "--json")["hits"]) == 3
    assert len(answer("query", "of {photos/red.png}", "--phi", "oti", "--json")["hits"]) == 3
    assert "cannot read the phi" in refusal(1, "query", "{photos/red.png}", "--phi", "gone.st")


def test_braces_are_text_where_texts_are_literal(searched):
    (searched / "queries.txt").write_text("of {photos/red.png}\n")
    lines = run("query", "--batch", "queries.txt").stdout.splitlines()
    assert json.loads(lines[0])["query"] == "of {photos/red.png}"
    assert answer("query", "--literal", "of {photos/red.png}", "--json")["hits"]
    assert answer("query", "-a", "of {photos/red.png}", "--json")["hits"]


def test_a_slot_without_an_image_is_pointed_at(searched):
    said = refusal(2, "query", "a photo of {} here")
    assert "a slot without an image (column 12)" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--method", "ridge", "--tokens", "2"), 2, "ridge makes one word"),
        (("--steps", "0"), 2, "--steps must be at least 1"),
        (("--template", "a photo"), 1, "must hold {image} and {text}"),
        (("--texts", "empty.txt"), 1, "no texts in empty.txt"),
        (("--texts", "gone.txt"), 1, "gone.txt"),
        (("--images", "empty", "--method", "pic2word"), 1, "no image in empty"),
        (("--model", "geometry", "-c", ".polyseek"), 4, "was embedded with"),
        (("--model", "geometry"), 2, "nowhere to write"),
        (("--model", "geometry", "-o", "p.st"), 1, "cannot take an image inside of a text"),
        (("-c", "nowhere"), 4, "no"),
    ],
)
def test_what_cannot_be_is_said(searched, arguments, code, message):
    (searched / "empty.txt").write_text("\n")
    (searched / "empty").mkdir()
    assert message in refusal(code, "train", "phi", *arguments)


def test_pic2word_needs_images(here, model):
    options = ("--model", model, "--method", "pic2word", "-o", "p.st")
    assert "there are none" in refusal(1, "train", "phi", *options)
