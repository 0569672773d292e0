"""Tags on items: through deletes, crashes, merges, rebuilds and upgrades, on both databases."""

import logging
import shutil

import pytest
from alembic import command
from alembic.config import Config

from indexer import durable
from indexer.maintain import destroy_collection, repair_catalogue
from indexer.tags import TagReport, Wanted, change_tags
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.errors import CorruptCollectionError, QueryError
from retrieval.store.collection import Collection
from retrieval.store.database import connect
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.tag_rows import tag_counts, tags_of
from retrieval.store.tags import TAGS_NAME
from tests.collection_kit import ENCODER, add, change_row, new_collection, put, remove


@pytest.fixture
def folder(tmp_path, catalogue_url):
    return new_collection(tmp_path / "c", 1, 2, 3, url=catalogue_url)


def tag(folder, name, *items, op="add", url=None, where=None):
    wanted = Wanted(tuple(items), where and parse_filter(where))
    return change_tags(folder, op, name, wanted, catalogue_url=url)


def tags(folder, url=None):
    with Collection.open(folder, catalogue_url=url) as view:
        return tags_of(view.catalogue, range(1, 10), view.generation)


def found(folder, text, url=None):
    with Collection.open(folder, catalogue_url=url) as view:
        return view.catalogue.ids_where(parse_filter(text), view.generation).tolist()


def test_tags_come_and_go(folder, catalogue_url):
    assert tag(folder, "Dog", 1, b"/photos/2.jpg", url=catalogue_url) == TagReport(2, 2)
    assert tag(folder, "dog", b"/photos", url=catalogue_url) == TagReport(3, 1)
    assert tag(folder, "sea", where="width = 642", url=catalogue_url) == TagReport(1, 1)
    assert tags(folder, catalogue_url) == {1: ("Dog",), 2: ("Dog", "sea"), 3: ("dog",)}
    assert tag(folder, "DOG", 1, op="remove", url=catalogue_url) == TagReport(1, 1)
    assert tag(folder, "DOG", 1, op="remove", url=catalogue_url) == TagReport(1, 0)
    assert found(folder, "tag = dog", catalogue_url) == [2, 3]
    assert found(folder, "not has tag", catalogue_url) == [1]
    with Collection.open(folder, catalogue_url=catalogue_url) as view:
        assert tag_counts(view.catalogue, view.generation) == [("Dog", 2), ("sea", 1)]
        assert view.generation == 2  # tags make no generation


def test_an_open_generation_sees_the_tags_of_now(folder, catalogue_url):
    with Collection.open(folder, catalogue_url=catalogue_url) as view:
        with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
            put(writer, 9)
        tag(folder, "new", 1, 4, url=catalogue_url)
        predicate = parse_filter("tag = new")
        assert view.catalogue.ids_where(predicate, view.generation).tolist() == [1]
        assert view.catalogue.ids_where(predicate, view.generation + 1).tolist() == [1, 4]


def test_unknown_items_and_tags_change_nothing(folder, catalogue_url):
    for wanted in (99, b"/nowhere", b"/photos/9.jpg"):
        with pytest.raises(QueryError, match="not in the collection"):
            tag(folder, "x", 1, wanted, url=catalogue_url)
    with pytest.raises(QueryError, match="cannot be a tag"):
        tag(folder, " ", 1, url=catalogue_url)
    assert not (folder / TAGS_NAME).exists()


def test_a_rebuild_brings_the_tags_back(folder, catalogue_url):
    tag(folder, "Dog", 1, 2, url=catalogue_url)
    tag(folder, "dog", 2, op="remove", url=catalogue_url)
    repair_catalogue(folder, catalogue_url=catalogue_url)
    assert tags(folder, catalogue_url) == {1: ("Dog",)}
    assert verify_collection(folder, catalogue_url=catalogue_url).problems == ()


def test_deleted_items_show_no_tags_and_the_same_content_has_them_again(folder, catalogue_url):
    tag(folder, "dog", 1, 2, url=catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        writer.delete_items([1, 3])  # so much that a merge drops them
        view = writer.collection
        assert tag_counts(view.catalogue, view.generation) == [("dog", 1)]
        predicate = parse_filter("tag = dog")
        assert view.catalogue.ids_where(predicate, view.generation).tolist() == [2]
        writer.merge_small_segments(100)
        writer.collect_garbage()
        (new_id,) = put(writer, 1).ids
        view = writer.collection
        assert new_id == 4
        assert view.catalogue.ids_where(predicate, view.generation).tolist() == [2, 4]


@pytest.mark.parametrize("moment", ["tags_written", "tags_synced"])
def test_a_crash_between_log_and_catalogue_is_mended_by_the_next_writer(
    folder, catalogue_url, monkeypatch, moment
):
    def crash(name):
        if name == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr(durable, "checkpoint", crash)
    with pytest.raises(KeyboardInterrupt):
        tag(folder, "dog", 1, url=catalogue_url)
    monkeypatch.undo()
    assert tags(folder, catalogue_url) == {}
    CollectionWriter.open(folder, None, catalogue_url=catalogue_url).close()
    assert tags(folder, catalogue_url) == {1: ("dog",)}


def test_a_torn_last_line_is_dropped_with_a_warning(folder, catalogue_url, caplog):
    tag(folder, "dog", 1, url=catalogue_url)
    whole = (folder / TAGS_NAME).read_bytes()
    for rest in (b'{"op": "add", "ta', b"\0" * 30 + b"\n", whole[:-1]):
        (folder / TAGS_NAME).write_bytes(whole + rest)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            CollectionWriter.open(folder, None, catalogue_url=catalogue_url).close()
        assert "unfinished" in caplog.text
        assert (folder / TAGS_NAME).read_bytes() == whole
    tag(folder, "cat", 2, url=catalogue_url)
    assert tags(folder, catalogue_url) == {1: ("dog",), 2: ("cat",)}


def test_a_damaged_log_is_found_and_the_catalogue_kept(folder, catalogue_url):
    tag(folder, "dog", 1, url=catalogue_url)
    tag(folder, "cat", 2, url=catalogue_url)
    path = folder / TAGS_NAME
    path.write_bytes(path.read_bytes().replace(b"dog", b"dig"))
    (problem,) = verify_collection(folder, catalogue_url=catalogue_url).problems
    assert "tags.jsonl, line 1" in problem
    with pytest.raises(CorruptCollectionError, match="line 1"):
        repair_catalogue(folder, catalogue_url=catalogue_url)
    assert tags(folder, catalogue_url) == {1: ("dog",), 2: ("cat",)}


def test_verify_compares_tags_with_their_log(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    tag(folder, "dog", 1)
    change_row(folder, "UPDATE tag SET folded = 'cat'")
    (problem,) = verify_collection(folder).problems
    assert "tags of the catalogue" in problem
    repair_catalogue(folder)
    assert verify_collection(folder).problems == ()


def test_verify_looks_at_what_filters_read(tmp_path):
    for column, table in (
        ("display_folded", "file"),
        ("format_folded", "item"),
        ("camera_folded", "item"),
        ("captions_folded", "item"),
        ("added", "item"),
    ):
        folder = new_collection(tmp_path / column, 1)
        change_row(folder, f"UPDATE {table} SET {column} = 'x'")
        assert any("not what was written" in each for each in verify_collection(folder).problems)


def test_garbage_collection_and_destroying_know_the_log(folder, catalogue_url):
    tag(folder, "dog", 1, url=catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        put(writer, 7)
        writer.collect_garbage()
    assert (folder / TAGS_NAME).exists()
    destroy_collection(folder, catalogue_url=catalogue_url)
    assert not folder.exists()


def test_a_rebuild_gives_the_time_of_adding_again(folder, catalogue_url):
    def added():
        with Collection.open(folder, catalogue_url=catalogue_url) as view:
            records = view.catalogue.hydrate([1, 2, 3], view.generation)
            return [record.added for record in records.values()]

    before = added()
    assert all(before)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        writer.commit(None, [], [remove("/photos/1.jpg", 1), add("/new.jpg", 1)])
        writer.merge_small_segments(100)
    repair_catalogue(folder, catalogue_url=catalogue_url)
    assert added() == before


def test_an_upgrade_from_the_second_version_fills_what_filters_read(folder, catalogue_url):
    with Collection.open(folder, catalogue_url=catalogue_url) as view:
        location = view.manifest.catalogue
    engine = connect(location, folder, catalogue_url, is_writer=True)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "retrieval.store:migrations")
        command.downgrade(config, "0002")
    engine.dispose()
    CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url).close()
    text = "camera = 'acme x' and path ~ '1.JPG' and format = jpeg and added > 2000"
    assert found(folder, text, catalogue_url) == [1]


def test_a_collection_of_an_older_version_has_no_time_of_adding(tmp_path):
    """rows.jsonl of before: no `added`; nothing else changes for it."""
    folder = new_collection(tmp_path / "c", 1)
    (rows,) = folder.glob("galleries/images/segments/*/rows.jsonl")
    assert b'"added":"2' in rows.read_bytes()
    assert found(folder, "has added") == [1]
    copy = shutil.copytree(folder, tmp_path / "old")
    change_row(copy, "UPDATE item SET added = NULL")
    assert found(copy, "has added") == []
    assert found(copy, "not added > 2000") == [1]


def test_a_place_on_the_equator_is_stored_and_read_back(tmp_path, catalogue_url):
    from dataclasses import replace

    from tests.collection_kit import item, vectors

    new = item(1)
    new = replace(new, meta=replace(new.meta, latitude=-0.0, longitude=-0.0))
    with CollectionWriter.open(tmp_path / "c", ENCODER, catalogue_url=catalogue_url) as writer:
        writer.commit(vectors([1]), [new])
        view = writer.collection
        assert view.catalogue.hydrate([1], view.generation)[1].meta.latitude == 0.0
