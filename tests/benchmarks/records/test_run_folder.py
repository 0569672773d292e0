"""The folder of a run: what goes in comes out, cut-off lines go, strange ones are refused."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from indexer.durable import TEMPORARY
from retrieval.errors import BenchmarkError
from tests.disks import disk_of, grow

KEY = ProtocolKey("flickr30k", "test", captions="all")
RECORD = RunRecord(
    KEY,
    "exact",
    {"t2i_r@1": 0.5, "t2i_median_rank": 3.0},
    {"pictures": 4},
    {"name": "mini", "fingerprint": "f" * 64, "dim": 384, "parts": {}},
    {"annotations": {"a.json": "0" * 64}, "pictures": "1" * 64, "missing": []},
    {"score": "float32 cosine"},
    times={"wall_s": 1.5},
)


def test_records_come_back_in_their_order(tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert folder.records() == ()
    other = replace(RECORD, system="auto", figures={"t2i_r@1": 0.25})
    folder.add(RECORD)
    folder.add(other)
    assert folder.records() == RunFolder(tmp_path / "run").records() == (RECORD, other)


def test_figures_are_in_a_database_too(tmp_path):
    folder = RunFolder(tmp_path)
    folder.add(RECORD)
    folder.add(replace(RECORD, key=replace(KEY, language="de")))
    folder.write_database()
    folder.write_database()
    with closing(sqlite3.connect(tmp_path / "records.sqlite")) as database:
        rows = database.execute(
            "select dataset, language, model, system, name, value, record from figure"
            " where name = 't2i_r@1' order by record"
        ).fetchall()
    assert rows == [
        ("flickr30k", "", "mini", "exact", "t2i_r@1", 0.5, 1),
        ("flickr30k", "de", "mini", "exact", "t2i_r@1", 0.5, 2),
    ]


def test_a_line_that_was_cut_off_is_written_anew(tmp_path):
    RunFolder(tmp_path).add(RECORD)
    path = tmp_path / "records.jsonl"
    with path.open("a") as file:
        file.write('{"format": 1, "key": {"data')
    folder = RunFolder(tmp_path)
    assert folder.records() == (RECORD,)
    other = replace(RECORD, system="auto")
    folder.add(other)
    assert RunFolder(tmp_path).records() == (RECORD, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "format 9, and this polyseek knows format 1"),
        ({"strange": 1}, "strange"),
        ({"key": {"dataset": "a"}}, "split"),
    ],
)
def test_lines_of_other_versions_are_refused(tmp_path, change, message):
    line = json.dumps(RECORD.to_json() | change)
    (tmp_path / "records.jsonl").write_text(f"{line}\n")
    with pytest.raises(BenchmarkError, match=r"line 1, is no record") as caught:
        RunFolder(tmp_path).records()
    assert message in str(caught.value)


def test_ranks_are_kept_by_their_content(tmp_path):
    folder = RunFolder(tmp_path)
    ranks = {"t2i": np.array([1, 7, 25_010]), "i2t": np.array([3])}
    digest = folder.add_ranks(ranks)
    assert folder.add_ranks(dict(reversed(ranks.items()))) == digest
    found = folder.ranks_of(replace(RECORD, ranks=digest))
    assert {name: each.tolist() for name, each in found.items()} == {
        "t2i": [1, 7, 25_010],
        "i2t": [3],
    }
    assert folder.pictures_of(replace(RECORD, ranks=digest)) == {}
    (tmp_path / "ranks" / f"{digest}.npz").write_bytes(b"something else")
    with pytest.raises(BenchmarkError, match="is not what was recorded"):
        folder.ranks_of(replace(RECORD, ranks=digest))
    with pytest.raises(BenchmarkError, match="cannot read the ranks"):
        folder.ranks_of(replace(RECORD, ranks="0" * 64))


def test_the_pictures_of_queries_lie_beside_their_ranks(tmp_path):
    folder = RunFolder(tmp_path)
    ranks = {"t2i": np.array([1, 7, 3]), "i2t": np.array([3, 1])}
    record = replace(RECORD, ranks=folder.add_ranks(ranks, {"t2i": np.array([0, 0, 1])}))
    assert folder.ranks_of(record).keys() == {"t2i", "i2t"}
    (name, pictures), *others = folder.pictures_of(record).items()
    assert (name, pictures.tolist(), others) == ("t2i", [0, 0, 1], [])


def test_the_oldest_record_of_a_measurement_is_found_again(tmp_path):
    folder, again = RunFolder(tmp_path), replace(RECORD, counts={}, times={})
    assert folder.same_as(RECORD) is None
    folder.add(RECORD)
    folder.add(again)
    for each in (folder, RunFolder(tmp_path)):
        found = each.same_as(again)
        assert found is not None
        assert found.times == RECORD.times
        assert each.same_as(replace(RECORD, system="auto")) is None


def test_what_makes_two_records_the_same_measurement():
    same = replace(RECORD, figures={}, times={}, environment={"python": "3"}, counts={}, ranks="")
    assert same.identity == RECORD.identity
    for other in (
        replace(RECORD, key=replace(KEY, folds=5)),
        replace(RECORD, system="auto"),
        replace(RECORD, settings={"score": "another"}),
        replace(RECORD, data={**RECORD.data, "pictures": "2" * 64}),
        replace(RECORD, model={**RECORD.model, "fingerprint": "0" * 64}),
        replace(RECORD, environment={"device": "cuda"}),
    ):
        assert other.identity != RECORD.identity


def test_keys_say_in_what_they_differ():
    other = replace(KEY, captions="first5", folds=5)
    assert list(KEY.differences(KEY)) == []
    assert list(KEY.differences(other)) == [("captions", "all", "first5"), ("folds", 1, 5)]


def fill(folder, acknowledge):
    """Record until the disk is full; says the number of each record that is there."""
    rng = np.random.default_rng(0)
    for number in range(1_000):
        ranks = folder.add_ranks({"t2i": rng.integers(1, 5_000, 1_000)})
        folder.add(replace(RECORD, ranks=ranks, counts={"pictures": number}))
        acknowledge(number)


def test_a_full_disk_loses_no_record(tmp_path):
    """What was recorded stays, what was not can be recorded when there is room again."""
    done = []
    with disk_of(tmp_path / "disk", 64) as disk:
        with pytest.raises(OSError, match="No space left"):
            fill(RunFolder(disk / "run"), done.append)
        assert len(done) > 2
        left = RunFolder(disk / "run")
        assert [each.counts["pictures"] for each in left.records()] == done
        assert all(len(left.ranks_of(each)["t2i"]) == 1_000 for each in left.records())
        assert not [*disk.rglob(TEMPORARY + "*")]
        grow(disk, 1_024)
        left.add(RECORD)
        left.write_database()
        assert RunFolder(disk / "run").records()[-1] == RECORD


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("model", [], "model is no object"),
        ("data", None, "data is no object"),
        ("data", {"pictures": "1" * 64, "missing": []}, "annotations"),
        ("figures", {"t2i_r@1": "abc"}, "the figure t2i_r@1 is no number: 'abc'"),
        ("figures", {"t2i_r@1": True}, "is no number: True"),
    ],
)
def test_a_record_with_strange_parts_is_refused(tmp_path, part, value, said):
    line = json.dumps(RECORD.to_json() | {part: value})
    (tmp_path / "records.jsonl").write_text(f"{line}\n")
    with pytest.raises(BenchmarkError, match=f"line 1, is no record: .*{said}"):
        RunFolder(tmp_path).records()


def test_records_that_are_no_utf8_are_refused(tmp_path):
    RunFolder(tmp_path).add(RECORD)
    with (tmp_path / "records.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\n")
    with pytest.raises(BenchmarkError, match=r"records\.jsonl is no UTF-8"):
        RunFolder(tmp_path).records()
