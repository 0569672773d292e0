"""Recall both ways, in folds, over the names of a language, and through an index."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.base import ClassNames, Crossmodal, DatasetError, Origin, Picture, Zeroshot
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds, evaluate_padded
from benchmarks.protocols.through_index import evaluate_through
from benchmarks.protocols.zeroshot import evaluate_zeroshot


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def crossmodal(n, per_picture=2, folds=1):
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(n))
    own = np.repeat(np.arange(n), per_picture)
    texts = tuple(f"text {row}" for row in range(n * per_picture))
    return Crossmodal(Origin("toy", "test"), pictures, texts, own, folds=folds)


def test_by_hand():
    """Two pictures, two texts each; one text of the second is nearer to the first."""
    pictures = unit(np.array([[1, 0], [0, 1]]))
    texts = unit(np.array([[3, 1], [2, 1], [2, 1.5], [1, 4]]))
    found = evaluate_crossmodal(crossmodal(2), pictures, texts)
    assert found.ranks["t2i"].tolist() == [1, 1, 2, 1]
    assert found.ranks["i2t"].tolist() == [1, 1]
    assert found.figures["t2i_r@1"] == 0.75
    assert found.figures["i2t_r@1"] == 1.0
    assert found.figures["t2i_mean_rank"] == 1.25
    assert found.figures["rsum"] == 575.0
    assert found.counts == {"t2i_queries": 4, "i2t_queries": 2}


def test_texts_that_are_their_pictures_are_always_right():
    rows = unit(np.random.default_rng(0).standard_normal((30, 16)))
    found = evaluate_crossmodal(crossmodal(30), rows, np.repeat(rows, 2, axis=0))
    assert found.figures["rsum"] == 600.0


def test_folds_are_galleries_of_their_own():
    """In its own half each text finds its picture; in the whole the halves stand for each other."""
    half = unit(np.random.default_rng(0).standard_normal((10, 16)))
    pictures = np.concatenate([half, half])
    data = crossmodal(20, folds=2)
    texts = np.repeat(pictures, 2, axis=0)
    folded, whole = (one(data, pictures, texts) for one in (evaluate_folds, evaluate_crossmodal))
    assert folded.figures["t2i_r@1"] == 1.0
    assert whole.figures["t2i_r@1"] == 0.5  # of equal pictures the first one
    assert whole.figures["t2i_r@1_pessimistic"] == 0.0
    assert folded.counts == {"t2i_queries": 40, "i2t_queries": 20}
    for one in (folded, whole):  # numbered in the whole gallery, not in the fold
        assert one.pictures.keys() == {"t2i"}
        assert one.pictures["t2i"].tolist() == data.picture_of.tolist()


def noisy(n, seed=1):
    rng = np.random.default_rng(seed)
    pictures = unit(rng.standard_normal((n, 16)))
    return pictures, unit(np.repeat(pictures, 2, axis=0) + rng.standard_normal((2 * n, 16)) / 3)


def test_an_index_that_is_exact_finds_what_exact_search_finds():
    pictures, texts = noisy(60)
    data = crossmodal(60)
    through = evaluate_through(data, pictures, texts, "exact")
    exact = evaluate_crossmodal(data, pictures, texts)
    for way in ("t2i", "i2t"):
        for k in (1, 5, 10):
            assert through.figures[f"{way}_r@{k}"] == exact.figures[f"{way}_r@{k}"]
        within = np.where(exact.ranks[way] <= 10, exact.ranks[way], 0)
        np.testing.assert_array_equal(through.ranks[f"{way}_within_10"], within)
        assert through.ranks[f"{way}_ann_hits"].tolist() == [10] * len(exact.ranks[way])
        assert through.times[f"{way}_index_ms"] > 0
    assert through.figures["ann_recall@10"] == through.figures["i2t_ann_recall@10"] == 1.0
    assert through.pictures["t2i"].tolist() == data.picture_of.tolist()


def test_an_index_loses_something_and_says_so():
    """Codes of two bytes a vector cannot tell a thousand pictures apart."""
    pictures, texts = noisy(1_000)
    found = evaluate_through(crossmodal(1_000), pictures, texts, "ivf16,pq2x4fs")
    exact = evaluate_crossmodal(crossmodal(1_000), pictures, texts)
    hits = found.ranks["t2i_ann_hits"]
    assert found.figures["ann_recall@10"] == hits.mean() / 10 < 1
    assert found.figures["t2i_r@10"] <= exact.figures["t2i_r@10"] + 0.01


def test_others_pad_the_gallery_of_texts_alone():
    """Another picture that is nearer to a text goes before its own."""
    pictures, texts = noisy(20)
    data = crossmodal(20)
    bare = evaluate_crossmodal(data, pictures, texts)
    padded = evaluate_padded(data, np.concatenate([pictures, texts[:1]]), texts)
    assert set(padded.ranks) == {"t2i"}
    assert padded.ranks["t2i"][0] == bare.ranks["t2i"][0] + 1
    assert (padded.ranks["t2i"] >= bare.ranks["t2i"]).all()
    through = evaluate_through(data, np.concatenate([pictures, texts[:1]]), texts, "exact")
    assert set(through.counts) == {"t2i_queries"}
    assert through.figures["t2i_r@1"] == padded.figures["t2i_r@1"]


def zeroshot(class_of):
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(len(class_of)))
    return Zeroshot(Origin("toy", "val"), pictures, np.array(class_of), 6, {})


def test_names_of_a_language_by_hand():
    """Class 5 has no name; of the equal names of 1 and 4 the first is the answer."""
    data = zeroshot([0, 1, 4, 5])
    names = ClassNames(np.array([0, 1, 4]), ("tench", "crane", "crane"))
    classes = unit(np.array([[1, 0], [0, 1], [0, 1]]))
    pictures = unit(np.array([[2, 1], [1, 2], [1, 2], [1, 0]]))
    found = evaluate_zeroshot(data, names, pictures, classes)
    assert found.counts == {"queries": 3}
    assert found.ranks["top"].tolist() == [1, 1, 2]
    assert found.figures["top1"] == pytest.approx(2 / 3)
    assert found.figures["top1_pessimistic"] == pytest.approx(1 / 3)
    assert found.figures["mean_per_class_recall"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("n", "tops"), [(1, {"top1"}), (5, {"top1"}), (6, {"top1", "top5"})])
def test_of_no_more_classes_than_five_there_is_no_top_5(n, tops):
    classes = unit(np.eye(n))
    names = ClassNames(np.arange(n), tuple("abcdef"[:n]))
    found = evaluate_zeroshot(zeroshot(range(n)), names, classes, classes)
    assert {name for name in found.figures if name.startswith("top")} == tops


def test_the_mean_over_classes_is_no_mean_over_pictures():
    data = zeroshot([0, 0, 0, 1])
    names = ClassNames(np.array([0, 1]), ("a", "b"))
    rows = unit(np.eye(2))
    found = evaluate_zeroshot(data, names, rows[[0, 0, 0, 0]], rows)
    assert found.figures["top1"] == 0.75
    assert found.figures["mean_per_class_recall"] == 0.5


def test_features_of_the_names_themselves_are_right_but_for_duplicates():
    rng = np.random.default_rng(2)
    classes = unit(rng.standard_normal((6, 8)))
    classes[4] = classes[1]
    names = ClassNames(np.arange(6), tuple("abcdbf"))
    found = evaluate_zeroshot(zeroshot(range(6)), names, classes, classes)
    assert found.figures["top1"] == pytest.approx(5 / 6)


def test_a_language_without_a_picture_is_refused():
    names = ClassNames(np.array([3]), ("a",))
    with pytest.raises(DatasetError, match="no picture of a class that is named"):
        evaluate_zeroshot(zeroshot([0]), names, unit(np.ones((1, 2))), unit(np.ones((1, 2))))
