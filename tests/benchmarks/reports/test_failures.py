"""The worst queries, followed by hand."""

import numpy as np
from PIL import Image

from benchmarks.reports.page.failures import Pictures, failures
from benchmarks.reports.shown.failures import Failure, Failures, Item, Ranked, worst
from tests.benchmarks.reports.kit import Page

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
    failed = Failure("i2t", 12, Item("a", path), Item("a blue wall"), Item("a red wall"))
    content = failures((Failures("coco", "mini", (failed,)),), ("Not shown: xtd",))
    page = Page(content)
    assert page.open == []
    assert "right, at rank 12" in page.text
    for said in ("a blue wall", "a red wall", "Not shown: xtd"):
        assert said in page.text
    assert [given["alt"] for tag, given in page.tags if tag == "img"] == ["the picture a"]
    assert failures((), ()) is None
