"""Reads of the catalogue, on SQLite and PostgreSQL."""

import contextlib
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from indexer.writer import CollectionWriter, PathChange
from retrieval.errors import GenerationGoneError
from retrieval.model import FIRST_ID, FileRef
from retrieval.store.catalogue import Catalogue, CatalogueCounts
from retrieval.store.collection import Collection
from retrieval.store.database import connect, location_of
from retrieval.store.quick_rows import contents_statement, files_statement, paths_statement
from retrieval.store.statements import MAX_PARAMETERS
from tests.collection_kit import (
    ENCODER,
    add,
    digest,
    item,
    new_collection,
    put,
    read_state,
    remove,
    text_item,
    vectors,
)


@pytest.fixture
def writer(tmp_path, catalogue_url):
    with CollectionWriter.open(tmp_path / "c", ENCODER, catalogue_url=catalogue_url) as writer:
        yield writer


def test_a_generation_sees_its_own_rows_only(writer):
    put(writer, 1)
    put(writer, 2)
    writer.commit(None, [], [remove("/photos/1.jpg", 1), add("/copy.jpg", 2)])
    catalogue = writer.collection.catalogue
    paths = {
        generation: {
            item_id: [file.name for file in record.files]
            for item_id, record in catalogue.hydrate([1, 2], generation).items()
        }
        for generation in (1, 2, 3, 4)
    }
    assert paths == {
        1: {},
        2: {1: ["1.jpg"]},
        3: {1: ["1.jpg"], 2: ["2.jpg"]},
        4: {2: ["2.jpg", "copy.jpg"]},
    }
    assert [catalogue.counts(g) for g in (1, 4)] == [CatalogueCounts(0, 0), CatalogueCounts(1, 2)]


def test_hydrate_keeps_the_order_asked_for_and_leaves_out_the_unknown(writer):
    put(writer, *range(5))
    found = writer.collection.catalogue.hydrate([4, 99, 1, 3], 2)
    assert list(found) == [4, 1, 3]
    assert writer.collection.catalogue.hydrate([], 2) == {}


def test_files_under_a_folder_are_those_below_it_in_order(writer):
    paths = [b"/a", b"/a/1", b"/a/b/2", b"/a.b", b"/a0", b"/ab/3", b"/a/\xff", b"/b"]
    writer.commit(vectors(range(8)), [item(i, path) for i, path in enumerate(paths)])
    catalogue = writer.collection.catalogue
    below = [b"/a/1", b"/a/b/2", b"/a/\xff"]
    for root in (b"/a", b"/a/", b"/a//"):
        found = list(catalogue.files_under(root, 2))
        assert [entry.file.path for entry in found] == below
    (file, item_id, sha256) = found[0]
    assert (file.path, item_id, sha256) == (b"/a/1", 2, digest(1))
    assert [entry.file.path for entry in catalogue.files_under(b"/", 2)] == sorted(paths)
    assert list(catalogue.files_under(b"/none", 2)) == []


def test_items_by_sha256_asks_for_many_at_once(writer):
    put(writer, 1, 2)
    hexes = [digest(number) for number in range(12_000)]
    assert writer.collection.catalogue.items_by_sha256(hexes, 2) == {digest(1): 1, digest(2): 2}


def test_contents_are_looked_up_and_not_all_items_read(tmp_path):
    """By the clock alone nobody sees it until there are many: then a run takes minutes."""
    folder = new_collection(tmp_path / "c", 1, 2)
    with contextlib.closing(sqlite3.connect(folder / "catalogue.db")) as connection:
        for n in (1, 2, 64, 4096, MAX_PARAMETERS):
            statement = "EXPLAIN QUERY PLAN " + contents_statement(n)
            (step,) = connection.execute(statement, (1, 2, 2, *map(digest, range(n)))).fetchall()
            assert "ix_item_sha256 (collection_id=? AND sha256=?)" in step[-1]


def test_files_are_looked_up_by_their_items_and_by_their_paths(tmp_path):
    """Whatever the number: nothing is sorted, and no table read from end to end."""
    folder = new_collection(tmp_path / "c", 1, 2)
    with contextlib.closing(sqlite3.connect(folder / "catalogue.db")) as connection:
        for n in (1, 2, 64, 4096, MAX_PARAMETERS):
            of_file, *of_collection = plan(connection, files_statement(n), ("key", 2, *range(n)))
            assert "USING PRIMARY KEY (collection_id=? AND item_id=?" in of_file
            assert not [step for step in of_collection if "SCAN" in step or "B-TREE" in step]
            by_path = (1, 2, 2, *(b"%d" % number for number in range(n)))
            (of_file,) = plan(connection, paths_statement(n), by_path)
            assert "ix_file_path (collection_id=? AND path=?)" in of_file


def plan(connection, statement, values):
    return [step[-1] for step in connection.execute("EXPLAIN QUERY PLAN " + statement, values)]


def test_reading_goes_on_while_a_stream_of_files_is_open_and_a_commit_happens(writer):
    put(writer, *range(10))
    catalogue = writer.collection.catalogue
    stream = catalogue.files_under(b"/photos", 2)
    first = next(stream)
    put(writer, 10)
    assert len([first, *stream]) == 10
    assert catalogue.counts(3).n_files == 11


def test_many_threads_read_one_catalogue(writer):
    put(writer, *range(20))
    catalogue = writer.collection.catalogue
    results = []

    def read():
        results.extend(len(catalogue.hydrate(list(range(1, 21)), 2)) for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [20] * 60


def test_texts_are_found_by_the_file_that_says_them_and_by_its_folder(writer):
    texts = [
        text_item(1, "/p/a.jpg", "/p/a.txt"),
        text_item(2, "/p/b.jpg", "/p/pairs.csv"),
        text_item(3, "/p/c.jpg", "/p/pairs.csv"),
        text_item(4, "/p/pairs.jpg", "/p/pairs.csv0"),
    ]
    writer.commit(vectors([1, 2, 3, 4]), texts, gallery="texts")
    put(writer, 5)
    catalogue, generation = writer.collection.catalogue, writer.manifest.generation

    def paths(source):
        return [each.file.path for each in catalogue.texts_from(source, generation)]

    assert paths(b"/p/pairs.csv") == [b"/p/b.jpg", b"/p/c.jpg"]
    assert len(paths(b"/p")) == len(paths(b"/p/")) == 4
    assert paths(b"/q") == []
    assert [
        (each.file.source, each.sha256) for each in catalogue.texts_from(b"/p/a.txt", generation)
    ] == [(b"/p/a.txt", digest(1))]
    counted = [catalogue.counts(generation, name) for name in ("images", "texts")]
    assert counted == [CatalogueCounts(1, 1), CatalogueCounts(4, 4)]


def test_the_source_of_a_text_survives_a_rebuild(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    with CollectionWriter.open(folder, ENCODER) as writer:
        writer.commit(vectors([2]), [text_item(2, "/p/a.jpg", "/p/a.txt")], gallery="texts")
        again = PathChange("add", FileRef(b"/p/b.jpg", 1, 2, b"/p/\xff.csv"), FIRST_ID["texts"])
        writer.commit(None, [], [again])
    before = read_state(folder)
    (folder / "catalogue.db").unlink()
    CollectionWriter.open(folder, ENCODER).close()
    assert read_state(folder) == before
    assert b"/p/\xff.csv" in [file[2] for file in before.items[FIRST_ID["texts"]][1].values()]


def test_a_reader_writes_nothing(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    engine = connect(location_of(None, "key"), folder)
    with pytest.raises(Exception, match="readonly"), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM file")
    engine.dispose()


def test_a_folder_that_cannot_be_written_can_be_read(tmp_path, monkeypatch):
    folder = new_collection(tmp_path / "c", 1)
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    before = sorted(os.listdir(folder))
    with Collection.open(folder) as view:
        assert len(view.catalogue.hydrate([1], 2)) == 1
        assert sorted(os.listdir(folder)) == before, "no shared memory, no log"


def test_hydrating_any_number_of_items_at_a_time_says_the_same(writer):
    put(writer, *range(70))
    writer.commit(
        None, [], [add("/a/copy.jpg", 3), add("/z/copy.jpg", 3), remove("/photos/6.jpg", 7)]
    )
    catalogue, generation = writer.collection.catalogue, writer.manifest.generation
    one_by_one = {}
    for item_id in range(1, 71):
        one_by_one.update(catalogue.hydrate([item_id], generation))
    assert len(one_by_one) == 69
    assert [file.name for file in one_by_one[3].files] == ["2.jpg", "copy.jpg", "copy.jpg"]
    assert one_by_one[3].files[1].path == b"/a/copy.jpg", "in the order in which they came"
    for n in (2, 3, 10, 63, 64, 65, 70):
        asked = list(range(n, 0, -1))
        found = catalogue.hydrate(asked, generation)
        assert list(found.items()) == [(i, one_by_one[i]) for i in asked if i != 7]


def test_rows_that_are_gone_are_refused_whatever_is_asked_for(writer):
    put(writer, 1, 2)
    put(writer, 3)
    old = writer.manifest.generation
    writer.delete_items([1])
    for number in (4, 5):
        put(writer, number)
    writer.collect_garbage()
    for ids in ([2], [1], [99], [], [2, 99]):
        with pytest.raises(GenerationGoneError):
            writer.collection.catalogue.hydrate(ids, old)
    assert writer.collection.catalogue.hydrate([1, 99], writer.manifest.generation) == {}


def test_more_threads_than_connections_hydrate_at_once_and_a_close_leaves_none(tmp_path):
    folder = new_collection(tmp_path / "c", *range(40))
    together, failures = threading.Barrier(24), []

    def read(catalogue, number):
        together.wait()
        for start in range(20):
            ids = [1 + (number + start) % 40, 1 + (number + start + 1) % 40]
            if list(catalogue.hydrate(ids, 2)) != ids:
                failures.append(ids)

    with Collection.open(folder) as view:
        threads = [
            threading.Thread(target=read, args=(view.catalogue, number)) for number in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in open_files()]
    assert not [link for link in links if link.startswith(str(folder / "catalogue.db"))]


def open_files():
    """Descriptors of this process that can still be looked at."""
    folder = Path("/proc/self/fd")
    return [each.name for each in folder.iterdir() if each.is_symlink() and each.exists()]


def test_ten_items_are_hydrated_in_about_a_millisecond(tmp_path):
    folder = new_collection(tmp_path / "c", *range(200))
    with Collection.open(folder) as view:
        times = []
        for start in range(50):
            ids = list(range(start + 1, start + 11))
            started = time.perf_counter()
            assert len(view.catalogue.hydrate(ids, 2)) == 10
            times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 4] < 0.005, "five times the aim: the machine may be busy"


def test_a_catalogue_closes(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    with Collection.open(folder) as view:
        assert isinstance(view.catalogue, Catalogue)
