"""Figures come from the ranks that are kept, of every protocol."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.base import Choices, ClassNames, Crossmodal, Origin, Picture, Zeroshot
from benchmarks.datasets.same_words import with_same_words
from benchmarks.protocols.choices import evaluate_choices
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds, evaluate_padded
from benchmarks.protocols.recompute import check_figures, recomputed
from benchmarks.protocols.through_index import evaluate_through
from benchmarks.protocols.zeroshot import evaluate_zeroshot
from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from retrieval.errors import BenchmarkError
from tests.benchmarks.protocols.crossmodal_kit import crossmodal, noisy, unit


def kept(tmp_path, data, found):
    """What a run keeps of a measurement, read again."""
    folder = RunFolder(tmp_path)
    counts = {"pictures": len(data.pictures), **found.counts}
    if isinstance(data, Crossmodal):
        counts["texts"] = len(data.texts)
    record = RunRecord(
        ProtocolKey("toy", "test"),
        "exact",
        found.figures,
        counts,
        {"name": "mini"},
        {},
        ranks=folder.add_ranks(found.ranks, found.pictures),
    )
    return record, folder.ranks_of(record)


MORE = {
    "eccv_i2t": np.array([[0, 0], [3, 0], [5, 0], [1, 3], [0, 3]]),
    "eccv_t2i": np.array([[2, 1], [2, 0], [2, 3]]),
    "cxc": np.array([[row, row // 2] for row in range(1, 8)] + [[0, 1]]),
}
NAMES = {
    "t2i": {"cxc", "eccv", "same_words"},
    "i2t": {"cxc", "eccv", "same_words"},
}


@pytest.mark.parametrize("of_few", [False, True])
def test_of_texts_and_pictures_with_all_that_others_found(tmp_path, of_few):
    words = ["a", "b", "a", "c", "d", "b", "e", "f"]
    data = with_same_words(crossmodal(np.repeat(range(4), 2), words, more=MORE))
    found = evaluate_crossmodal(data, *noisy(4, of_few=of_few))
    record, ranks = kept(tmp_path, data, found)
    assert recomputed(record, ranks) == found.figures
    assert check_figures(record, ranks)
    assert any("pessimistic" in name for name in found.figures) == of_few
    assert found.counts["i2t_eccv_queries"] == 2
    assert found.counts["t2i_eccv_queries"] == 1
    assert found.counts["t2i_cxc_queries"] == found.counts["t2i_same_words_queries"] == 8
    for way, names in NAMES.items():
        for name in names:
            assert f"{way}_{name}_r@1" in found.figures
            assert (f"{way}_{name}_map@r" in found.figures) == (name == "eccv")
            assert (f"{way}_{name}_r@10" in found.figures) == (name != "eccv")


def test_further_answers_by_hand():
    """Three pictures, a text each, all apart; the first text is right for the third picture too."""
    rows = unit(np.array([[1, 0], [0, 1], [1, 1]]))
    more = {"eccv_i2t": np.array([[0, 2], [1, 2]]), "cxc": np.array([[0, 2]])}
    found = evaluate_crossmodal(crossmodal([0, 1, 2], more=more), rows, rows).figures
    # the third picture ranks its own text, then 0 and 1, which tie
    assert found["i2t_r@1"] == 1.0
    assert (found["i2t_eccv_r@1"], found["i2t_eccv_rprecision"]) == (0.0, 0.5)
    assert found["i2t_eccv_map@r"] == 0.25  # (0 + 1/2) / 2
    assert (found["i2t_cxc_r@1"], found["i2t_cxc_r@5"]) == (0.0, 1.0)
    assert (found["t2i_cxc_r@1"], found["t2i_cxc_r@5"]) == (0.0, 1.0)  # its own is first
    assert not any(name.startswith("t2i_eccv") for name in found)


def test_of_answers_that_nobody_found_there_is_no_figure():
    """As in the first few pictures of a set; the count says so."""
    none = np.empty((0, 2), np.int64)
    rows = unit(np.eye(3))
    found = evaluate_crossmodal(crossmodal([0, 1, 2], more={"eccv_i2t": none}), rows, rows)
    assert found.counts["i2t_eccv_queries"] == 0
    assert not any("eccv" in name for name in [*found.figures, *found.ranks])


def test_the_same_words_are_right_beside_ones_own():
    """The texts of both pictures are one; each finds both pictures, and the first goes first."""
    rows = unit(np.array([[1, 0], [0, 1]]))
    said = unit(np.array([[1, 0.1], [1, 0.1]]))
    data = with_same_words(crossmodal([0, 1], ["a stamp", "a stamp"]))
    found = evaluate_crossmodal(data, rows, said).figures
    assert (found["t2i_r@1"], found["t2i_same_words_r@1"]) == (0.5, 1.0)
    assert (found["i2t_r@1"], found["i2t_same_words_r@1"]) == (0.5, 1.0)
    assert found["i2t_r@1_pessimistic"] == 0.0
    assert "i2t_same_words_r@1_pessimistic" not in found


def test_fraction_recall_is_no_recall():
    rows = unit(np.eye(4))
    found = evaluate_crossmodal(
        crossmodal(np.repeat(range(4), 5)), rows, np.repeat(rows, 5, axis=0)
    ).figures
    assert (found["i2t_r@1"], found["i2t_fraction_recall@1"]) == (1.0, 0.2)
    assert found["i2t_fraction_recall@5"] == found["i2t_ndcg@10"] == 1.0
    assert "t2i_fraction_recall@1" not in found  # each text has one picture


@pytest.mark.parametrize("of_few", [False, True])
def test_of_folds(tmp_path, of_few):
    """Folds with different numbers of texts, of which some alone have ties that matter."""
    own = [0, 0, 0, 1, 2, 3, 3, 4, 5, 5]
    data = crossmodal(own, folds=3, more={"cxc": np.array([[0, 5]])})
    rows, said = noisy(6, 1)
    said = unit(rows[own] + np.random.default_rng(1).standard_normal((10, 8)) / 2)
    if of_few:
        rows[3] = rows[2]
    found = evaluate_folds(data, rows, said)
    record, ranks = kept(tmp_path, data, found)
    assert recomputed(record, ranks) == found.figures
    assert ("t2i_r@1_pessimistic" in found.figures) == of_few
    assert found.counts == {"t2i_queries": 10, "i2t_queries": 6}
    alone = [
        evaluate_crossmodal(
            crossmodal([each - 2 * fold for each in own if each // 2 == fold]),
            rows[2 * fold : 2 * fold + 2],
            said[[each // 2 == fold for each in own]],
        ).figures
        for fold in range(3)
    ]
    for name in ("t2i_r@1", "i2t_r@1", "t2i_mrr", "i2t_mean_rank", "t2i_ndcg@10", "rsum"):
        assert found.figures[name] == pytest.approx(np.mean([each[name] for each in alone]))


def test_of_a_padded_gallery(tmp_path):
    rows, said = noisy(6)
    data = crossmodal(np.repeat(range(6), 2))
    padded = np.concatenate([rows, said[:3]])
    found = evaluate_padded(data, padded, said)
    record, ranks = kept(tmp_path, data, found)
    assert recomputed(record, ranks) == found.figures


@pytest.mark.parametrize("others", [0, 3])
def test_of_an_index(tmp_path, others):
    """Eight pictures: of the exact ten there are but eight, and with three others ten."""
    rows, said = noisy(8)
    data = crossmodal(np.repeat(range(8), 2))
    gallery = np.concatenate([rows, said[:others]])
    found = evaluate_through(data, gallery, said, "exact")
    record, ranks = kept(tmp_path, data, found)
    record = replace(record, counts=record.counts | {"distractors": others})
    assert recomputed(record, ranks) == found.figures
    assert found.figures["ann_recall@10"] == 1.0


@pytest.mark.parametrize("n_names", [4, 7])
def test_of_names_of_classes(tmp_path, n_names):
    rng = np.random.default_rng(5)
    class_of = rng.integers(0, 9, 60)
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(60))
    data = Zeroshot(Origin("toy", "val"), pictures, class_of, 9, {})
    names = ClassNames(np.arange(n_names) + 1, tuple("abcdefghi"[:n_names]))
    classes = unit(rng.standard_normal((n_names, 4)))
    classes[2] = classes[0]
    found = evaluate_zeroshot(data, names, unit(rng.standard_normal((60, 4))), classes)
    record, ranks = kept(tmp_path, data, found)
    record = replace(record, counts=record.counts | {"classes": n_names})
    assert recomputed(record, ranks) == found.figures
    assert "top1_pessimistic" in found.figures
    assert ("top5" in found.figures) == (n_names > 5)
    named = class_of[(class_of >= 1) & (class_of <= n_names)]
    assert ranks["class"].tolist() == named.tolist()


def test_of_choices(tmp_path):
    rng = np.random.default_rng(8)
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(20))
    rows = np.arange(20).reshape(-1, 2)
    aspects = tuple(("red", "many")[: 1 + number % 2] for number in range(10))
    data = Choices(Origin("toy", "test"), pictures, tuple("ab" * 10), rows, rows, aspects)
    found = evaluate_choices(data, *(unit(rng.standard_normal((20, 3))) for _ in "ab"))
    record, ranks = kept(tmp_path, data, found)
    assert recomputed(record, ranks) == found.figures
    assert {"group_score", "text_score/many"} <= set(found.figures)


def test_what_ranks_do_not_give_is_refused_or_unknown(tmp_path):
    data = crossmodal(np.repeat(range(4), 2))
    record, ranks = kept(tmp_path, data, evaluate_crossmodal(data, *noisy(4)))
    assert recomputed(record, {"strange": ranks["t2i"]}) is None
    assert not check_figures(record, {"strange": ranks["t2i"]})
    other = replace(record, figures={**record.figures, "t2i_r@1": 0.123})
    with pytest.raises(
        BenchmarkError, match=r"t2i_r@1 of toy test mini exact is recorded as 0.123"
    ):
        check_figures(other, ranks)
    with pytest.raises(BenchmarkError, match="i2t_r@1 of toy test mini exact cannot be computed"):
        check_figures(record, {"t2i": ranks["t2i"]})
    with pytest.raises(BenchmarkError, match="are damaged"):
        check_figures(record, {name: ranks[name] for name in ranks if name != "i2t_positive"})
    with pytest.raises(BenchmarkError, match="are damaged"):
        check_figures(record, {**ranks, "i2t_positive": ranks["i2t_positive"][:-1]})
    with pytest.raises(BenchmarkError, match="are damaged"):
        check_figures(record, {"top": ranks["t2i"]})
