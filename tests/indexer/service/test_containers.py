"""Runs over archives and tables: every entry in one count, changes seen, neighbours left alone."""

import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from retrieval.errors import SourceError
from tests.indexer.readers.kit import png, write_tar
from tests.indexer.service.kit import counts, index, indexed, n_items


def names(collection, root):
    below = os.fsencode(root) + b"/"
    return sorted(
        path.removeprefix(below) for path in indexed(collection) if path.startswith(below)
    )


@pytest.fixture
def shard(tmp_path):
    members = [(f"{i}.png", png(i)) for i in range(5)]
    return write_tar(tmp_path / "shard.tar", [*members, ("bad.png", b"no picture")])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"image": [png(i) for i in range(5)] + [None]}), path)
    return path


def test_an_archive_is_indexed_and_a_second_run_changes_nothing(shard, collection):
    report = index(shard, collection)
    assert counts(report) == (5, 0, 0, 0, 0, 1)
    assert report.skipped[0].path == os.fsencode(shard) + b"/bad.png"
    again = index(shard, collection)
    assert counts(again) == (0, 0, 0, 0, 5, 1)
    assert again.generation == report.generation


def test_a_table_is_indexed_and_a_second_run_changes_nothing(table, collection):
    report = index(table, collection)
    assert counts(report) == (5, 0, 0, 0, 0, 1)
    assert report.skipped[0].reason == "no picture in this row"
    again = index(table, collection)
    assert counts(again) == (0, 0, 0, 0, 5, 1)


def test_what_was_added_changed_and_taken_out_of_an_archive(shard, collection):
    index(shard, collection)
    write_tar(
        shard, [("0.png", png(0)), ("1.png", png(100)), ("new/2.png", png(2)), ("3.png", png(3))]
    )
    assert counts(index(shard, collection)) == (0, 1, 1, 1, 2, 0)
    assert names(collection, shard) == [b"0.png", b"1.png", b"3.png", b"new/2.png"]


def test_a_cut_archive_takes_nothing_out(shard, collection):
    index(shard, collection)
    os.truncate(shard, 1500)
    report = index(shard, collection)
    assert counts(report)[3] == 0
    assert report.skipped[0].reason == "truncated archive"
    assert len(names(collection, shard)) == 5


def test_the_same_picture_in_a_folder_an_archive_and_a_table_is_one_item(
    photos, collection, tmp_path
):
    content = (photos / "0.png").read_bytes()
    shard = write_tar(tmp_path / "s.tar", [("copy.png", content)])
    table = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": [content]}), table)
    assert counts(index([photos, shard, table], collection)) == (9, 0, 0, 0, 0, 0)
    assert n_items(collection) == 7


def test_a_run_over_the_folder_leaves_what_lies_in_its_archives_and_tables(
    photos, collection, tmp_path
):
    shard = write_tar(photos / "s.tar", [(f"{i}.png", png(i + 50)) for i in range(3)])
    table = photos / "t.parquet"
    pq.write_table(pa.table({"image": [png(60)]}), table)
    index([photos, shard, table], collection)
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 7, 0)
    assert len(indexed(collection)) == 11
    shard.unlink()
    assert counts(index(photos, collection)) == (0, 0, 0, 3, 7, 0)


def test_an_archive_that_is_gone_stops_the_run_unless_it_may_be_pruned(shard, collection):
    index(shard, collection)
    shard.unlink()
    with pytest.raises(SourceError, match="no longer there"):
        index(shard, collection)
    assert counts(index(shard, collection, prune=True)) == (0, 0, 0, 5, 0, 0)


def test_braces_name_many_shards(tmp_path, collection):
    for i in range(3):
        write_tar(tmp_path / f"s-{i:02}.tar", [("a.png", png(i))])
    assert counts(index(tmp_path / "s-{00..02}.tar", collection)) == (3, 0, 0, 0, 0, 0)
    with pytest.raises(SourceError, match=r"no such archive: .*s-03"):
        index(tmp_path / "s-{00..03}.tar", collection)


def test_pictures_of_every_mode_inside_an_archive(tmp_path, collection):
    members = []
    for number, mode in enumerate(("L", "RGB", "CMYK")):
        content = io.BytesIO()
        Image.new(mode, (20, 10), 50 * number).save(content, "JPEG")
        members.append((f"{mode}.jpg", content.getvalue()))
    assert counts(index(write_tar(tmp_path / "s.tar", members), collection))[0] == 3
