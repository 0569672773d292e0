import numpy as np
import pytest

from retrieval.errors import QueryError
from retrieval.query.algebra import ItemRef, Minus, Text
from retrieval.query.feedback import (
    DISLIKED,
    LIKED,
    PROBED,
    Marks,
    moved,
    probe,
)
from retrieval.query.rewriting import with_feedback
from retrieval.query.ways import Feedback, Where
from retrieval.store.filters.grammar import parse_filter

AXES = np.eye(4, dtype=np.float32)
NONE = np.empty((0, 4), np.float32)
NO_GALLERY = np.empty((0, 4), np.float32)


def unit(rows):
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def test_rocchio_by_hand_where_no_gallery_sets_the_scale():
    found = moved(AXES[0], Marks(AXES[1:2], AXES[2:3]), NO_GALLERY)
    assert found == pytest.approx(unit([1, LIKED, -DISLIKED, 0]))
    assert found.dtype == np.float32


def test_parts_count_by_how_much_they_spread_the_scores():
    """Along the first axis items differ ten times as much, so that a part along it is a tenth."""
    searched = np.array([[1, 0.1], [-1, 0.1], [1, -0.1], [-1, -0.1]], np.float32)
    axes = np.eye(2, dtype=np.float32)
    found = moved(axes[0], Marks(axes[1:], np.empty((0, 2))), searched)
    assert found == pytest.approx(unit([1 / 1, LIKED / 0.1]))


def test_the_length_of_a_mark_does_not_matter_in_a_gallery():
    rng = np.random.default_rng(0)
    searched = unit(rng.normal(size=(50, 4)))
    once = moved(AXES[0], Marks(AXES[1:2], NONE), searched)
    twice = moved(AXES[0], Marks(AXES[1:2] * 0.1, NONE), searched)
    assert once == pytest.approx(twice, abs=1e-6)


def test_marks_alone_are_a_query():
    assert moved(None, Marks(AXES[1:3], NONE), NO_GALLERY) == pytest.approx(unit([0, 1, 1, 0]))


def test_wrong_ones_alone_move_away_however_many_they_are():
    found = moved(AXES[0], Marks(NONE, AXES[[1, 1, 1, 1]]), NO_GALLERY)
    assert found == pytest.approx(unit([1, -DISLIKED, 0, 0]))


def test_from_three_marks_on_a_regression_says_where_to_go():
    rng = np.random.default_rng(1)
    searched = unit(rng.normal(size=(30, 4)))
    centred = searched.astype(np.float64) - searched.mean(axis=0, dtype=np.float64)
    marks = Marks(AXES[[1, 2]], AXES[[3]])
    direction = probe(marks, centred)
    expected = (
        AXES[0] / (centred @ AXES[0]).std() + PROBED * direction / (centred @ direction).std()
    )
    assert moved(AXES[0], marks, searched) == pytest.approx(unit(expected), abs=1e-5)
    assert direction[1] > direction[3]
    assert direction[2] > direction[3]


def test_items_of_the_gallery_that_are_marked_as_right_do_not_count_as_wrong():
    liked = AXES[:3]
    alone = probe(Marks(liked, NONE), np.empty((0, 4)))
    assert probe(Marks(liked, NONE), liked.astype(np.float64)) == pytest.approx(alone)
    assert alone == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_marks_that_say_the_contrary_are_refused():
    with pytest.raises(QueryError, match="cancels out"):
        moved(AXES[0], Marks(AXES[:1] * (-1 / LIKED), NONE), NO_GALLERY)


def test_marks_that_make_no_feedback():
    with pytest.raises(QueryError, match="nothing is marked"):
        Feedback(Text("a dog"))
    with pytest.raises(QueryError, match="only says what is wrong"):
        Feedback(None, (), (ItemRef(3),))
    with pytest.raises(QueryError, match="as right and as wrong"):
        Feedback(None, (ItemRef(3), ItemRef(4)), (ItemRef(4),))


def test_feedback_is_about_what_is_sought():
    wide, marks = parse_filter("width > 10"), (ItemRef(3),)
    asked = Where(Minus(Text("a"), Text("b")), wide)
    expected = Where(Minus(Feedback(Text("a"), marks, (ItemRef(4),)), Text("b")), wide)
    assert with_feedback(asked, marks, (ItemRef(4),)) == expected
