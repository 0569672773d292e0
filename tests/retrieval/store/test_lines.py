"""rows.jsonl and change logs: every record survives, every broken line is named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import CorruptCollectionError
from retrieval.model import FileRef, ImageMeta, ItemRecord
from retrieval.store.changes import PathChange, decode_changes, encode_changes
from retrieval.store.fields import clean_int, clean_number, clean_text
from retrieval.store.rows import decode_rows, encode_rows

PATH = Path("rows.jsonl")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTS = st.integers(-(2**63) + 1, 2**63 - 1)
FILES = st.builds(FileRef, st.binary(max_size=12), INTS, INTS)
METAS = st.builds(
    ImageMeta,
    *(TEXTS, st.integers(1, 10**5), st.integers(1, 10**5)),
    *(st.none() | TEXTS, st.none() | TEXTS, st.none() | FLOATS, st.none() | FLOATS),
)
RECORDS = st.builds(
    ItemRecord,
    *(st.integers(1, 2**50), TEXTS, METAS),
    *(st.lists(FILES, max_size=3).map(tuple), st.lists(TEXTS, max_size=3).map(tuple)),
)
CHANGES = st.builds(PathChange, st.sampled_from(["add", "remove"]), FILES, st.integers(1, 2**50))


@given(st.lists(RECORDS, max_size=4))
def test_records_survive(records):
    assert list(decode_rows(encode_rows(records), PATH)) == records


def test_a_line_has_no_blanks_and_lines_of_before_are_read_alike():
    meta = ImageMeta("JPEG", 640, 480, None, 'Acme "X"', 48.5, -122.25)
    files = (FileRef(b"/a b.jpg", 2**63 - 1, 5), FileRef(b"/\xff", 1, 2, b"/p.csv"))
    record = ItemRecord(7, "ab", meta, files, ("one\u2028two", "ö"), "2026-01-02T03:04:05")
    before = (
        '{"id": 7, "sha256": "ab", "format": "JPEG", "width": 640, "height": 480, '
        '"camera": "Acme \\"X\\"", "latitude": 48.5, "longitude": -122.25, "files": [{"path": '
        '"/a b.jpg", "size_bytes": 9223372036854775807, "mtime_ns": 5}, {"path": {"base64": '
        '"L/8="}, "size_bytes": 1, "mtime_ns": 2, "source": "/p.csv"}], "captions": '
        '["one\u2028two", "ö"], "added": "2026-01-02T03:04:05"}\n'
    )
    assert list(decode_rows(before.encode(), PATH)) == [record]
    line = encode_rows([record])
    assert list(decode_rows(line, PATH)) == [record]
    expected = before.replace('": ', '":').replace(', "', ',"').replace("}, {", "},{")
    assert line.decode() == expected


@pytest.mark.parametrize("degrees", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_makes_no_line_unreadable(degrees):
    record = ItemRecord(1, "ab", ImageMeta("PNG", 1, 1, latitude=degrees, longitude=2.5))
    (found,) = decode_rows(encode_rows([record]), PATH)
    assert found.meta == ImageMeta("PNG", 1, 1, longitude=2.5)


@given(st.lists(CHANGES, max_size=6))
def test_changes_survive(changes):
    assert list(decode_changes(encode_changes(changes), PATH)) == changes


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"id": 1}', b"\xff", b'{"id": "1"}'])
def test_a_line_that_is_no_record_is_named(line):
    good = encode_rows([ItemRecord(1, "ab", ImageMeta("PNG", 1, 1))])
    with pytest.raises(CorruptCollectionError, match=r"rows\.jsonl, line 2"):
        list(decode_rows(good + line + b"\n", PATH))


@pytest.mark.parametrize("line", [b"{}", b'{"op": "move", "item": 1}', b"3"])
def test_a_line_that_is_no_change_is_named(line):
    with pytest.raises(CorruptCollectionError, match=r"rows\.jsonl, line 1"):
        list(decode_changes(line + b"\n", PATH))


@given(st.text())
def test_clean_text_can_be_stored_anywhere_and_changes_nothing_else(value):
    clean = clean_text(value)
    clean.encode("utf-8")
    assert "\0" not in clean
    assert clean == "".join(
        c if c != "\0" and not 0xD800 <= ord(c) < 0xE000 else "�" for c in value
    )


def test_clean_numbers():
    assert clean_number(None) is None
    assert clean_number(float("inf")) is None
    assert clean_number(-0.5) == -0.5
    assert clean_int(2**70) == 2**63 - 1
    assert clean_int(-5) == -5
