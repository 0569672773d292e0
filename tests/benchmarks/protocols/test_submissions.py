"""Rankings for servers: the best by a plain sort, in the form that servers take."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.datasets import circo, cirr
from benchmarks.protocols.submissions import SERVERS, best_rows
from tests.benchmarks.protocols.composed_kit import (
    Preset,
    aimed,
    asked_for,
    composed_set,
    random_rows,
    unit,
)

CORNERS = st.tuples(*[st.integers(-2, 2)] * 3).filter(any)


@pytest.mark.parametrize("is_fused", [False, True])
@settings(deadline=None)
@given(
    corners=st.lists(CORNERS, min_size=2, max_size=14),
    vector=CORNERS,
    k=st.integers(1, 20),
    out=st.integers(-1, 1),
)
def test_the_best_are_those_of_a_plain_sort(is_fused, corners, vector, k, out):
    rows, query = unit(np.array(corners, np.float64)), unit(np.array([vector], np.float64))
    scores = (rows.astype(np.float64) @ query[0].astype(np.float64)).astype(np.float32)
    asked = aimed(query)
    if is_fused:
        asked = replace(asked, fusions=(Preset(scores, rows),))
    order = sorted((-score, row) for row, score in enumerate(scores) if row != out)
    assert best_rows(asked, 0, rows, k, out).tolist() == [row for _, row in order][:k]


def test_what_ties_at_the_end_goes_by_number():
    rows = np.tile(np.array([1, 0], np.float32), (300, 1))
    assert best_rows(aimed(rows[:1]), 0, rows, 50, 7).tolist() == [*range(7), *range(8, 51)]


def files(name, data, vectors, rows):
    made = SERVERS[name].files
    return {kind: json.loads(json.dumps(make(data, rows, vectors))) for kind, make in made.items()}


def test_the_file_for_circo_has_the_form_of_the_sample(test_data):
    """That of val is published as an example."""
    folder = test_data / "cir" / "circo"
    sample = json.loads((folder / "submission_val.json").read_text())
    queries, _ = circo.read_queries(folder / "test.json", has_targets=False)
    named = sorted({each.reference for each in queries})
    data = composed_set("circo", named, queries, split="test")
    rows = random_rows(len(named), 16)
    vectors = rows[[named.index(each.reference) for each in queries]]
    (made,) = files("circo", data, aimed(vectors), rows).values()
    assert list(made) == list(map(str, range(800)))
    for form in (sample, made):
        assert {(len(own), len(set(own))) for own in form.values()} == {(50, 50)}
        assert {type(each) for own in form.values() for each in own} == {int}
    assert all(made[each.key][0] == int(each.reference) for each in queries)  # it stays


def test_the_files_for_cirr_leave_the_reference_out(test_data):
    folder = test_data / "cir" / "cirr"
    queries, _ = cirr.read_queries(folder / "cap.rc2.test1.json", has_targets=False)
    names, _ = cirr.read_gallery(folder / "split.rc2.test1.json")
    data = composed_set("cirr", names, queries, split="test1")
    rows = random_rows(2_315, 16)
    row_of = {name: row for row, name in enumerate(names)}
    vectors = rows[[row_of[each.reference] for each in queries]]
    made = files("cirr", data, aimed(vectors), rows)
    for metric, depth in (("recall", 50), ("recall_subset", 3)):
        found = made[metric]
        assert (found.pop("version"), found.pop("metric")) == ("rc2", metric)
        assert list(found) == [each.key for each in queries]
        assert {(len(own), len(set(own))) for own in found.values()} == {(depth, depth)}
        assert not any(each.reference in found[each.key] for each in queries)
    assert all({*made["recall_subset"][each.key]} <= {*each.subset} for each in queries)
    assert len(json.dumps(made["recall"], separators=(",", ":"))) < 5_000_000


def test_of_a_small_group_all_are_named():
    data = composed_set("cirr", range(4), [asked_for(0, subset=(3, 2), key="7")])
    made = files("cirr", data, aimed(unit(np.eye(4))[:1]), unit(np.eye(4)))
    assert made["recall_subset"]["7"] == ["2", "3"]
    assert made["recall"]["7"] == ["1", "2", "3"]
