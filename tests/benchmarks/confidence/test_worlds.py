"""Worlds whose answers are known, and the product asked about them."""

import numpy as np
import pytest

from benchmarks.confidence.product import Remembering, confidences, write_collection
from benchmarks.confidence.visual_queries import ABSTRACT, CONCRETE
from benchmarks.confidence.worlds import World, shapes
from benchmarks.shapes.grammar import english
from benchmarks.shapes.pictures import ALL
from retrieval.encoders.banks import BANKS
from tests.factories import COLOURS, GeometryEncoder


@pytest.fixture(scope="module")
def worlds():
    return list(shapes(GeometryEncoder(), [0]))


def test_what_is_absent_is_said_of_no_picture(worlds):
    assert len(worlds) == 7
    for world in worlds:
        assert world.answered
        assert world.absent
        assert not set(world.answered) & set(world.absent)
        assert set(world.captions).isdisjoint(world.absent)
        assert len(world.gallery) == 2 * len(world.captions)


def test_every_caption_can_be_said(worlds):
    sayable = {english(one) for one in ALL}
    assert set(worlds[-1].answered) | set(worlds[-1].absent) <= sayable


def test_texts_are_embedded_once():
    calls = []

    class Counting(GeometryEncoder):
        def encode_texts(self, texts):
            calls.append(list(texts))
            return super().encode_texts(texts)

    remembering = Remembering(Counting())
    twice = remembering.encode_texts(["red", "blue", "red"])
    assert (twice[0] == twice[2]).all()
    assert (remembering.encode_texts(["blue"]) == twice[1]).all()
    assert calls == [["red", "blue"], []]
    assert remembering.encode_texts([]).shape == (0, len(COLOURS))


def test_a_world_is_asked_through_the_engine(tmp_path):
    captions = tuple(f"red {n}" for n in range(120))
    encoder = Remembering(GeometryEncoder())
    gallery = encoder.encode_texts([*COLOURS, *(f"{one} and red" for one in COLOURS)])
    world = World("colours", gallery, captions, ("red",), ("mood",))
    write_collection(world, encoder, tmp_path / "c")
    (sure,), (unsure,) = (
        confidences(tmp_path / "c", encoder, each) for each in (world.answered, world.absent)
    )
    assert sure > unsure


def test_what_is_measured_is_in_no_bank():
    banked = {text for bank in BANKS.values() for text in bank()}
    assert banked.isdisjoint(ABSTRACT + CONCRETE)
    assert np.unique(ABSTRACT + CONCRETE).size == len(ABSTRACT) + len(CONCRETE) == 80
