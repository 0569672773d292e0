"""Two runs beside each other: what is subtracted, what is noise, what is refused."""

from dataclasses import replace

import pytest

from benchmarks.compare.as_json import as_json
from benchmarks.compare.runs import LEAST_RESAMPLES, compare_runs
from benchmarks.reports.compare_table import comparison_lines
from retrieval.errors import BenchmarkError
from tests.benchmarks.compare.kit import KEY, A, B, data, recorded, runs


def compared(folders, a=A, b=B, **options):
    return compare_runs(folders, (a, b), **options)


def the_figure(comparison):
    ((figure,),) = [pair.figures for pair in comparison.pairs]
    return figure


def test_by_hand(tmp_path):
    """Two pictures: B is right on one more. Draws of two give 0, 50, 50 and 100 points."""
    a, b = runs(tmp_path)
    recorded(a, [2, 1])
    recorded(b, [1, 1], model="other")
    figure = the_figure(compared((a, b)))
    assert (figure.a.mean, figure.b.mean, figure.difference) == (50.0, 100.0, 50.0)
    assert figure.interval == (0.0, 100.0)
    assert (figure.finding, figure.unit, figure.seed_interval) == ("noise", "points", None)


def test_what_every_picture_says_is_no_noise(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [2] * 30)
    recorded(b, [1] * 30, model="other")
    figure = the_figure(compared((a, b)))
    assert figure.interval == (100.0, 100.0)
    assert figure.finding == "differs"
    back = the_figure(compared((b, a)))
    assert (back.difference, back.interval) == (-100.0, (-100.0, -100.0))


def test_captions_of_one_picture_are_drawn_together(tmp_path):
    """Ten captions gained, but all of one picture of three: draws without it gain nothing."""
    gained, pictures = [1] * 10 + [2] * 20, [0] * 10 + [1] * 10 + [2] * 10
    a, b = runs(tmp_path)
    recorded(a, [2] * 30, pictures=pictures)
    recorded(b, gained, pictures=pictures)
    assert the_figure(compared((a, b))).finding == "noise"
    a, b = runs(tmp_path / "single")
    recorded(a, [2] * 30)
    recorded(b, gained)
    assert the_figure(compared((a, b))).finding == "differs"


def test_a_run_beside_itself_is_noise(tmp_path):
    a, _ = runs(tmp_path)
    recorded(a, [1, 3, 2])
    figure = the_figure(compared((a, a)))
    assert (figure.difference, figure.interval, figure.finding) == (0.0, (0.0, 0.0), "noise")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"captions": "first5"}, "captions is all in A, first5 in B"),
        ({"folds": 5}, "folds is 1 in A, 5 in B"),
        ({"gallery": "79 of 1000"}, "gallery is complete in A, 79 of 1000 in B"),
        ({"prompt": "label"}, "prompt is none in A, label in B"),
        ({"language": "de"}, "language is en in A, de in B"),
        ({"dataset": "coco", "split": "val"}, "dataset is flickr30k in A, coco in B; split is"),
    ],
)
def test_two_protocols_are_incomparable(tmp_path, change, reason):
    a, b = runs(tmp_path)
    recorded(a, [1, 1])
    recorded(b, [1, 1], key=replace(KEY, **change))
    with pytest.raises(BenchmarkError, match=f"^incomparable: {reason}") as caught:
        compared((a, b))
    assert "never subtracted" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": data("q")}, "the pictures differ"),
        ({"data": data() | {"annotations": {"a.json": "1"}}}, "the annotations differ"),
        ({"data": data() | {"missing": ["x"]}}, "what is missing differ"),
        ({"settings": {"distractors": "d"}}, "the pictures that pad the gallery differ"),
    ],
)
def test_two_contents_are_incomparable(tmp_path, changes, reason):
    a, b = runs(tmp_path)
    recorded(a, [1, 1])
    recorded(b, [1, 1], **changes)
    with pytest.raises(BenchmarkError, match=f"^incomparable: {reason}"):
        compared((a, b))


def test_what_is_incomparable_stops_nothing_else(tmp_path):
    a, b = runs(tmp_path)
    german, japanese = replace(KEY, language="de"), replace(KEY, language="ja")
    for key in (KEY, german, japanese):
        recorded(a, [1, 2], key=key)
    recorded(b, [1, 2])
    recorded(b, [1, 2], key=replace(german, captions="first5"))
    found = compared((a, b))
    assert [pair.place.key for pair in found.pairs] == [KEY]
    (refused,) = found.refused
    assert (refused.a.key, refused.b.key.captions) == (german, "first5")
    assert [place.key for place in found.only_a] == [japanese]
    assert found.only_b == ()
    lines = list(comparison_lines(found))
    assert lines[-3:] == [
        "incomparable: flickr30k test de all exact",
        "    captions is all in A, first5 in B",
        "only in A: flickr30k test ja all exact",
    ]


def test_a_side_needs_one_model_and_one_index(tmp_path):
    a, b = runs(tmp_path)
    recorded(b, [2, 2], model="mini")
    recorded(a, [2, 1], model="mini")
    recorded(a, [1, 1], model="other")
    with pytest.raises(BenchmarkError, match="A has several models: mini, other"):
        compared((a, b))
    figure = the_figure(compared((a, a), replace(A, model="mini"), replace(B, model="other")))
    assert figure.difference == 50.0
    recorded(a, [2, 2], model="mini", system="auto")
    recorded(a, [2, 2], model="mini", system="ivf4")
    with pytest.raises(BenchmarkError, match="no such records"):
        compared((a, b), replace(A, model="nothing"))
    chosen = replace(A, model="mini"), replace(B, model="mini", index="auto")
    (pair,) = compared((a, a), *chosen).pairs
    assert (pair.systems, pair.figures[0].difference) == (("exact", "auto"), -50.0)


def test_another_way_of_searching_has_to_be_asked_for(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [1, 1])
    recorded(b, [1, 1], system="auto")
    with pytest.raises(BenchmarkError, match="incomparable: index is exact in A, auto in B"):
        compared((a, b))
    assert the_figure(compared((a, b), A, replace(B, index="auto"))).finding == "noise"


def test_ways_to_compose_are_compared_when_they_are_named(tmp_path):
    a, _ = runs(tmp_path)
    recorded(a, [2, 1], settings={"compose": "text"})
    recorded(a, [2, 2], settings={"compose": "sum"})
    found = compared((a, a), replace(A, compose="text"), replace(B, compose="sum"))
    assert the_figure(found).difference == -50.0
    assert found.pairs[0].settings == {"compose": ("text", "sum")}
    assert len(compared((a, a)).pairs) == 2


def test_records_that_differ_otherwise_are_not_chosen_from(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [1, 1], settings={"precision": "fp32"})
    recorded(a, [1, 1], settings={"precision": "bf16"})
    recorded(b, [1, 1])
    with pytest.raises(BenchmarkError, match="2 records of mini on flickr30k en that do not"):
        compared((a, b))


def test_settings_that_differ_are_told(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [1, 2], settings={"precision": "fp32", "score": "cosine"})
    recorded(b, [1, 2], settings={"precision": "bf16", "score": "cosine"})
    found = compared((a, b))
    assert found.pairs[0].settings == {"precision": ("fp32", "bf16")}
    assert "  settings that differ: precision fp32 / bf16" in comparison_lines(found)


def test_of_many_comparisons_it_is_said_how_many_chance_makes(tmp_path):
    """One language of three differs on every picture, the others on one of two."""
    a, b = runs(tmp_path)
    for number, language in enumerate(("de", "ja", "sw")):
        recorded(a, [2, 2], key=replace(KEY, language=language))
        recorded(b, [1, 1 + (number > 0)], key=replace(KEY, language=language))
    told = []
    found = compared((a, b), on_pair=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    (summary,) = found.summaries()
    assert (summary.name, summary.n, summary.n_differ, summary.n_after_holm) == ("t2i_r@1", 3, 1, 1)
    assert list(comparison_lines(found))[-1] == (
        "t2i_r@1: 1 of 3 differ by more than noise at 95 % (chance alone: 0.2), "
        "1 after Holm-Bonferroni"
    )
    assert found.resamples == LEAST_RESAMPLES
    assert compared((a, b), resamples=20).resamples == 20


def test_the_form_for_scripts(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [2, 1])
    recorded(b, [1, 1], model="other")
    shown = as_json(compared((a, b)))
    (pair,) = shown["pairs"]
    assert pair["a"] == {"model": "mini", "system": "exact"}
    assert pair["key"]["dataset"] == "flickr30k"
    figure = pair["figures"]["t2i_r@1"]
    assert figure["interval"] == [0.0, 100.0]
    assert figure["a"] == {"mean": 50.0, "sd": None, "least": 50.0, "most": 50.0, "n": 1}
    assert (figure["finding"], figure["difference"], figure["seed_interval"]) == (
        "noise", 50.0, None,
    )  # fmt: skip
    assert shown["incomparable"] == shown["only_a"] == shown["only_b"] == []
    assert shown["summaries"][0]["n"] == 1
