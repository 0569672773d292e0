"""What a report shows, worked out by hand from small runs."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.datasets.babel_imagenet import OPENAI_NAMES
from benchmarks.reports.shown.figure_tables import figure_tables
from benchmarks.reports.shown.figures import figure_rows
from benchmarks.reports.shown.index_cost import index_costs
from benchmarks.reports.shown.languages import ENGLISH, languages
from benchmarks.reports.shown.naming import (
    entrants,
    of_all_languages,
    protocol_name,
    shown_value,
    slug,
    way_name,
)
from benchmarks.reports.shown.provenance import provenance
from benchmarks.reports.shown.rank_bins import counted, edges_up_to, rank_histograms
from benchmarks.reports.shown.recalls import depth_of, panels
from benchmarks.reports.shown.settings_diff import settings_diffs
from benchmarks.reports.shown.verdict_groups import (
    Reason,
    grade_counts,
    verdict_groups,
    without_verdict,
)
from retrieval.errors import BenchmarkError
from tests.benchmarks.reports.kit import KNOWN, babel, folder_of, ranked, record


def test_a_protocol_is_told_without_what_goes_without_saying():
    key = record().key
    assert protocol_name(key) == "coco test en, captions all"
    special = replace(key, language="", gallery="79 of 5000", folds=5, rerank="ITM 16")
    assert protocol_name(special) == "coco test, captions all, 79 of 5000, 5 folds, reranked ITM 16"


def test_entrants_of_one_name_are_told_apart():
    same = [record("a", fingerprint="1" * 64), record("a", fingerprint="2" * 64), record("b")]
    assert list(entrants(same).values()) == ["a (11111111)", "a (22222222)", "b"]
    composed = record("openclip:a:b", settings={"compose": "slerp:0.8"})
    assert list(entrants([composed]).values()) == ["a:b, slerp:0.8"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("t2i_r@1", 0.30444, "30.44"),
        ("t2i_median_rank", 1.0, "1"),
        ("t2i_mean_rank", 41.274, "41.27"),
        ("rsum", 0.5, "0.50"),
        ("i2t_eccv_map@r", 1.0, "100.00"),
    ],
)
def test_shares_are_percent_and_ranks_are_not(name, value, shown):
    assert shown_value(name, value) == shown


def test_names_of_files_are_plain_short_and_distinct():
    assert slug("Recall", "a/b, c") == "recall-a-b-c"
    long, other = slug("x" * 100), slug("x" * 101)
    assert len(long) == len(other) == 60
    assert long != other
    assert slug("\u732b\ud800") == ""


def test_ways_are_told_in_words():
    assert way_name("t2i") == "texts find pictures"
    assert way_name("i2t_eccv") == "pictures find texts, eccv"
    assert way_name("subset") == "subset"


@pytest.mark.parametrize(
    ("figure", "depth"),
    [
        ("t2i_r@10", ("t2i", "R@10")),
        ("i2t_eccv_r@1", ("i2t_eccv", "R@1")),
        ("map@5", ("", "mAP@5")),
        ("subset_r@1", ("subset", "R@1")),
        ("top5", ("top", "top-5")),
        ("t2i_r@1_pessimistic", None),
        ("i2t_eccv_map@r", None),
        ("ann_recall@10", None),
        ("t2i_mrr", None),
    ],
)
def test_the_depth_of_a_figure_is_read_off_its_name(figure, depth):
    assert depth_of(figure) == depth


def test_verdicts_of_one_protocol_and_model_are_a_group():
    rows = figure_rows([record(), record("mini")])
    assert grade_counts(rows) == {"reproduced": 2, "not reproduced": 1}
    assert without_verdict(rows) == ("mini",)
    (group,) = verdict_groups(rows)
    assert (group.title, group.entrant) == ("coco test en, captions all", "ViT-B-32:openai")
    told = [(row.figure, row.own, row.published, row.delta, row.grade) for row in group.rows]
    assert told == [
        ("t2i_r@1", "30.54", "30.44", "+0.10", "reproduced"),
        ("t2i_r@5", "55.94", "55.94", "+0.00", "reproduced"),
        ("i2t_r@1", "48.12", "50.12", "-2.00", "not reproduced"),
    ]
    assert {each.of for each in group.reasons} == {("i2t_r@1",)}


def test_a_reason_of_all_figures_names_none():
    (group,) = verdict_groups(figure_rows([record(captions="first5")]))
    assert [row.delta for row in group.rows] == ["", "", ""]
    (reason,) = group.reasons
    assert isinstance(reason, Reason)
    assert reason.text.startswith("captions: first5 here, all there")
    assert reason.of == ()


def test_languages_of_a_data_set_are_one_group_of_verdicts():
    name = "openclip:xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k"
    rows = figure_rows([babel("DE", 738, 0.43, name), babel("SW", 220, 0.05, name)])
    (group,) = verdict_groups(rows)
    assert group.title == "babel-imagenet val, prompt label"
    assert [row.language for row in group.rows] == ["DE", "SW"]
    assert "SW top1" in {figure for reason in group.reasons for figure in reason.of}


def test_panels_hold_models_beside_each_other_and_comparable_references():
    rows = figure_rows([record(), record("mini"), record(system="auto")])
    t2i, i2t = panels(rows)
    assert (t2i.way, t2i.labels) == ("texts find pictures", ("R@1", "R@5"))
    assert t2i.entrants == ("ViT-B-32:openai", "mini")
    assert [(bar.label, bar.value, bar.published) for bar in t2i.bars] == [
        ("R@1", 0.3054, 0.3044),
        ("R@1", 0.3054, None),
        ("R@5", 0.5594, pytest.approx(0.5594, abs=1e-4)),
        ("R@5", 0.5594, None),
    ]
    assert i2t.labels == ("R@1",)
    (other, *_) = panels(figure_rows([record(captions="first5")]))
    assert {bar.published for bar in other.bars} == {None}


def test_more_models_than_colours_are_more_panels():
    found = panels(figure_rows([record(f"m{at}", figures={"map@5": 0.1}) for at in range(8)]))
    assert [len(each.bars) for each in found] == [6, 2]
    assert len({each.name for each in found}) == 2


def test_the_last_of_equal_records_counts():
    rows = figure_rows([record(figures={"t2i_r@1": 0.1}), record(figures={"t2i_r@1": 0.2})])
    (panel,) = panels(rows)
    assert [bar.value for bar in panel.bars] == [0.2]
    assert len(figure_tables(rows)[0].rows) == 2


def test_languages_are_grouped_by_their_classes_and_english_apart():
    limits = [("A", 33, 0.1), ("B", 34, 0.2), ("C", 111, 0.4), ("D", 667, 0.3), ("EN", 1000, 0.9)]
    all_languages = {"annotations": {"babel_imagenet-298.json": "0"}}
    runs = [babel(*each, **all_languages) for each in limits]
    (found,) = languages(figure_rows(runs))
    assert [(group.name, [row.code for row in group.rows]) for group in found.groups] == [
        ("1 to 33 classes", ["A"]),
        ("34 to 111 classes", ["B", "C"]),
        ("667 to 1000 classes", ["D"]),
        (ENGLISH, ["EN"]),
    ]
    assert found.groups[1].mean("mini") == pytest.approx(0.3)
    assert found.groups[1].mean("other") is None
    (found,) = languages(figure_rows([babel(*each) for each in limits]))
    assert [group.name for group in found.groups] == [
        "very low, 1 to 100 classes",
        "low, 101 to 333 classes",
        "high, 667 to 1000 classes",
        ENGLISH,
    ]


def test_english_by_openais_names_is_beside_the_other_languages():
    runs = [
        babel("DE", 738, 0.3),
        babel("EN", 1000, 0.6),
        babel("EN", 1000, 0.8, gallery=OPENAI_NAMES),
    ]
    (found,) = languages(figure_rows(runs))
    assert [[row.code for row in group.rows] for group in found.groups] == [
        ["DE"],
        ["EN", f"EN, {OPENAI_NAMES}"],
    ]
    part = replace(runs[2].key, gallery=f"{OPENAI_NAMES}; the first 9")
    assert of_all_languages(part).gallery == "the first 9"


def test_a_published_mean_is_over_the_very_same_languages():
    name = "openclip:xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k"
    (found,) = languages(figure_rows([babel("DE", 738, 0.4, name), babel("FR", 799, 0.4, name)]))
    group = found.groups[0]
    published = [row.published[found.entrants[0]] for row in group.rows]
    assert group.published_mean(found.entrants[0]) == pytest.approx(sum(published) / 2)
    lacking = replace(group, rows=(group.rows[0], replace(group.rows[1], published={})))
    assert lacking.published_mean(found.entrants[0]) is None


def test_languages_of_captions_are_sorted_and_one_language_is_no_list():
    runs = [
        record("m", dataset="xtd", language=code, captions="", figures={"t2i_r@1": share})
        for code, share in (("de", 0.2), ("it", 0.6), ("fr", 0.4))
    ]
    (found,) = languages(figure_rows(runs))
    assert not found.is_grouped
    assert [row.code for row in found.groups[0].rows] == ["it", "fr", "de"]
    assert languages(figure_rows([record(), record("mini")])) == ()


def test_the_cost_of_an_index_is_told_beside_the_exact_search():
    through = record(
        system="auto",
        figures={"t2i_r@1": 0.29, "ann_recall@10": 0.93},
        times={"t2i_index_ms": 0.2, "t2i_exact_ms": 1.5, "t2i_build_s": 3.0},
    )
    (cost,) = index_costs(figure_rows([through, record()]))
    assert [row.system for row in cost.rows] == ["exact", "auto"]
    assert cost.is_timed
    assert cost.table().heads == ("search", "R@1", "R@5", "ANN@10", "ms", "build s")
    assert cost.table().rows == (
        ("exact", "30.54", "55.94", "-", "1.500", "-"),
        ("auto", "29.00", "-", "93.00", "0.200", "3.0"),
    )
    (untimed,) = index_costs(figure_rows([record(), replace(through, times={})]))
    assert not untimed.is_timed
    assert index_costs(figure_rows([record()])) == ()


def test_ranks_are_binned_by_powers_of_ten():
    assert edges_up_to(1) == (1, 5, 10)
    assert edges_up_to(10) == (1, 5, 10)
    assert edges_up_to(11) == (1, 5, 10, 100)
    assert edges_up_to(25_010) == (1, 5, 10, 100, 1_000, 10_000, 100_000)
    assert edges_up_to(2_000_000) == (1, 5, 10, 100, 1_000, 10_000, 10_000_000)
    ranks = np.array([1, 1, 2, 5, 6, 10, 11, 100])
    assert counted(ranks, (1, 5, 10, 100)) == (2, 2, 2, 2)


def test_ranks_of_all_languages_are_one_histogram(tmp_path):
    folder = folder_of(tmp_path)
    german, french = ranked(folder, top=[1, 12]), ranked(folder, top=[3, 3, 3], eccv=[1])
    folder.add(babel("DE", 738, 0.5, ranks=german))
    folder.add(babel("FR", 799, 0.5, ranks=french))
    folder.add(record("mini", ranks=ranked(folder, t2i_within_10=[0, 1])))
    (found,) = rank_histograms(folder)
    assert (found.n_languages, found.labels) == (2, ("1", "2-5", "6-10", "11-100"))
    assert [bar.counts for bar in found.bars] == [(1, 3, 0, 1)]
    assert found.bars[0].shares == (0.2, 0.6, 0.0, 0.2)
    assert found.table().rows == (
        ("names of classes", "mini", "5", "20.00", "60.00", "0.00", "20.00"),
    )


def test_damaged_ranks_are_no_histogram(tmp_path):
    folder = folder_of(tmp_path)
    digest = ranked(folder, t2i=[1, 2], i2t=[1])
    folder.add(record(ranks=digest))
    (tmp_path / "ranks" / f"{digest}.npz").write_bytes(b"")
    with pytest.raises(BenchmarkError, match="is not what was recorded"):
        rank_histograms(folder)


def test_settings_stand_beside_those_of_the_reference():
    settings = {"precision": "fp16", "antialias": False}
    (diff,) = settings_diffs(figure_rows([record(captions="first5", settings=settings)]))
    rows = {row.name: (row.own, row.published, row.differs) for row in diff.rows}
    assert rows["captions"] == ("first5", "all", True)
    assert rows["precision"] == ("fp16", "amp", True)
    assert rows["antialias"] == ("no", "yes", True)
    assert rows["n_texts"] == ("25010", "25010", False)
    assert rows["decoding"] == ("not known", "full", False)
    assert settings_diffs(figure_rows([record("mini")])) == ()


def test_what_records_share_is_told_once():
    tables = {each.title: each for each in provenance([record(), record(system="auto")])}
    assert list(tables) == ["Data", "Models", "Settings", "Environment", "Times"]
    assert tables["Data"].rows == (
        ("coco test", "sha256 of coco_test_ids.npy", KNOWN),
        ("coco test", "sha256 of the pictures", "b" * 64),
    )
    assert tables["Environment"].rows == (("packages", "numpy 2.0"), ("python", "3.11"))
    assert len(tables["Times"].rows) == 2
