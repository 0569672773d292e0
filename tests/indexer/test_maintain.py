"""Checking every byte of a collection, taking items out, and doing away with the whole."""

import os
import random
import sqlite3
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from indexer.service import (
    Deleted,
    IndexOptions,
    delete_items,
    destroy_collection,
    index_folders,
    verify_collection,
)
from indexer.tags import Wanted, change_tags
from indexer.writer import CollectionWriter
from retrieval.errors import (
    CollectionMissingError,
    CorruptCollectionError,
    LockedError,
    QueryError,
)
from retrieval.model import ItemId, gallery_of
from retrieval.store.collection import Collection
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.manifest import newest_manifest
from tests.collection_kit import new_collection, read_state
from tests.factories import GeometryEncoder


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(["a", "b", "c", "sub/d", "sub/e"]):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    (tmp_path / "photos" / "copy of a.png").write_bytes(
        (tmp_path / "photos" / "a.png").read_bytes()
    )
    return tmp_path / "photos"


@pytest.fixture
def collection(photos, tmp_path):
    index(photos, tmp_path / "collection")
    (photos / "b.png").unlink()
    index(photos, tmp_path / "collection")
    return tmp_path / "collection"


def index(photos, collection):
    return index_folders(
        [photos], collection, encoder=GeometryEncoder(), options=IndexOptions(segment_items=2)
    )


def files(collection):
    with Collection.open(collection) as view:
        entries = view.catalogue.files_under(b"/", view.generation)
        return {os.path.basename(entry.file.path).decode(): entry for entry in entries}


# -- verify ---------------------------------------------------------------------------------------


def test_a_sound_collection_has_no_problems(collection):
    report = verify_collection(collection)
    manifest, _ = newest_manifest(collection)
    assert report.problems == ()
    assert report.n_items == 4
    assert report.generation == manifest.generation
    assert report.n_files == len(list(manifest.files()))
    assert report.n_bytes == sum(
        (collection / each.name).stat().st_size for each in manifest.files()
    )


def test_one_flipped_bit_in_any_file_is_found(collection):
    chance = random.Random(3)
    names = [entry.name for entry in newest_manifest(collection)[0].files()]
    kinds = {os.path.splitext(name)[1] for name in names}
    assert kinds >= {".npy", ".sums", ".jsonl"}
    for name in names:
        path = collection / name
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        problems = verify_collection(collection).problems
        assert [name in problem for problem in problems] == [True]
        path.write_bytes(whole)
    assert verify_collection(collection).problems == ()


def test_missing_and_truncated_files_are_all_named(collection):
    missing, cut, *_ = (collection / each.name for each in newest_manifest(collection)[0].files())
    missing.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    problems = verify_collection(collection).problems
    assert len(problems) == 2
    assert str(missing) in problems[0]
    assert str(cut) in problems[1]


def test_a_damaged_newest_manifest_is_a_problem_and_no_intact_one_an_error(collection):
    newest, older = sorted(collection.glob("manifest-*.json"), reverse=True)[:2]
    newest.write_bytes(newest.read_bytes().replace(b"geometry", b"Geometry"))
    assert any(newest.name in problem for problem in verify_collection(collection).problems)
    older.write_bytes(b"")
    with pytest.raises(CorruptCollectionError):
        verify_collection(collection)


@pytest.mark.parametrize(
    "damage", ["DELETE FROM file WHERE item_id = 1", "UPDATE item SET width_px = 9 WHERE id = 1"]
)
def test_a_catalogue_that_differs_from_the_segments_is_a_problem(collection, damage):
    with sqlite3.connect(collection / "catalogue.db") as database:
        assert database.execute(damage).rowcount > 0
    database.close()
    assert len(verify_collection(collection).problems) == 1


def test_no_collection_to_verify(tmp_path):
    with pytest.raises(CollectionMissingError):
        verify_collection(tmp_path)


@pytest.fixture
def captioned(photos, tmp_path):
    """Pictures with three captions each."""
    for path in sorted(photos.rglob("*.png")):
        path.with_suffix(".txt").write_text(f"one {path.stem}\ntwo {path.stem}\na picture\n")
    index(photos, tmp_path / "captioned")
    return tmp_path / "captioned"


def living(collection):
    """Base names of the pictures that are in, and of those that texts belong to."""
    with Collection.open(collection) as view:
        found = list(view.catalogue.files_under(b"/", view.generation))
    names = {"images": set(), "texts": set()}
    for each in found:
        names[gallery_of(each.item_id)].add(os.path.basename(each.file.path).decode())
    return names["images"], names["texts"]


@pytest.mark.parametrize("by_id", [False, True])
def test_captions_go_with_their_picture(captioned, photos, by_id):
    path = os.fsencode(photos / "b.png")
    with Collection.open(captioned) as view:
        picture = min(each.item_id for each in view.catalogue.files_at([path], view.generation))
    delete_items(captioned, [picture if by_id else path])
    images, texts = living(captioned)
    assert "b.png" not in images | texts
    assert images == texts


def test_a_folder_goes_with_its_pictures_and_their_captions(captioned, photos):
    delete_items(captioned, [os.fsencode(photos / "sub")])
    images, texts = living(captioned)
    assert images == texts == {"a.png", "b.png", "c.png", "copy of a.png"}


# -- delete ---------------------------------------------------------------------------------------


def test_an_item_goes_by_its_id_with_all_its_files(collection):
    item = files(collection)["a.png"].item_id
    assert delete_items(collection, [item]).n_items == 1
    assert set(files(collection)) == {"c.png", "d.png", "e.png"}


def test_an_item_goes_with_its_last_file(collection, photos):
    assert delete_items(collection, [os.fsencode(photos / "a.png")]).n_items == 0
    assert set(files(collection)) == {"copy of a.png", "c.png", "d.png", "e.png"}
    assert delete_items(collection, [os.fsencode(photos / "copy of a.png")]).n_items == 1


def test_a_folder_stands_for_every_file_below_it(collection, photos):
    assert delete_items(collection, [os.fsencode(photos / "sub")]).n_items == 2
    assert set(files(collection)) == {"a.png", "copy of a.png", "c.png"}


def test_ids_and_paths_together_count_each_item_once(collection, photos):
    wanted = [files(collection)["c.png"].item_id, os.fsencode(photos / "c.png")]
    assert delete_items(collection, wanted).n_items == 1


def test_deleting_nothing_changes_nothing(collection):
    before = newest_manifest(collection)[0].generation
    assert delete_items(collection, []).n_items == 0
    assert newest_manifest(collection)[0].generation == before


def test_a_filter_stands_for_every_picture_that_satisfies_it(collection, photos):
    by_folder = parse_filter(f"folder = '{photos / 'sub'}'")
    rehearsed = delete_items(collection, where=by_folder, dry_run=True)
    assert len(files(collection)) == 5
    assert delete_items(collection, where=by_folder) == rehearsed == Deleted(2, 2)
    assert set(files(collection)) == {"a.png", "copy of a.png", "c.png"}
    # One of its files satisfies it: the item goes with both.
    assert delete_items(collection, where=parse_filter("path ~ 'copy of'")) == Deleted(1, 2)
    assert set(files(collection)) == {"c.png"}


def test_a_filter_that_nothing_satisfies_deletes_nothing(collection):
    before = newest_manifest(collection)[0].generation
    assert delete_items(collection, where=parse_filter("width > 9000")) == Deleted(0, 0)
    assert newest_manifest(collection)[0].generation == before


def test_a_filter_narrows_what_is_named(collection, photos):
    known = files(collection)
    not_c = parse_filter("not path ~ '/c.png'")
    named = [known["c.png"].item_id, known["e.png"].item_id, os.fsencode(photos / "a.png")]
    assert delete_items(collection, named, where=not_c) == Deleted(1, 2)
    assert set(files(collection)) == {"c.png", "d.png", "copy of a.png"}, "one file of a's item"
    with pytest.raises(QueryError, match="none"):
        delete_items(collection, [os.fsencode(photos / "none.png")], where=not_c)
    assert delete_items(collection, [os.fsencode(photos)], where=not_c) == Deleted(2, 2)
    assert set(files(collection)) == {"c.png"}


@pytest.mark.parametrize("names_folder", [False, True])
def test_captions_go_with_the_pictures_of_a_filter_and_no_others(captioned, photos, names_folder):
    wanted = [os.fsencode(photos)] if names_folder else []
    delete_items(captioned, wanted, where=parse_filter("path ~ '/b.png' or path ~ '/sub/'"))
    images, texts = living(captioned)
    assert images == texts == {"a.png", "c.png", "copy of a.png"}


def test_a_caption_that_is_named_satisfies_no_filter_for_pictures(captioned):
    with Collection.open(captioned) as view:
        every = list(view.catalogue.files_under(b"/", view.generation))
    text = next(each.item_id for each in every if gallery_of(each.item_id) == "texts")
    assert delete_items(captioned, [text], where=parse_filter("width > 0")) == Deleted(0, 0)


def test_a_filter_deletes_alike_whatever_keeps_the_catalogue(tmp_path, catalogue_url):
    folder = new_collection(tmp_path / "c", *range(6), url=catalogue_url)
    where = parse_filter("path in (/photos/1.jpg, /photos/4.jpg) or path ~ '/5.'")
    change_tags(folder, "add", "keep", Wanted((ItemId(5),)), catalogue_url=catalogue_url)
    tagged = parse_filter("not tag = keep")
    assert delete_items(folder, where=where, catalogue_url=catalogue_url) == Deleted(3, 3)
    deleted = delete_items(
        folder, [ItemId(1), ItemId(3)], where=tagged, catalogue_url=catalogue_url
    )
    assert deleted == Deleted(2, 2)
    with Collection.open(folder, catalogue_url=catalogue_url) as view:
        left = view.catalogue.hydrate(list(range(1, 7)), view.generation)
    assert [record.files[0].name for record in left.values()] == ["3.jpg"]


def test_an_unknown_id_or_path_is_named_and_nothing_is_deleted(collection, photos):
    wanted = [os.fsencode(photos / "c.png"), os.fsencode(photos / "none.png"), 999]
    with pytest.raises(QueryError, match=r"none\.png.*|999"):
        delete_items(collection, wanted)
    assert len(files(collection)) == 5


def test_the_pictures_stay_on_disk_and_come_back_with_the_next_run(collection, photos):
    delete_items(collection, [os.fsencode(photos / "c.png")])
    assert (photos / "c.png").exists()
    assert index(photos, collection).added == 1


def test_no_collection_to_delete_from(tmp_path):
    with pytest.raises(CollectionMissingError):
        delete_items(tmp_path / "none", [1])
    assert not (tmp_path / "none").exists()


# -- destroy --------------------------------------------------------------------------------------


def test_a_destroyed_collection_leaves_no_trace_and_no_picture_is_touched(collection, photos):
    before = sorted(photos.rglob("*"))
    destroy_collection(collection)
    assert not collection.exists()
    assert sorted(photos.rglob("*")) == before


def test_files_of_somebody_else_stay(collection):
    (collection / "mine.txt").write_text("keep")
    destroy_collection(collection)
    assert [path.name for path in collection.iterdir()] == ["mine.txt"]


def test_a_damaged_collection_can_be_destroyed(collection):
    for path in collection.glob("manifest-*.json"):
        path.write_bytes(b"broken")
    destroy_collection(collection)
    assert not collection.exists()


def test_a_collection_in_use_is_not_destroyed(collection):
    with CollectionWriter.open(collection, None), pytest.raises(LockedError):
        destroy_collection(collection)
    assert verify_collection(collection).problems == ()


def test_what_is_no_collection_is_not_destroyed(tmp_path, photos):
    with pytest.raises(CollectionMissingError):
        destroy_collection(photos)
    assert (photos / "a.png").exists()


def rows_by_collection(url):
    """For the tables collection, item and file: the number of rows by the id of the collection."""
    import psycopg

    owners = ["id FROM collection", "collection_id FROM item", "collection_id FROM file"]
    with psycopg.connect(url) as database:
        return [Counter(database.execute(f"SELECT {owner}").fetchall()) for owner in owners]


@pytest.mark.postgres
def test_rows_in_a_shared_database_go_and_those_of_others_stay(tmp_path, postgres_server):
    kept = new_collection(tmp_path / "kept", 1, 2, 3, url=postgres_server)
    state, before = read_state(kept, postgres_server), rows_by_collection(postgres_server)
    gone = new_collection(tmp_path / "gone", 1, 2, url=postgres_server)
    both = rows_by_collection(postgres_server)
    added = [after - earlier for after, earlier in zip(both, before, strict=True)]
    assert [rows.total() for rows in added] == [1, 2, 2]
    destroy_collection(gone, catalogue_url=postgres_server)
    assert not gone.exists()
    assert rows_by_collection(postgres_server) == before
    assert read_state(kept, postgres_server) == state
    assert verify_collection(kept, catalogue_url=postgres_server).problems == ()
