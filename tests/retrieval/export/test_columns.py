"""How values are spelled as JSON."""

import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.export.columns import Column, iso_time, json_fields

PATH = (Column("path", "path"),)


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (1 - 2**63, "1677-09-21T00:12:43.145224193Z"),
    ],
)
def test_a_time_loses_nothing(time_ns, text):
    assert iso_time(time_ns) == text


@given(st.integers(1 - 2**63, 2**63 - 1))
def test_a_time_reads_back_equal(time_ns):
    text = iso_time(time_ns)
    whole = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    seconds = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // (whole.resolution * 1_000_000)
    assert seconds * 1_000_000_000 + int(text[20:29]) == time_ns


@given(st.binary())
def test_a_path_reads_back_equal(path):
    fields = json.loads(json.dumps(json_fields(PATH, (path,))))
    assert list(fields) in (["path"], ["path", "path_bytes"])
    if "path_bytes" in fields:
        assert b64decode(fields["path_bytes"]) == path
        assert fields["path"].encode() != path
    else:
        assert fields["path"].encode() == path


def test_what_is_not_known_is_null():
    columns = (*PATH, Column("taken", "text"), Column("mtime", "time"))
    assert json_fields(columns, (None, None, None)) == {"path": None, "taken": None, "mtime": None}


def test_several_paths_are_a_list_of_objects():
    fields = json_fields((Column("files", "paths"),), ((b"/a", b"/\xff"),))
    assert fields == {"files": [{"path": "/a"}, {"path": "/�", "path_bytes": "L/8="}]}
