"""Sizes of memory, and the one limit of SQLite's heap."""

import contextlib
import re
import sqlite3

import pytest

from retrieval.memory import parse_size, size_text, sqlite_within


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("1", 1),
        ("50MB", 50_000_000),
        ("50 mb", 50_000_000),
        ("1.5 GiB", 3 << 29),
        ("2kib", 2048),
        ("1TB", 10**12),
    ],
)
def test_sizes_are_read_as_people_write_them(text, n_bytes):
    assert parse_size(text) == n_bytes


@pytest.mark.parametrize("text", ["", "0", "0.1B", "-5MB", "MB", "5 XB", "1e9", "5MB 3"])
def test_what_is_no_size_is_refused_with_its_text(text):
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_size(text)


def heap_limit():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return connection.execute("PRAGMA soft_heap_limit").fetchone()[0]


def test_of_several_limits_the_least_holds_whoever_leaves_first():
    before = heap_limit()
    wide, narrow = sqlite_within(9 << 20), sqlite_within(5 << 20)
    wide.__enter__()
    assert heap_limit() == 9 << 20
    narrow.__enter__()
    assert heap_limit() == 5 << 20
    wide.__exit__(None, None, None)
    assert heap_limit() == 5 << 20
    narrow.__exit__(None, None, None)
    assert heap_limit() == before


@pytest.mark.parametrize(
    ("n_bytes", "written"),
    [(999, "999 bytes"), (1_000, "1,000 bytes"), (5_000_000, "5 MB"), (1_500_000_000, "1.5 GB")],
)
def test_sizes_are_written_for_people(n_bytes, written):
    assert size_text(n_bytes) == written
