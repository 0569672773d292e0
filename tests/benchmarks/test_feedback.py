"""The benchmark of feedback, on pictures of one colour."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.feedback.analogies import drawn
from benchmarks.feedback.ways import (
    MOVERS,
    Frank,
    ShortSighted,
    average_precision,
    marks,
    recalls,
    shown,
)
from benchmarks.feedback.worlds import Asked, indexed, photographs, questions
from benchmarks.metrics.ann import MeanRecall
from benchmarks.shapes.pictures import ALL, draw
from retrieval.query.algebra import Query
from retrieval.shaping import Shaping
from tests.factories import GeometryEncoder

COLOURS = {"red": "#f00", "green": "#0f0", "blue": "#00f"}


@pytest.fixture
def world(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    listed = {"images": [], "annotations": []}
    for number, (name, colour) in enumerate(COLOURS.items()):
        Image.new("RGB", (16, 16), colour).save(source / f"{name}.png")
        listed["images"].append({"id": number, "file_name": f"{name}.png"})
        for caption in (f"a {name} thing.", f"the last is {name}"):
            listed["annotations"].append({"image_id": number, "caption": caption})
    listed["images"].append({"id": 99, "file_name": "gone.png"})
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps(listed))
    with photographs(source, captions, GeometryEncoder(), tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("found", "wanted", "precision"),
    [
        ([1, 2, 3], {1}, 1.0),
        ([2, 1, 3], {1}, 1 / 2),
        ([1, 2, 3], {1, 3}, (1 + 2 / 3) / 2),
        ([4, 5], {1}, 0.0),
        ([1, 2, 3], {1, 2, 3, 4, 5}, 1.0),
        ([9, 8, 7, 1], {1}, 0.0),
        ([], {1}, 0.0),
    ],
)
def test_average_precision_by_hand(found, wanted, precision):
    assert average_precision(found, frozenset(wanted), 3) == pytest.approx(precision)


def test_the_last_caption_asks_and_the_others_are_in_the_collection(world):
    asked = world.last()
    assert [each.text for each in asked] == [f"the last is {name}" for name in sorted(COLOURS)]
    found = recalls(world.engine, asked, Query, Shaping())
    assert [shown([each]) for each in found] == ["1.000 ± 0.000"] * 3
    texts = [hit.text for hit in world.engine.search(Query.text("red"), target="texts").hits]
    assert sorted(texts) == sorted(f"a {name} thing." for name in COLOURS)
    assert world.joined()[0].text == "a blue thing. the last is blue."


def test_short_sight_cuts_unless_it_is_known(world, caplog):
    encoder = GeometryEncoder()
    short = ShortSighted(encoder, 5)
    assert np.array_equal(short.encode_texts(["a red blue"]), encoder.encode_texts(["a red"]))
    frank = Frank(encoder, 5)
    assert frank.text_limit().fits("a red")
    assert not frank.text_limit().fits("a blue")


def test_marks_change_what_is_asked_and_are_out_of_every_answer(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    circles = [number for number, each in enumerate(ALL) if each.shape == "circle"][:40]
    for number in circles:
        draw(ALL[number], 1).save(folder / f"{number}-0.png")
    with indexed(folder, tmp_path / "c", GeometryEncoder(), captions=False) as engine:
        asked = [each for each in questions(engine, {"{colour}": ("colour",)}) if each.wanted]
        assert {each.text for each in asked} <= {each.colour for each in ALL}
        assert sum(len(each.wanted) for each in asked) == len(circles)
        rows = list(marks(engine, [each for each in asked if len(each.wanted) > 3], seed=0))
    assert [name for name, _ in rows] == list(MOVERS)
    assert all(len(columns) == 6 for _, columns in rows)


def test_analogies_change_one_attribute_alike():
    names = ("colour", "shape", "size", "place")
    assert drawn(0) != drawn(1)
    for each in drawn(0):
        changed = [name for name in names if getattr(each.a, name) != getattr(each.b, name)]
        assert len(changed) == 1
        assert getattr(each.a, changed[0]) == getattr(each.c, changed[0])
        assert replace(each.c, **{changed[0]: getattr(each.b, changed[0])}) == each.answer
        assert len({each.a, each.b, each.c, each.answer}) == 4


def test_of_several_seeds_the_deviation_is_shown_and_of_one_the_error_over_queries():
    seeds = [MeanRecall.of(np.array(each)) for each in ([0.0, 1.0], [1.0, 1.0])]
    assert shown(seeds) == "0.750 ± 0.354"
    assert shown(seeds[:1]) == "0.500 ± 0.500"


def test_a_question_is_a_value():
    assert Asked("a", frozenset([1])) == Asked("a", frozenset([1]))
