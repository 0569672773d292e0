"""Parts of data sets keep together what belongs together."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.base import (
    Choices,
    ClassNames,
    Composed,
    ComposedQuery,
    Crossmodal,
    DatasetError,
    Origin,
    Picture,
    Zeroshot,
    crossmodal_of,
)
from benchmarks.datasets.subset import first, without

ORIGIN = Origin("toy", "test")
PICTURES = tuple(Picture(name, Path(name)) for name in "abc")


def crossmodal():
    return Crossmodal(
        ORIGIN,
        PICTURES,
        ("a1", "a2", "b1", "c1", "c2"),
        np.array([0, 0, 1, 2, 2]),
        text_keys=("10", "11", "20", "30", "31"),
        more={"cxc": np.array([[0, 0], [2, 2], [3, 2], [4, 1]])},
    )


def test_without_a_picture_its_texts_go_too():
    data = without(crossmodal(), (1,))
    assert [each.key for each in data.pictures] == ["a", "c"]
    assert data.texts == ("a1", "a2", "c1", "c2")
    assert data.text_keys == ("10", "11", "30", "31")
    assert data.picture_of.tolist() == [0, 0, 1, 1]
    assert data.more["cxc"].tolist() == [[0, 0], [2, 1]]
    assert data.missing == ("b",)
    assert without(data, ()) is data


def test_the_first_are_not_missing_the_others():
    data = first(crossmodal(), 2)
    assert (data.texts, data.missing) == (("a1", "a2", "b1"), ())
    assert first(crossmodal(), 99).texts == crossmodal().texts


def test_classes_go_with_their_pictures():
    names = {"EN": ClassNames(np.array([4, 7]), ("tench", "shark"))}
    data = Zeroshot(ORIGIN, PICTURES, np.array([7, 4, 7]), 8, names)
    assert without(data, (0,)).class_of.tolist() == [4, 7]
    with pytest.raises(DatasetError, match="no picture of toy is left"):
        without(data, (0, 1, 2))


def choices():
    """Items of a and b, and of b and c."""
    rows = np.array([[0, 1], [1, 2]])
    return Choices(
        ORIGIN, PICTURES, ("x", "y", "z"), rows, np.array([[0, 1], [2, 0]]), (("p",), ())
    )


def test_an_item_needs_both_of_its_pictures():
    data = without(choices(), (0,))
    assert [each.key for each in data.pictures] == ["b", "c"]
    assert data.pictures_of.tolist() == [[0, 1]]
    assert [data.texts[row] for row in data.texts_of[0]] == ["z", "x"]
    assert (data.aspects, data.missing) == (((),), ("a",))
    assert first(choices(), 2).aspects == (("p",),)
    with pytest.raises(DatasetError, match="no item of toy has both of its pictures"):
        first(choices(), 1)


def composed():
    queries = (
        ComposedQuery("0", "a", ("redder",), ("b",)),
        ComposedQuery("1", "b", ("bluer",), ("c", "a")),
        ComposedQuery("2", "b", ("greener",), ("c",), subset=("c", "a")),
    )
    return Composed(ORIGIN, PICTURES, queries, True, ("d",), 2)


def test_without_a_picture_the_queries_that_need_it_go_too():
    data = without(composed(), (0,))
    assert [each.key for each in data.pictures] == ["b", "c"]
    assert [each.key for each in data.queries] == ["2"]
    assert (data.missing, data.n_left_out) == (("d", "a"), 4)
    with pytest.raises(DatasetError, match="no query of toy is left"):
        without(composed(), (0, 2))


def test_the_first_queries_have_a_gallery_of_what_they_name():
    data = first(composed(), 1)
    assert [each.key for each in data.pictures] == ["a", "b"]
    assert [each.key for each in data.queries] == ["0"]
    assert first(composed(), 9).queries == composed().queries


def test_pictures_and_captions_come_together(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "c.jpg").touch()
    pictures = [Picture(name, tmp_path / f"{name}.jpg") for name in "abc"]
    said = [[("1", "one"), ("2", "two")], [("3", "three")], [("4", "four")]]
    data = crossmodal_of(ORIGIN, list(zip(pictures, said, strict=True)))
    assert data.texts == ("one", "two", "four")
    assert data.text_keys == ("1", "2", "4")
    assert data.picture_of.tolist() == [0, 0, 1]
    assert data.missing == ("b",)


@pytest.mark.parametrize(
    ("names", "said", "message"),
    [
        ("aba", "xyz", "the picture a is named twice"),
        ("ab", ["x", ""], "the picture b has no caption"),
        ("bc", "xy", "none of its 2 pictures is there"),
        ("", "", "it names no picture"),
    ],
)
def test_what_cannot_be_a_data_set_is_refused(tmp_path, names, said, message):
    (tmp_path / "a").touch()
    pictures = [Picture(name, tmp_path / name) for name in names]
    captions = [[("1", text)] if text else [] for text in said]
    with pytest.raises(DatasetError, match=message):
        crossmodal_of(ORIGIN, list(zip(pictures, captions, strict=True)))
