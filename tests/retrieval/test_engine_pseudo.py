"""Queries with images inside of texts, answered by an engine."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.service import index_folders
from retrieval.encoders.injection import injector_of
from retrieval.encoders.registry import get_encoder
from retrieval.engine import SearchEngine
from retrieval.errors import EncoderUnavailableError, QueryError, TrainedMapError
from retrieval.learn.phi import DEFAULT_TEMPLATE, PHI_NAME
from retrieval.learn.phi_lessons import Lessons
from retrieval.learn.phi_ridge import train_ridge
from retrieval.query.algebra import ImageFile, ItemRef, Minus, Query, Text, Vector
from retrieval.query.ways import Pseudo
from tests import bundles

COLOURS = ("red", "green", "blue", "yellow", "black", "white")
TEXTS = [f"a {colour} car" for colour in COLOURS]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = bundles.native(tmp_path_factory.mktemp("native"))
    return get_encoder(f"local-dir:{folder}", device="cpu")


@pytest.fixture(scope="module")
def phi(encoder):
    return train_ridge(Lessons.of(encoder, TEXTS, template="{text} {image}"))


@pytest.fixture
def photos(tmp_path):
    for colour in COLOURS:
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), colour).save(tmp_path / "photos" / f"{colour}.png")
    return tmp_path / "photos"


@pytest.fixture
def collection(tmp_path, photos, encoder):
    index_folders([photos], tmp_path / "c", encoder=encoder)
    return tmp_path / "c"


@pytest.fixture
def phi_file(tmp_path, phi):
    phi.save(tmp_path / "other.safetensors")
    return tmp_path / "other.safetensors"


def by_hand(encoder, phi, photos, *segments):
    """Cosines of the pictures with words and pictures; "@red" is the red one."""
    images = encoder.encode_images([Image.open(photos / f"{each}.png") for each in COLOURS])
    image_of = dict(zip(COLOURS, images, strict=True))
    filled = [
        phi.tokens(image_of[each[1:]][None])[0] if each.startswith("@") else each
        for each in segments
    ]
    (query,), _ = injector_of(encoder).encode([filled])
    return images @ query


def test_several_slots_are_filled_in_their_order(encoder, phi, photos, collection, phi_file):
    red, blue = ImageFile(photos / "red.png"), ImageFile(photos / "blue.png")
    queries = [
        Query(Pseudo(("a", first, "car next to", second)), with_references=True)
        for first, second in ((red, blue), (blue, red))
    ]
    with SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine:
        results = engine.search_batch(queries, 6)
    for names, result in zip((("@red", "@blue"), ("@blue", "@red")), results, strict=True):
        cosines = by_hand(encoder, phi, photos, "a", names[0], "car next to", names[1])
        found = {Path(os.fsdecode(hit.path)).stem: hit.score for hit in result.hits}
        for colour, cosine in zip(COLOURS, cosines, strict=True):
            assert found[colour] == pytest.approx(float(cosine), abs=2e-3)


def test_the_picture_in_the_text_is_not_returned_unless_asked_for(
    encoder, photos, collection, phi_file
):
    text = Pseudo(("a car like", ImageFile(photos / "red.png")))
    with SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine:
        hidden = engine.search(text, 10)
        shown = engine.search(Query(text, with_references=True), 10)
        item = next(hit for hit in shown.hits if os.fsdecode(hit.path).endswith("red.png")).item.id
        by_item = engine.search(Pseudo(("a car like", ItemRef(item))), 10)
    assert len(hidden.hits) == len(by_item.hits) == 5
    assert len(shown.hits) == 6
    assert item not in {hit.item.id for hit in (*hidden.hits, *by_item.hits)}


def test_it_goes_together_with_other_terms(encoder, photos, collection, phi_file):
    text = Pseudo(("a car like", ImageFile(photos / "red.png")))
    with SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine:
        assert len(engine.search(Minus(text + Text("snow"), Text("people")), 3).hits) == 3


def test_the_phi_in_the_collections_folder_is_found(encoder, phi, photos, collection, phi_file):
    text = Pseudo(("a car like", ImageFile(photos / "red.png")))
    with SearchEngine.open(collection, encoder=encoder) as engine:
        assert engine.template == DEFAULT_TEMPLATE
        with pytest.raises(TrainedMapError, match="needs a phi") as caught:
            engine.search(text)
        assert "polyseek train phi" in caught.value.hint
    phi.save(collection / PHI_NAME)
    with SearchEngine.open(collection, encoder=encoder) as engine:
        assert engine.template == "{text} {image}"
        own = engine.search(text)
    with SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine:
        assert engine.search(text) == own


def test_inversion_needs_no_phi(encoder, photos, collection):
    text = Pseudo(("a car like", ImageFile(photos / "red.png")))
    with SearchEngine.open(collection, encoder=encoder, phi="oti") as engine:
        assert engine.template == DEFAULT_TEMPLATE
        first, again = engine.search(text, 3), engine.search(text, 3)
    assert len(first.hits) == 3
    assert first == again


def test_a_phi_of_another_encoder_is_refused(encoder, phi, photos, collection, tmp_path):
    stranger = replace(phi, card=replace(phi.card, fingerprint="0" * 64))
    stranger.save(tmp_path / "stranger.safetensors")
    with (
        SearchEngine.open(
            collection, encoder=encoder, phi=tmp_path / "stranger.safetensors"
        ) as engine,
        pytest.raises(TrainedMapError, match="was trained for"),
    ):
        engine.search(Pseudo(("a", Vector.of(np.ones(64)))))


def test_an_encoder_that_cannot_inject_says_so(tmp_path, photos, phi_file):
    folder = tmp_path / "coca"
    folder.mkdir()
    coca = bundles.coca(folder)
    encoder = get_encoder(f"local-dir:{coca}", device="cpu")
    index_folders([photos], tmp_path / "c", encoder=encoder)
    with (
        SearchEngine.open(tmp_path / "c", encoder=encoder, phi=phi_file) as engine,
        pytest.raises(EncoderUnavailableError, match="cannot take an image"),
    ):
        engine.search(Pseudo(("a", Vector.of(np.ones(64)))))


def test_more_images_than_a_text_has_room_for(encoder, photos, collection, phi_file):
    image = ImageFile(photos / "red.png")
    with (
        SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine,
        pytest.raises(QueryError, match="do not fit into a text of 77 tokens"),
    ):
        engine.search(Pseudo((image,) * 80))


def test_a_text_that_is_too_long_loses_its_end_and_says_so(
    encoder, photos, collection, phi_file, caplog
):
    text = Pseudo(("a car " * 100, ImageFile(photos / "red.png")))
    with SearchEngine.open(collection, encoder=encoder, phi=phi_file) as engine:
        assert len(engine.search(text, 3).hits) == 3
    assert "1 of 1 texts with images are too long" in caplog.text
