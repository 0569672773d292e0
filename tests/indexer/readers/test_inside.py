"""Showing again what lies inside archives and tables."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.readers.inside import read_inside
from tests.indexer.readers.kit import png, write_tar


def test_members_of_archives(tmp_path):
    path = os.fsencode(write_tar(tmp_path / "s.tar", [("a/b.png", png(1)), ("c.png", png(2))]))
    assert read_inside(path + b"/a/b.png") == png(1)
    assert read_inside(path + b"/c.png") == png(2)
    assert read_inside(path + b"/d.png") is None
    write_tar(tmp_path / "s.tar", [("c.png", png(3) + b"longer")])
    assert read_inside(path + b"/c.png") == png(3) + b"longer"


def test_rows_of_tables(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": [png(1), None]}), path)
    root = os.fsencode(path)
    assert read_inside(root + b"/row-000000000") == png(1)
    assert read_inside(root + b"/row-000000001") is None
    assert read_inside(root + b"/row-000000002") is None
    pq.write_table(pa.table({"pic": [png(1)]}), tmp_path / "u.parquet")
    assert read_inside(os.fsencode(tmp_path / "u.parquet") + b"/row-000000000") is None


@pytest.mark.parametrize(
    "name", [b"/none.tar/a.png", b"/a.png", b"http://x/s.tar/a.png", b"key", b""]
)
def test_elsewhere_there_is_nothing(name):
    assert read_inside(name) is None


def test_what_is_no_archive_holds_nothing(tmp_path):
    (tmp_path / "s.tar").write_bytes(b"x" * 2000)
    (tmp_path / "folder.tar").mkdir()
    for name in ("s.tar", "folder.tar"):
        assert read_inside(os.fsencode(tmp_path / name) + b"/a.png") is None
