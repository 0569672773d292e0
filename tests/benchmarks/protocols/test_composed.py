"""Figures of composed queries: by hand, against a slow oracle, at chance, when all is right."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.datasets import circo, cirr, fashioniq
from benchmarks.protocols.composed import Numbered, evaluate_composed, ranks_of
from benchmarks.protocols.recompute import recomputed
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from tests.benchmarks.protocols.composed_kit import (
    Preset,
    aimed,
    arc,
    asked_for,
    composed_set,
    random_rows,
    unit,
)


def first(n):
    """n queries that each rank the arc in its order."""
    return aimed(np.tile(np.array([1, 0], np.float32), (n, 1)))


def recorded(dataset, found):
    """A record of a measurement."""
    key = ProtocolKey(dataset, "val")
    return RunRecord(key, "exact", found.figures, found.counts, {"name": "mini"}, {})


def test_mean_average_precision_by_hand():
    """Of two targets in places 1 and 3 it is (1 + 2/3) / 2; of seven, five have room among five."""
    queries = [
        asked_for(19, 2, 0, aspects=("negation", "addition"), key="0"),
        asked_for(19, 0, 8, 9, 10, 11, 12, 13, aspects=("addition",), key="1"),
    ]
    found = evaluate_composed(composed_set("circo", range(20), queries), arc(20), first(2))
    assert found.figures["map@5"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 5) / 2)
    seven = 1 + sum((place + 2) / (9 + place) for place in range(2))  # places 9 and 10 of ten
    assert found.figures["map@10_negation"] == pytest.approx((1 + 2 / 3) / 2)
    assert found.figures["map@10_addition"] == pytest.approx(((1 + 2 / 3) / 2 + seven / 7) / 2)
    assert found.figures["r@1"] == 0.5  # the first target of the first query is in place 3
    assert found.figures["r@5"] == 1.0
    assert found.ranks["target"].tolist() == [3, 1]
    assert found.ranks["positives"].tolist() == [3, 1, 1, 9, 10, 11, 12, 13, 14]
    assert found.ranks["positives_of"].tolist() == [0] * 2 + [1] * 7
    assert found.ranks["aspect_negation"].tolist() == [0]
    assert found.counts == {"queries": 2, "queries_addition": 2, "queries_negation": 1}
    assert recomputed(recorded("circo", found), found.ranks) == found.figures


def test_the_reference_and_the_group_by_hand():
    """The reference, in place 1, goes; of the group of five two are before the target."""
    queries = [
        asked_for(0, 6, subset=(2, 6, 4, 9, 8), key="0"),
        asked_for(0, 1, subset=(1, 6, 4, 9, 8), key="1"),
    ]
    found = evaluate_composed(composed_set("cirr", range(10), queries), arc(10), first(2))
    assert found.ranks["target"].tolist() == [6, 1]
    assert found.ranks["subset"].tolist() == [3, 1]
    assert {name: each.tolist() for name, each in found.pictures.items()} == {
        "target": [0, 0],
        "subset": [0, 0],
    }
    expected = {"r@1": 0.5, "r@5": 0.5, "r@10": 1.0, "r@50": 1.0}
    expected |= {"subset_r@1": 0.5, "subset_r@2": 0.5, "subset_r@3": 1.0, "average": 0.5}
    assert found.figures == expected


def test_where_the_reference_stays_it_is_in_place_one():
    queries = [asked_for(0, 1), asked_for(0, 10, key="1")]
    found = evaluate_composed(composed_set("fashioniq", range(12), queries), arc(12), first(2))
    assert found.ranks["target"].tolist() == [2, 11]
    assert found.figures == {"r@10": 0.5, "r@50": 1.0}
    removed = composed_set(
        "cirr", range(12), [replace(each, subset=each.targets) for each in queries]
    )
    assert evaluate_composed(removed, arc(12), first(2)).ranks["target"].tolist() == [1, 10]


def test_a_collapsed_encoder_finds_nothing():
    """All pictures are one: places are those of the file, and the figure that says so is there."""
    rows = np.tile(np.array([1, 0], np.float32), (60, 1))
    queries = [asked_for(59, 0, subset=(0, 1)), asked_for(59, 58, subset=(0, 58), key="1")]
    found = evaluate_composed(composed_set("cirr", range(60), queries), rows, first(2))
    assert found.ranks["target"].tolist() == [1, 59]
    assert found.figures["r@50"] == 0.5
    assert found.figures["r@50_pessimistic"] == 0.0
    assert (found.figures["subset_r@1"], found.figures["subset_r@1_pessimistic"]) == (0.5, 0.0)
    assert recomputed(recorded("cirr", found), found.ranks) == found.figures


def places(scores, out):
    """The place of each picture by a plain sort: score descending, of equal ones the first."""
    order = sorted((-score, number) for number, score in enumerate(scores) if number != out)
    return {number: place for place, (_, number) in enumerate(order, start=1)}


@st.composite
def galleries(draw):
    """Pictures of few directions, so that many tie, and queries of any targets and groups."""
    n = draw(st.integers(4, 14))
    corners = st.tuples(*[st.integers(-2, 2)] * 3).filter(any)
    rows = unit(np.array(draw(st.lists(corners, min_size=n, max_size=n)), np.float64))
    queries = []
    for key in range(draw(st.integers(1, 4))):
        named = draw(st.permutations(range(n)))
        n_targets = draw(st.integers(1, n - 2))
        targets = named[1 : 1 + n_targets]
        queries.append(
            asked_for(
                named[0], *targets, subset=(targets[0], *named[1 + n_targets :]), key=str(key)
            )
        )
    vectors = unit(np.array([draw(corners) for _ in queries], np.float64))
    return rows, queries, vectors


@pytest.mark.parametrize("name", ["cirr", "circo"])
@pytest.mark.parametrize("is_fused", [False, True])
@settings(deadline=None)
@given(drawn=galleries())
def test_every_rank_is_that_of_a_plain_sort(name, is_fused, drawn):
    rows, queries, vectors = drawn
    data, asked = composed_set(name, range(len(rows)), queries), aimed(vectors)
    scores = (vectors.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.float32)
    if is_fused:
        fusions = tuple(Preset(each, rows) for each in scores)
        asked = replace(asked, fusions=fusions)
    found = evaluate_composed(data, rows, asked)
    best, within, precisions = [], [], []
    for query, own in zip(queries, scores, strict=True):
        out = int(query.reference) if name == "cirr" else None
        place = places(own, out)
        targets = list(map(int, query.targets))
        best.append(place[targets[0]])
        group = sorted((place[int(each)], each) for each in query.subset)
        within.append(1 + [each for _, each in group].index(query.targets[0]))
        hits = [number in targets for number in sorted(place, key=place.get)][:5]
        gained = [sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit]
        precisions.append(sum(gained) / min(len(targets), 5))
    assert found.ranks["target"].tolist() == best
    if name == "cirr":
        assert found.ranks["subset"].tolist() == within
        assert found.figures["average"] == pytest.approx(
            (np.mean(np.array(best) <= 5) + np.mean(np.array(within) <= 1)) / 2
        )
    else:
        assert found.figures["map@5"] == pytest.approx(np.mean(precisions))


def test_what_is_left_out_is_never_before_a_target_of_a_fused_score():
    rows = arc(6)
    asked = replace(first(1), fusions=(Preset([9, 8, 7, 6, 5, 4], rows),))
    pairs = np.array([0]), np.array([3])
    assert ranks_of(asked, rows, pairs, np.array([-1])).best.tolist() == [4]
    assert ranks_of(asked, rows, pairs, np.array([1])).best.tolist() == [3]


@pytest.fixture(scope="module")
def true_sets(test_data):
    """The three data sets of the true annotations, and as many pictures as published."""
    folder = test_data / "cir"
    photographs, _ = cirr.read_queries(folder / "cirr" / "cap.rc2.val.json")
    names, _ = cirr.read_gallery(folder / "cirr" / "split.rc2.val.json")
    dresses, _ = fashioniq.read_queries(folder / "fashioniq" / "cap.dress.val.json")
    split, _ = fashioniq.read_split(folder / "fashioniq" / "split.dress.val.json")
    asked, _ = circo.read_queries(folder / "circo" / "val.json")
    named = sorted({name for each in asked for name in (each.reference, *each.targets)})
    return {
        "cirr": composed_set("cirr", names, photographs),
        "fashioniq": composed_set("fashioniq", split, dresses, split="val dress"),
        "circo": composed_set("circo", [*named, *(f"more {n}" for n in range(2_000))], asked),
    }


def test_random_vectors_are_at_chance(true_sets):
    """Each figure within four standard errors of what a random ranking gives."""
    data = true_sets["cirr"]
    assert (len(data.queries), len(data.pictures)) == (4_181, 2_297)
    rows, vectors = random_rows(2_297, 32), random_rows(4_181, 32, seed=1)
    found = evaluate_composed(data, rows, aimed(vectors))
    chances = {f"r@{k}": k / 2_296 for k in (1, 5, 10, 50)}
    chances |= {f"subset_r@{k}": k / 5 for k in (1, 2, 3)}
    for name, chance in chances.items():
        error = (chance * (1 - chance) / 4_181) ** 0.5
        assert found.figures[name] == pytest.approx(chance, abs=4 * error), name
    dresses = true_sets["fashioniq"]
    vectors = random_rows(len(dresses.queries), 32, seed=2)
    found = evaluate_composed(dresses, random_rows(3_817, 32), aimed(vectors))
    assert found.counts == {"queries": 2_017}
    assert found.figures["r@50"] == pytest.approx(50 / 3_817, abs=0.01)


@pytest.mark.parametrize("name", ["cirr", "fashioniq", "circo"])
def test_who_knows_the_answers_gets_all(true_sets, name):
    """Asked for the mean of its targets, which in so many dimensions is nearest to these."""
    data = true_sets[name]
    rows = random_rows(len(data.pictures), 1_024)
    numbered = Numbered.of(data)
    vectors = unit(np.array([rows[own].mean(axis=0) for own in numbered.targets]))
    found = evaluate_composed(data, rows, aimed(vectors))
    precise = {key: value for key, value in found.figures.items() if not key.startswith("r@")}
    assert set(precise.values()) <= {1.0}
    if name != "circo":
        assert set(found.figures.values()) == {1.0}
    else:
        assert found.figures["r@25"] == 1.0
        assert found.counts["queries_statement_with_conjunction"] == 164
        assert found.counts["queries_negation"] == 21
        assert sum(key.startswith("map@10_") for key in found.figures) == 9
