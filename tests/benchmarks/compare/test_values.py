"""Figures are the means of what ranks say of queries; where they are not, there is no interval."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.compare.values import NOT_A_MEAN, OLDER_RUN, KeptRanks
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import RunRecord
from tests.benchmarks.compare.kit import KEY, data, recorded

RANKS = {
    "t2i": [1, 3, 7, 2],
    "i2t_within_10": [1, 0],
    "i2t_ann_hits": [10, 5],
    "top": [1, 6, 2],
    "target": [1, 40],
    "positives": [1, 3, 2],
    "positives_of": [0, 0, 1],
    "group": [1, 0, 1, 1],
    "items/colour": [1, 1, 0, 0],
}


def in_memory(figures):
    model = {"name": "mini", "fingerprint": "f", "dim": 8, "parts": {}}
    return RunRecord(KEY, "exact", figures, {"pictures": 2}, model, data())


def kept(figures, pictures=(0, 0, 1, 1), key=None):
    """The ranks above, of a record with some figures."""
    record = in_memory(figures)
    ranks = {name: np.array(each) for name, each in RANKS.items()}
    return KeptRanks(replace(record, key=key or record.key), ranks, {"t2i": np.array(pictures)})


@pytest.mark.parametrize(
    ("name", "figure", "values"),
    [
        ("t2i_r@1", 1 / 4, [1, 0, 0, 0]),
        ("t2i_r@5", 3 / 4, [1, 1, 0, 1]),
        ("t2i_mean_rank", 13 / 4, [1, 3, 7, 2]),
        ("t2i_mrr", (1 + 1 / 3 + 1 / 7 + 1 / 2) / 4, [1, 1 / 3, 1 / 7, 1 / 2]),
        ("i2t_r@10", 1 / 2, [1, 0]),
        ("i2t_ann_recall@10", 3 / 4, [1, 1 / 2]),
        ("top5", 2 / 3, [1, 0, 1]),
        ("r@10", 1 / 2, [1, 0]),
        # the first query has right answers at 1 and 3, the second one at 2
        ("map@5", ((1 + 2 / 3) / 2 + 1 / 2) / 2, [(1 + 2 / 3) / 2, 1 / 2]),
        ("group", 3 / 4, [1, 0, 1, 1]),
        ("group/colour", 1 / 2, [1, 0]),
    ],
)
def test_what_each_query_adds(name, figure, values):
    found = kept({name: figure}).per_query(name)
    np.testing.assert_allclose(found.values, values)
    expected = [0, 0, 1, 1] if name.startswith("t2i") else range(len(values))
    assert found.pictures.tolist() == list(expected)


@pytest.mark.parametrize(
    "name",
    ["t2i_median_rank", "rsum", "mean_per_class_recall", "t2i_r@1_pessimistic", "i2t_mrr",
     "other_r@1", "group/shape", "map@5_negation"],
)  # fmt: skip
def test_other_figures_are_no_means(name):
    assert kept({name: 0.5}).per_query(name) == NOT_A_MEAN


def test_a_figure_that_is_not_the_mean_of_its_ranks_is_not_drawn_for():
    assert kept({"t2i_r@1": 0.3}).per_query("t2i_r@1") == NOT_A_MEAN


def test_of_folds_of_unequal_numbers_of_texts_the_mean_over_folds_counts():
    """Three texts are asked in the first fold, one in the second: 1/3 and 0 are 1/6."""
    folded = replace(in_memory({}).key, folds=2)
    found = kept({"t2i_r@1": 1 / 6}, pictures=(0, 0, 0, 1), key=folded).per_query("t2i_r@1")
    np.testing.assert_allclose(found.values, [4 / 6, 0, 0, 0])


def test_a_run_that_did_not_keep_pictures_of_texts_has_to_be_run_again(tmp_path):
    folder = RunFolder(tmp_path)
    record = recorded(folder, [1, 2])
    bare = replace(record, ranks=folder.add_ranks({"t2i": np.array([1, 2])}))
    assert KeptRanks.of(folder, bare).per_query("t2i_r@1") == OLDER_RUN
    assert KeptRanks.of(folder, replace(record, ranks="")).per_query("t2i_r@1") == NOT_A_MEAN
