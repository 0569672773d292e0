"""The writer, on SQLite and on a real PostgreSQL."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from indexer import durable
from indexer.writer import CollectionWriter, NewItem
from retrieval.errors import (
    CollectionError,
    CollectionMissingError,
    CorruptCollectionError,
    EncoderMismatchError,
    LockedError,
)
from retrieval.model import FIRST_ID, EncoderInfo, FileRef, ImageMeta
from retrieval.store.collection import Collection
from retrieval.store.manifest import manifest_path, manifest_paths
from tests.collection_kit import (
    DIM,
    ENCODER,
    add,
    digest,
    item,
    new_collection,
    put,
    read_state,
    remove,
    state_of,
    vector,
    vectors,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "photos.index"


@pytest.fixture
def writer(folder, catalogue_url):
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        yield writer


def paths_of(writer, item_id):
    view = writer.collection
    found = view.catalogue.hydrate([item_id], view.generation)
    return [file.path for file in found[item_id].files] if found else None


def test_a_new_collection_is_empty_and_open_to_readers(folder, writer, catalogue_url):
    assert writer.manifest.generation == 1
    with Collection.open(folder, catalogue_url=catalogue_url) as collection:
        assert collection.manifest == writer.manifest
        assert collection.gallery("images").n_items == 0
        assert collection.catalogue.counts(1).n_items == 0


def test_what_is_committed_is_what_readers_see(folder, writer, catalogue_url):
    first = put(writer, 1, 2, roots=[b"/photos"])
    second = writer.commit(
        vectors([3]), [item(3, "/photos/3.jpg", "/copy.jpg", captions=["a dog"])]
    )

    assert (first.generation, first.ids) == (2, (1, 2))
    assert (second.generation, second.ids) == (3, (3,))
    with Collection.open(folder, catalogue_url=catalogue_url) as collection:
        assert collection.generation == 3
        assert collection.manifest.roots == (b"/photos",)
        gallery = collection.gallery("images")
        assert [segment.ids.tolist() for segment in gallery.segments] == [[1, 2], [3]]
        np.testing.assert_allclose(gallery.gather([3, 1]), vectors([3, 1]), atol=1e-3)
        (record,) = collection.catalogue.hydrate([3], 3).values()
        assert record.sha256 == digest(3)
        assert record.meta == item(3).meta
        assert [file.path for file in record.files] == [b"/photos/3.jpg", b"/copy.jpg"]
        assert record.captions == ("a dog",)


def test_nothing_to_do_is_no_generation(writer):
    put(writer, 1, roots=[b"/photos"])
    assert writer.commit(None, [], roots=[b"/photos"]).generation == 2
    assert writer.commit(None, []).generation == 2
    assert writer.merge_small_segments(100).generation == 2
    assert writer.publish_codes("images", {}).generation == 2


def test_known_content_gets_no_second_vector(writer):
    (one,) = put(writer, 1).ids
    again = writer.commit(vectors([1, 2]), [item(1, "/elsewhere.jpg"), item(2)])
    assert again.ids == (one, 2)
    assert writer.manifest.galleries["images"].n_rows == 2
    assert paths_of(writer, one) == [b"/photos/1.jpg", b"/elsewhere.jpg"]


def test_equal_contents_of_one_commit_become_one_item(writer):
    commit = writer.commit(vectors([5, 5]), [item(5, "/a"), item(5, "/b")])
    assert commit.ids == (1, 1)
    assert paths_of(writer, 1) == [b"/a", b"/b"]


def test_a_rename_a_copy_and_a_touch_cost_no_vector(writer):
    (one,) = put(writer, 1).ids
    writer.commit(None, [], [remove("/photos/1.jpg", one), add("/renamed.jpg", one)])
    assert paths_of(writer, one) == [b"/renamed.jpg"]
    writer.commit(None, [], [add("/copy.jpg", one)])
    assert paths_of(writer, one) == [b"/renamed.jpg", b"/copy.jpg"]
    writer.commit(None, [], [add("/renamed.jpg", one, mtime_ns=5)])
    view = writer.collection
    touched = view.catalogue.find_path(b"/renamed.jpg", view.generation)
    assert touched is not None
    assert touched.file.mtime_ns == 5
    assert view.catalogue.counts(view.generation).n_files == 2
    assert writer.manifest.galleries["images"].n_rows == 1


def test_an_item_lives_as_long_as_a_file_of_it(writer):
    put(writer, 1, 2)
    writer.commit(None, [], [add("/copy.jpg", 1), remove("/photos/1.jpg", 1)])
    assert writer.manifest.galleries["images"].n_items == 2
    writer.commit(None, [], [remove("/copy.jpg", 1)])
    gallery = writer.collection.gallery("images")
    assert gallery.tombstones.tolist() == [1]
    assert gallery.n_items == 1
    assert paths_of(writer, 1) is None


def test_a_file_brings_a_tombstoned_item_back(writer):
    put(writer, 1, 2)
    writer.delete_items([1])
    view = writer.collection
    assert view.catalogue.items_by_sha256([digest(1)], view.generation) == {digest(1): 1}
    writer.commit(None, [], [add("/back.jpg", 1)])
    assert writer.collection.gallery("images").tombstones.tolist() == []
    assert writer.manifest.galleries["images"].tombstones is None
    assert paths_of(writer, 1) == [b"/back.jpg"]


def test_deleting_what_is_not_alive_does_nothing(writer):
    put(writer, 1)
    generation = writer.delete_items([1]).generation
    assert writer.delete_items([1, 99]).generation == generation


def test_a_path_holds_one_picture_at_a_time(writer):
    put(writer, 1, 2)
    commit = writer.commit(vectors([3]), [item(3, "/photos/1.jpg")])  # overwritten on disk
    assert commit.ids == (3,)
    assert writer.collection.gallery("images").tombstones.tolist() == [1]
    writer.commit(None, [], [add("/photos/2.jpg", 1)])  # and 1 comes back, where 2 was
    assert writer.collection.gallery("images").tombstones.tolist() == [2]
    view = writer.collection
    found = view.catalogue.find_path(b"/photos/2.jpg", view.generation)
    assert found is not None
    assert (found.item_id, found.sha256) == (1, digest(1))


def test_the_last_change_of_a_path_counts(writer):
    put(writer, 1)
    writer.commit(
        None, [], [add("/x", 1), remove("/x", 1), add("/y", 1), remove("/photos/1.jpg", 1)]
    )
    assert paths_of(writer, 1) == [b"/y"]


@pytest.mark.parametrize(
    ("rows", "items", "changes", "what"),
    [
        (vectors([1]), [], [], "shape"),
        (np.ones((1, DIM + 1), np.float32), [item(1)], [], "shape"),
        (2 * vectors([1]), [item(1)], [], "norm 1"),
        (np.full((1, DIM), np.nan, np.float32), [item(1)], [], "norm 1"),
        (vectors([1]), [NewItem(digest(1), item(1).meta, ())], [], "no file"),
        (None, [], [add("/x", 7)], "no items"),
        (None, [], [remove("/x", 7)], "no items"),
        (vectors([1, 2]), [item(1, "/x"), item(2, "/x")], [], "both claim"),
    ],
)
def test_a_wrong_call_changes_nothing_and_the_writer_goes_on(tmp_path, rows, items, changes, what):
    with CollectionWriter.open(tmp_path / "c", ENCODER) as writer:
        with pytest.raises(ValueError, match=what):
            writer.commit(rows, items, changes)
        assert writer.manifest.generation == 1
        assert put(writer, 1).generation == 2


def test_names_and_texts_of_any_kind_survive(folder, writer, catalogue_url):
    odd = [b"/new\nline.jpg", "/grün 🐕.jpg".encode(), b"/latin-\xe9\xff.jpg", b"/\\"]
    meta = ImageMeta("JPEG", 1, 1, camera="Canon\0", latitude=float("nan"))
    files = tuple(FileRef(path, 1, 2**64) for path in odd)
    writer.commit(vectors([1]), [NewItem(digest(1), meta, files, ("lone \ud800, NUL \0",))])
    writer.commit(None, [], [add(b"/\xff", 1)])

    (record,) = writer.collection.catalogue.hydrate([1], 3).values()
    assert [file.path for file in record.files] == [*odd, b"/\xff"]
    assert record.files[0].mtime_ns == 2**63 - 1  # 64 bits are what SQL has
    assert record.meta.camera == "Canon\ufffd"
    assert record.meta.latitude is None
    assert record.captions == ("lone \ufffd, NUL \ufffd",)
    (born,) = writer.collection.gallery("images").segments[0].records()
    assert born.files == record.files[:-1]
    assert (born.meta, born.captions) == (record.meta, record.captions)


def test_texts_count_in_a_range_of_their_own(writer):
    put(writer, 1)
    commit = writer.commit(
        vectors([2, 3]), [item(2, "/pairs.tsv"), item(3, "/pairs.tsv")], gallery="texts"
    )
    first = FIRST_ID["texts"]
    assert commit.ids == (first, first + 1)  # one file may hold many texts
    assert paths_of(writer, first) == [b"/pairs.tsv"]
    writer.delete_items([first])
    assert writer.collection.gallery("texts").tombstones.tolist() == [first]
    assert writer.collection.gallery("images").tombstones.tolist() == []
    assert put(writer, 4).ids == (2,)


def test_ids_are_never_used_twice(folder, catalogue_url):
    new_collection(folder, 1, 2, url=catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        writer.delete_items([1, 2])
        writer.merge_small_segments(100)
        writer.collect_garbage()
        assert writer.manifest.galleries["images"].segments == ()
        assert put(writer, 1).ids == (3,)


def test_two_collections_share_a_database(tmp_path, catalogue_url):
    new_collection(tmp_path / "a", 1, 2, url=catalogue_url)
    new_collection(tmp_path / "b", 3, url=catalogue_url)
    assert len(read_state(tmp_path / "a", catalogue_url).items) == 2
    assert [sha for sha, _, _ in read_state(tmp_path / "b", catalogue_url).items.values()] == [
        digest(3)
    ]


def test_a_second_writer_is_refused_and_the_lock_is_given_back(folder, writer, catalogue_url):
    with pytest.raises(LockedError, match="another process"):
        CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url)
    writer.close()
    CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url).close()


def test_a_writer_in_another_process_is_refused_too(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    script = (
        "import sys; from pathlib import Path\n"
        "from indexer.writer import CollectionWriter\n"
        "from retrieval.errors import LockedError\n"
        "try: CollectionWriter.open(Path(sys.argv[1]), None)\n"
        "except LockedError: sys.exit(5)\n"
    )
    with CollectionWriter.open(folder, None):
        done = subprocess.run([sys.executable, "-c", script, folder], timeout=60, check=False)
    assert done.returncode == 5


def test_another_encoder_is_refused(folder, writer, catalogue_url):
    put(writer, 1)
    writer.close()
    other = EncoderInfo("other", DIM, "0" * 64)
    with pytest.raises(EncoderMismatchError, match=r"geometry \(f+\).*other \(0+\)"):
        CollectionWriter.open(folder, other, catalogue_url=catalogue_url)
    CollectionWriter.open(folder, None, catalogue_url=catalogue_url).close()


def test_where_there_is_no_collection_only_an_encoder_makes_one(tmp_path):
    with pytest.raises(CollectionMissingError):
        CollectionWriter.open(tmp_path / "none", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CollectionMissingError):
        CollectionWriter.open(tmp_path / "empty", None)
    assert not (tmp_path / "none").exists()


def test_a_folder_of_other_things_is_no_place_for_a_collection(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(CollectionError, match=r"holiday\.jpg"):
        CollectionWriter.open(tmp_path, ENCODER)
    assert sorted(os.listdir(tmp_path)) == ["LOCK", "holiday.jpg"]


def test_lost_manifests_are_not_taken_for_a_new_collection(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    for path in manifest_paths(folder).values():
        path.unlink()
    with pytest.raises(CorruptCollectionError, match="no manifest"):
        CollectionWriter.open(folder, ENCODER)


def test_after_a_failed_commit_a_new_writer_goes_on(folder, catalogue_url, monkeypatch):
    new_collection(folder, 1, url=catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(durable, "publish_file", fail_with(OSError(28, "No space left")))
            with pytest.raises(OSError, match="No space"):
                put(writer, 2)
        with pytest.raises(CollectionError, match="earlier commit"):
            put(writer, 2)
    assert len(read_state(folder, catalogue_url).items) == 1
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        assert put(writer, 2).ids == (2,)
    assert len(read_state(folder, catalogue_url).items) == 2


def fail_with(error):
    def fail(*_):
        raise error

    return fail


def test_a_manifest_that_appears_by_itself_is_a_loud_error(folder, writer):
    manifest_path(folder, 2).write_bytes(b"somebody else's")
    with pytest.raises(CollectionError, match="another writer"):
        put(writer, 1)


def test_a_damaged_newest_manifest_is_passed_over_and_its_number_not_used_again(
    folder, catalogue_url, caplog
):
    new_collection(folder, 1, url=catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        put(writer, 2)
    newest = manifest_path(folder, 3)
    newest.write_bytes(newest.read_bytes().replace(b"galleries", b"gAlleries", 1))

    with Collection.open(folder, catalogue_url=catalogue_url) as collection:
        assert collection.generation == 2
        assert "manifest-000000000003.json is damaged" in collection.warnings[0]
        assert list(state_of(collection).items) == [1]
    caplog.set_level(logging.WARNING)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        assert "is damaged" in caplog.text
        with pytest.raises(CorruptCollectionError, match="nothing is deleted"):
            writer.collect_garbage()
        assert put(writer, 2).generation == 4
        writer.collect_garbage()
    assert list(manifest_paths(folder)) == [4, 2]
    state = read_state(folder, catalogue_url)
    assert [sha for sha, _, _ in state.items.values()] == [digest(1), digest(2)]


def test_a_reader_keeps_its_generation_while_a_writer_goes_on(folder, writer, catalogue_url):
    put(writer, 1, 2)
    with Collection.open(folder, catalogue_url=catalogue_url) as reader:
        before = state_of(reader)
        writer.commit(vectors([3]), [item(3)], [remove("/photos/1.jpg", 1)])
        writer.merge_small_segments(100)
        assert state_of(reader) == before
        assert reader.generation == 2
        assert not reader.is_newest()


@pytest.mark.postgres
def test_a_catalogue_can_move_and_is_rebuilt_where_it_goes(tmp_path, postgres_server):
    folder = new_collection(tmp_path / "c", 1, 2)
    before = read_state(folder)
    with CollectionWriter.open(folder, None, catalogue_url=postgres_server) as writer:
        writer.commit(None, [], [add("/copy.jpg", 1)])
    manifest = next(iter(manifest_paths(folder).values())).read_text()
    assert '"kind": "postgresql"' in manifest
    assert "secret" not in manifest
    after = read_state(folder, postgres_server)
    assert after.vectors == before.vectors
    assert b"/copy.jpg" in after.items[1][1]


def test_vectors_are_kept_as_float16_unit_rows(writer):
    put(writer, 1)
    row = writer.collection.gallery("images").segments[0].vectors.gather(np.array([0]))[0]
    np.testing.assert_array_equal(row, vector(1).astype(np.float16).astype(np.float32))
