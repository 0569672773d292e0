"""An open collection: a view of one generation, found from anywhere below its folder."""

import threading

import numpy as np
import pytest

from indexer.recover import load_or_create
from indexer.writer import CollectionWriter
from retrieval.errors import CollectionMissingError, CorruptCollectionError
from retrieval.store.collection import Collection, find_collection
from retrieval.store.manifest import SegmentEntry
from retrieval.store.segment import Segment
from tests.collection_kit import ENCODER, add, new_collection, put, state_of, vectors


def test_a_collection_is_found_upward_as_git_finds_its_own(tmp_path):
    inner = tmp_path / "photos" / "2024" / "spring"
    inner.mkdir(parents=True)
    assert find_collection(inner) is None
    (tmp_path / "photos" / ".polyseek").mkdir()
    assert find_collection(inner) == tmp_path / "photos" / ".polyseek"
    (inner / ".polyseek").mkdir()
    assert find_collection(inner) == inner / ".polyseek"
    (tmp_path / "2025").mkdir()
    (tmp_path / "2025" / ".polyseek").touch()
    assert find_collection(tmp_path / "2025") is None, "a file of that name is no collection"


def test_what_is_not_there_is_missing(tmp_path):
    with pytest.raises(CollectionMissingError) as caught:
        Collection.open(tmp_path / "none")
    assert "polyseek index" in (caught.value.hint or "")
    assert not (tmp_path / "none").exists()


def test_a_collection_whose_maker_died_at_once_is_an_empty_one(tmp_path, catalogue_url):
    load_or_create(tmp_path, ENCODER, catalogue_url)  # what a writer does before anything else
    with Collection.open(tmp_path, catalogue_url=catalogue_url) as collection:
        assert collection.generation == 1
        assert collection.gallery("images").n_items == 0
        assert collection.catalogue.counts(1).n_items == 0
        assert list(collection.catalogue.files_under(b"/", 1)) == []


def test_a_gallery_gives_vectors_by_id_across_segments(tmp_path):
    folder = tmp_path / "c"
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 1, 2)
        put(writer, 3)
    with Collection.open(folder) as view:
        gallery = view.gallery("images")
        np.testing.assert_allclose(gallery.gather([3, 1, 3]), vectors([3, 1, 3]), atol=1e-3)
        assert gallery.gather(np.empty(0, np.int64)).shape == (0, ENCODER.dim)
        with pytest.raises(KeyError, match=r"no item \[9\]"):
            gallery.gather([1, 9])


def test_a_gallery_that_nothing_was_put_in_is_empty(tmp_path):
    with Collection.open(new_collection(tmp_path / "c")) as view:
        gallery = view.gallery("texts")
        assert (gallery.n_items, gallery.segments, gallery.tombstones.size) == (0, (), 0)
        assert gallery.codebook_path is None
        assert gallery.read_codebook() is None
        assert gallery.gather([]).shape[0] == 0


def test_arrays_of_a_view_cannot_be_written(tmp_path):
    with Collection.open(new_collection(tmp_path / "c", 1)) as view:
        (segment,) = view.gallery("images").segments
        with pytest.raises(ValueError, match="read-only"):
            segment.ids[0] = 7
        assert not view.gallery("images").tombstones.flags.writeable


def test_segments_that_stay_are_not_opened_again(tmp_path, monkeypatch):
    with CollectionWriter.open(tmp_path / "c", ENCODER) as writer:
        put(writer, 1)
        (first,) = writer.collection.gallery("images").segments
        opened = []
        real = Segment.open
        monkeypatch.setattr(Segment, "open", lambda *args: opened.append(1) or real(*args))
        put(writer, 2)
        assert writer.collection.gallery("images").segments[0].vectors is first.vectors
        assert len(opened) == 1


def test_a_segment_that_contradicts_itself_is_refused(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    with Collection.open(folder) as view:
        entry = view.gallery("images").segments[0].entry
    with pytest.raises(CorruptCollectionError, match="for 3 items"):
        Segment.open(folder, SegmentEntry(entry.name, 3, entry.files))
    with pytest.raises(CorruptCollectionError, match=r"lists no ids\.npy"):
        Segment.open(folder, SegmentEntry(entry.name, 2, entry.files[:1]))


def test_every_reader_sees_one_whole_generation_while_a_writer_works(tmp_path, catalogue_url):
    """The writer makes generation g hold g items with two files each, then reads are compared."""
    folder = tmp_path / "c"
    new_collection(folder, 1, 2, url=catalogue_url)
    problems, n_reads, done = [], [], threading.Event()

    def read():
        while not done.is_set():
            try:
                with Collection.open(folder, catalogue_url=catalogue_url) as view:
                    state = state_of(view)
                    if len(state.items) != expected[view.generation]:
                        problems.append((view.generation, len(state.items)))
                    n_reads.append(1)
            except Exception as error:  # noqa: BLE001 - reported by the test itself
                problems.append(error)

    expected = {2: 2}
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        for number in range(3, 25):
            generation = writer.manifest.generation
            expected[generation + 1] = expected[generation] + 1
            put(writer, number)
            expected[generation + 2] = expected[generation + 1]
            writer.commit(None, [], [add(f"/copy-{number}", number)])
            if number % 5 == 0:
                expected[generation + 3] = expected[generation + 2]
                writer.merge_small_segments(64)
                writer.collect_garbage()
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert len(n_reads) > 2
