"""A flipped bit or a cut-off end in any file is found, at the open or at the read."""

import shutil

import numpy as np
import pytest

from indexer.writer import CollectionWriter
from retrieval.errors import CatalogueError, CollectionError, CorruptCollectionError
from retrieval.store.collection import Collection
from retrieval.store.manifest import IndexRecord, codebook_entry, newest_manifest
from retrieval.store.segment import check_file
from tests.collection_kit import ENCODER, add, new_collection, put, read_state, state_of

KINDS = {
    "vectors": "galleries/images/segments/*/vectors.npy",
    "sums": "galleries/images/segments/*/vectors.sums",
    "ids": "galleries/images/segments/*/ids.npy",
    "rows": "galleries/images/segments/*/rows.jsonl",
    "codes": "galleries/images/segments/*/codes-*.lists",
    "codebook": "galleries/images/codebook-*.faiss",
    "tombstones": "galleries/images/tombstones-*.npy",
    "changes": "changes/*.jsonl",
}
READ_WHEN_REBUILDING = {"rows", "changes"}
N_FLIPS = 25


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A collection with a file of every kind, whose last generation is the only one."""
    folder = new_collection(tmp_path_factory.mktemp("sound") / "c", 1, 2, 3)
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 4, 5, roots=[b"/photos"])
        writer.delete_items([2])
        writer.commit(None, [], [add("/copy.jpg", 4)])
        record = IndexRecord("ivf1,pq1", codebook_entry("images", b"c" * 99), (), 5, 0, 0.5)
        segments = writer.manifest.galleries["images"].segments
        codes = {segment.name: b"codes of " + segment.name.encode() for segment in segments}
        writer.publish_index("images", record, b"c" * 99, codes)
        writer.collect_garbage()
    return folder


def read_everything(folder):
    """All that a reader can ask for."""
    with Collection.open(folder) as view:
        gallery = view.gallery("images")
        codebook = gallery.read_codebook()
        short = gallery.entry.index.codebook.short
        codes = [segment.codes_path(short).read_bytes() for segment in gallery.segments]
        return state_of(view), codebook, codes


def rebuild(folder):
    for path in folder.glob("catalogue.db*"):
        path.unlink()
    with CollectionWriter.open(folder, ENCODER):
        pass


def damages(size):
    """Ways to damage a file of this size: a bit flipped somewhere, or the end cut off."""
    rng = np.random.default_rng(size)
    for position in sorted({0, size - 1, *rng.integers(0, size, N_FLIPS).tolist()}):
        yield "flip", position, int(rng.integers(8))
    for length in sorted({0, 1, size // 2, size - 1}):
        yield "cut", length, 0


def damage(path, how, position, bit):
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[position] ^= 1 << bit
    else:
        del data[position:]
    path.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found_and_verify_finds_it_too(sound, tmp_path, kind):
    folder = shutil.copytree(sound, tmp_path / "c")
    read = rebuild if kind in READ_WHEN_REBUILDING else read_everything
    (path, *_) = sorted(folder.glob(KINDS[kind]))
    whole = path.read_bytes()
    manifest, _ = newest_manifest(folder)
    (entry,) = [each for each in manifest.files() if folder / each.name == path]
    for how in damages(len(whole)):
        damage(path, *how)
        with pytest.raises(CorruptCollectionError):
            read(folder)
        with pytest.raises(CorruptCollectionError):
            check_file(path, entry)
        path.write_bytes(whole)
    read(folder)
    path.unlink()
    with pytest.raises(CorruptCollectionError, match="missing"):
        read(folder)


def test_a_damaged_row_file_does_not_stop_readers_who_do_not_need_it(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    before = read_everything(folder)
    (path, *_) = folder.glob(KINDS["rows"])
    damage(path, "flip", 5, 1)
    assert read_everything(folder) == before


def test_a_damaged_manifest_is_never_taken_for_a_sound_one(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    newest = folder / "manifest-000000000006.json"
    whole = newest.read_bytes()
    assert read_state(folder).generation == 6
    for how in damages(len(whole)):
        damage(newest, *how)
        with Collection.open(folder) as view:
            assert view.generation == 5
            assert len(view.warnings) == 1
        newest.write_bytes(whole)
    for path in folder.glob("manifest-*.json"):
        damage(path, "flip", 30, 0)
    with pytest.raises(CorruptCollectionError, match=r"no manifest .* verifies \(2 tried\)"):
        Collection.open(folder)


def test_a_damaged_catalogue_is_an_error_or_makes_no_difference(sound, tmp_path):
    before = read_everything(sound)
    folder = shutil.copytree(sound, tmp_path / "c")
    path = folder / "catalogue.db"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    n_found = 0
    for position in rng.integers(0, len(whole), 150).tolist():
        damage(path, "flip", position, int(rng.integers(8)))
        try:
            found = read_everything(folder)
        except (CollectionError, AssertionError):  # the kit asserts that every living item has rows
            n_found += 1
        else:
            assert found == before
        for extra in folder.glob("catalogue.db-*"):
            extra.unlink()
        path.write_bytes(whole)
    assert n_found > 0


def test_a_catalogue_that_is_no_database_is_rebuilt_by_the_next_writer(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    before = read_everything(folder)
    (folder / "catalogue.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(CorruptCollectionError, match="not a database"):
        Collection.open(folder)
    with CollectionWriter.open(folder, ENCODER):
        pass
    assert read_everything(folder) == before


def test_a_reader_without_a_catalogue_says_what_to_do(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    (folder / "catalogue.db").unlink()
    with pytest.raises(CatalogueError) as caught:
        Collection.open(folder)
    assert "collection repair" in (caught.value.hint or "")
    assert not (folder / "catalogue.db").exists(), "a reader makes no catalogue"


def test_a_catalogue_that_is_behind_is_refused_by_readers_and_rebuilt_by_writers(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    old = (folder / "catalogue.db").read_bytes()
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 3)
        put(writer, 4)
    after = read_state(folder)
    (folder / "catalogue.db").write_bytes(old)
    with pytest.raises(CatalogueError, match="does not belong to generation 4"):
        Collection.open(folder)
    with CollectionWriter.open(folder, ENCODER):
        pass
    assert read_state(folder) == after
