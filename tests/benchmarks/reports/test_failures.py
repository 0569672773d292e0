"""The worst queries, followed by hand."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets.base import (
    ClassNames,
    DatasetError,
    DatasetSpec,
    Origin,
    Picture,
    Zeroshot,
)
from benchmarks.features import Features
from benchmarks.plans.base import RunOptions
from benchmarks.records.folder import RunFolder
from benchmarks.reports.page.failures import Pictures, failures
from benchmarks.reports.shown.failures import (
    Failure,
    Failures,
    Item,
    Ranked,
    failures_of_run,
    worst,
)
from benchmarks.reports.shown.measured_again import measured_again
from benchmarks.runner import Bench, run
from retrieval.store.cached import CacheFolder
from tests.benchmarks.reports.kit import Page
from tests.factories import GeometryEncoder

AXES = np.eye(3, dtype=np.float32)


def ranked(ranks, queries, right, subjects=None):
    items = [Item(name) for name in ("x", "y", "z")]
    asked = [Item(f"q{at}") for at in range(len(ranks))]
    about = range(len(ranks)) if subjects is None else subjects
    return Ranked("t2i", np.array(ranks), queries, AXES, right, asked, items, about)


def test_the_highest_ranks_go_first_and_say_what_came_first():
    queries = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    found = list(worst(ranked([1, 2, 3], queries, [[0], [0], [0]])))
    assert [(each.asked.text, each.rank, each.right.text, each.first.text) for each in found] == [
        ("q2", 3, "x", "y"),
        ("q1", 2, "x", "y"),
    ]


def test_of_several_right_answers_the_best_is_shown():
    query = np.array([[0.0, 0.6, 0.8]], np.float32)
    (found,) = worst(ranked([2], query, [[0, 1]]))
    assert (found.right.text, found.first.text) == ("y", "z")


def test_one_failure_a_subject_and_no_more_than_asked_for():
    queries = np.repeat(AXES[:1], 5, axis=0)
    about = ranked([9, 8, 7, 6, 5], queries, [[1]] * 5, subjects=[4, 4, 2, 1, 0])
    assert [each.asked.text for each in worst(about)] == ["q0", "q2", "q3", "q4"]
    assert [each.asked.text for each in worst(about, 2)] == ["q0", "q2"]


def test_of_equal_ranks_and_scores_the_smaller_number_goes_first():
    queries = np.full((2, 3), 3**-0.5, np.float32)
    found = list(worst(ranked([3, 3], queries, [[2], [2]])))
    assert [(each.asked.text, each.first.text) for each in found] == [("q0", "x"), ("q1", "x")]


def test_pictures_that_are_gone_or_too_many_are_told(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "blue").save(path)
    assert 'alt="the picture a"' in Pictures().of(Item("a", path), "the picture a")
    assert "the page has enough pictures" in Pictures(10).of(Item("a", path), "a")
    assert "missing" in Pictures().of(Item("b", tmp_path / "b.png"), "b")


def test_a_gallery_is_a_list_with_pictures_and_texts(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "blue").save(path)
    failed = Failure(
        "i2t", 12, Item("a", path), Item("a blue wall", language="en"), Item("a red wall")
    )
    content = failures((Failures("coco", "mini", (failed,)),), ("Not shown: xtd",))
    page = Page(content)
    assert page.open == []
    assert "right, at rank 12" in page.text
    for said in ("a blue wall", "a red wall", "Not shown: xtd"):
        assert said in page.text
    assert [given["alt"] for tag, given in page.tags if tag == "img"] == ["the picture a"]
    assert ("bdi", {"lang": "en"}) in page.tags
    assert failures((), ()) is None


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A data set of pictures of one colour and what two languages call them; red is mistaken."""
    pictures = []
    for name in ("red", "green", "blue"):
        Image.new("RGB", (32, 24), name if name != "green" else "#0f0").save(tmp_path / name, "PNG")
        pictures.append(Picture(name, tmp_path / name))
    classes = np.arange(3)
    data = Zeroshot(
        Origin("colours", "val", "some rule"),
        tuple(pictures),
        classes,
        3,
        {
            "DE": ClassNames(classes, ("blau", "grün", "blau")),
            "EN": ClassNames(classes[1:], ("blue", "green")),
        },
    )
    spec = DatasetSpec("colours", "zeroshot", "", lambda folder, options: (data,), "", languages=2)
    monkeypatch.setattr("benchmarks.reports.shown.measured_again.dataset", lambda name: spec)
    return spec


def test_pictures_of_classes_are_shown_with_the_names_of_their_language(tmp_path, colours):
    folder, cache = RunFolder(tmp_path / "run"), CacheFolder(None, "features")
    encoder = GeometryEncoder()
    run([colours], [encoder], RunOptions(), Bench(tmp_path, folder, cache))
    loaded = (encoder, Features(encoder, cache))
    (found,), reasons = failures_of_run(folder, tmp_path, lambda name: loaded)
    assert (found.title, reasons) == ("colours val DE, prompt label", ())
    (failure,) = found.failures
    # Two classes are called "blau": the picture of the second is taken for the first.
    assert (failure.asked.text, failure.rank) == ("blue", 2)
    assert failure.right == failure.first == Item("blau", language="de")


def test_the_first_pictures_are_read_again_where_only_they_were_measured(tmp_path, colours):
    folder, cache = RunFolder(tmp_path / "run"), CacheFolder(None, "features")
    encoder = GeometryEncoder()
    (record, *_) = run([colours], [encoder], RunOptions(limit=2), Bench(tmp_path, folder, cache))
    assert record.key.gallery == "the first 2"
    loaded = (encoder, Features(encoder, cache))
    again = measured_again(record, tmp_path, lambda name: loaded)
    assert [each.key for each in again.data.pictures] == ["red", "green"]
    Image.new("RGB", (32, 24), "white").save(tmp_path / "red", "PNG")
    with pytest.raises(DatasetError, match="is not what was measured"):
        measured_again(record, tmp_path, lambda name: (encoder, Features(encoder, cache)))
    strange = replace(record, key=replace(record.key, split="test"))
    with pytest.raises(DatasetError, match="is not what was measured"):
        measured_again(strange, tmp_path, lambda name: loaded)
