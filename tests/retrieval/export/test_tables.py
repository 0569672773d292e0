"""JSON lines, CSV and parquet: what is read back is what was written."""

import csv
import io
import json
import sys
from base64 import b64decode

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import MissingDependencyError
from retrieval.export import tables
from retrieval.export.columns import IMAGE_FILES, TEXT_FILES, Column, iso_time
from retrieval.export.records import catalogue_rows
from retrieval.export.tables import csv_pieces, jsonl_pieces, write_parquet

COLUMNS = (
    *(Column("id", "int"), Column("score", "float"), Column("text", "text")),
    *(Column("captions", "texts"), Column("mtime", "time")),
    *(Column("path", "path"), Column("files", "paths")),
)
INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.lists(
    st.tuples(
        INT64,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | TEXT.filter(bool),  # in CSV an empty text is None
        st.lists(TEXT).map(tuple),
        INT64,
        st.binary(min_size=1),
        st.lists(st.binary(), min_size=1).map(tuple),
    )
)


def true_path(fields, name="path"):
    lost = fields.get(f"{name}_bytes")
    return b64decode(lost) if lost else fields[name].encode()


def from_json(fields):
    files = tuple(true_path(file) for file in fields["files"])
    known = (fields["id"], fields["score"], fields["text"], tuple(fields["captions"]))
    return (*known, fields["mtime"], true_path(fields), files)


def spelled(row):
    """A row with its time in words."""
    return (*row[:4], iso_time(row[4]), *row[5:])


@given(ROWS)
def test_json_lines_read_back_equal(rows):
    lines = b"".join(jsonl_pieces(COLUMNS, rows)).decode().split("\n")
    assert lines.pop() == ""
    assert [from_json(json.loads(line)) for line in lines] == [spelled(row) for row in rows]


@given(ROWS)
def test_csv_reads_back_equal(rows):
    text = b"".join(csv_pieces(COLUMNS, rows)).decode()
    found = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    for fields in found:
        fields["id"] = int(fields["id"])
        fields["score"] = float(fields["score"]) if fields["score"] else None
        fields["text"] = fields["text"] or None
        fields["captions"] = json.loads(fields["captions"])
        fields["files"] = json.loads(fields["files"])
    assert [from_json(fields) for fields in found] == [spelled(row) for row in rows]


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_parquet_reads_back_equal(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("parquet") / "t.parquet"
    write_parquet(path, COLUMNS, rows)
    table = pq.read_table(path)
    table = table.set_column(4, "mtime", table["mtime"].cast("int64"))
    found = [
        (
            *(each["id"], each["score"], each["text"], tuple(each["captions"]), each["mtime"]),
            each["path_bytes"] or each["path"].encode(),
            tuple(file["path_bytes"] or file["path"].encode() for file in each["files"]),
        )
        for each in table.to_pylist()
    ]
    assert found == rows
    assert str(pq.read_schema(path).field("mtime").type) == "timestamp[ns, tz=UTC]"


@pytest.mark.parametrize("at_once", [1, 3, 10_000])
@pytest.mark.parametrize(("columns", "name"), [(IMAGE_FILES, "images"), (TEXT_FILES, "texts")])
def test_a_catalogue_is_the_same_in_every_form(odd, tmp_path, monkeypatch, at_once, columns, name):
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", at_once)
    rows = list(catalogue_rows(odd, name))
    as_json = [json.loads(line) for line in b"".join(jsonl_pieces(columns, rows)).splitlines()]
    text = b"".join(csv_pieces(columns, rows)).decode()
    as_csv = list(csv.DictReader(io.StringIO(text, newline="")))
    write_parquet(tmp_path / "t.parquet", columns, rows)
    table = pq.read_table(tmp_path / "t.parquet").drop_columns("mtime").to_pylist()
    assert len(as_json) == len(as_csv) == len(table) == len(rows)
    place = [column.name for column in columns].index("path")
    for row, line, record, entry in zip(rows, as_json, as_csv, table, strict=True):
        assert true_path(line) == true_path(record) == row[place]
        assert (entry["path_bytes"] or entry["path"].encode()) == row[place]
        assert line["sha256"] == record["sha256"] == entry["sha256"]
        assert line["mtime"] == record["mtime"]


def test_no_rows_are_an_empty_table(tmp_path):
    assert b"".join(jsonl_pieces(COLUMNS, [])) == b""
    head = b"id,score,text,captions,mtime,path,path_bytes,files\r\n"
    assert b"".join(csv_pieces(COLUMNS, [])) == head
    write_parquet(tmp_path / "t.parquet", COLUMNS, [])
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 0


def test_rows_are_taken_as_they_are_written():
    asked = []

    def rows():
        for number in range(25_000):
            asked.append(number)
            yield (number,)

    pieces = jsonl_pieces((Column("id", "int"),), rows())
    next(pieces)
    assert len(asked) <= 10_001


def test_without_pyarrow_the_hint_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match="pyarrow") as caught:
        write_parquet(tmp_path / "t.parquet", COLUMNS, [])
    assert caught.value.hint == "pip install 'polyseek[parquet]'"
    assert not list(tmp_path.iterdir())
