"""Merging segments, dropping the dead, folding logs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.merge import MAX_LOGS
from indexer.writer import CollectionWriter
from retrieval.store.changes import PathChange, net_changes
from retrieval.store.manifest import IndexRecord, codebook_entry
from tests.collection_kit import (
    ENCODER,
    add,
    digest,
    item,
    put,
    read_state,
    ref,
    remove,
    state_of,
    vector,
    vectors,
)


@pytest.fixture
def writer(tmp_path):
    with CollectionWriter.open(tmp_path / "c", ENCODER) as writer:
        yield writer


def sizes(writer):
    return [segment.n_items for segment in writer.manifest.galleries["images"].segments]


def test_a_merge_changes_nothing_that_is_seen(writer):
    for numbers in ((1, 2), (3,), (4, 5, 6)):
        put(writer, *numbers)
    writer.commit(None, [], [add("/copy.jpg", 2)])
    before = state_of(writer.collection)
    writer.merge_small_segments(100)
    assert sizes(writer) == [6]
    assert state_of(writer.collection) == before
    assert read_state(writer.folder) == before
    (segment,) = writer.collection.gallery("images").segments
    assert segment.ids.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(segment.vectors.gather(np.array([3]))[0], vector(4), atol=1e-3)


def test_segments_more_than_half_full_are_left_alone(writer):
    put(writer, *range(3))
    put(writer, 10)
    put(writer, *range(20, 23))
    put(writer, 30, 31)
    writer.merge_small_segments(5)
    assert sizes(writer) == [3, 3, 3]
    (merged,) = [s for s in writer.collection.gallery("images").segments if 4 in s.ids]
    assert merged.ids.tolist() == [4, 8, 9], "ids ascend though segments lie between"


def test_many_small_commits_leave_few_segments(writer):
    for number in range(30):
        put(writer, number)
        writer.merge_small_segments(8)
        assert len(sizes(writer)) <= 2 * (number + 1) / 8 + 1
    assert sum(sizes(writer)) == 30


def test_the_dead_are_dropped_and_their_content_is_new_again(writer):
    put(writer, 1, 2)
    put(writer, 3)
    writer.commit(None, [], [add("/copy.jpg", 1)])
    writer.delete_items([1])
    generation = writer.merge_small_segments(100).generation
    view = writer.collection
    assert sizes(writer) == [2]
    assert view.gallery("images").tombstones.size == 0
    assert writer.manifest.galleries["images"].tombstones is None
    assert view.catalogue.items_by_sha256([digest(1)], generation) == {}
    assert writer.manifest.changes == (), "no log names an item that is gone"
    assert put(writer, 1).ids == (4,)


def test_a_segment_that_is_mostly_dead_is_rewritten_alone(writer):
    put(writer, 1, 2, 3)
    writer.delete_items([1])
    writer.merge_small_segments(4)
    assert sizes(writer) == [3]
    writer.delete_items([2])
    writer.merge_small_segments(4)
    assert sizes(writer) == [1]
    writer.delete_items([3])
    writer.merge_small_segments(4)
    assert sizes(writer) == []
    assert state_of(writer.collection).items == {}


def test_many_logs_are_folded_into_one(writer):
    put(writer, 1, 2)
    for number in range(MAX_LOGS):
        writer.commit(None, [], [add(f"/{number}.jpg", 1), remove(f"/{number - 1}.jpg", 1)])
    writer.merge_small_segments(1)
    assert len(writer.manifest.changes) == MAX_LOGS
    writer.commit(None, [], [remove("/photos/1.jpg", 1)])
    before = state_of(writer.collection)
    writer.merge_small_segments(1)
    assert len(writer.manifest.changes) == 1
    assert state_of(writer.collection) == before


def test_published_codes_never_change(writer):
    put(writer, 1, 2)
    put(writer, 3)
    record = IndexRecord("ivf1,pq1", codebook_entry("images", b"book"), (), 3, 0, 0.5)
    names = [segment.name for segment in writer.manifest.galleries["images"].segments]
    writer.publish_index("images", record, b"book", {names[0]: b"a"})
    writer.publish_codes("images", {names[1]: b"b"})
    writer.publish_codes("images", {names[1]: b"b"})
    short = record.codebook.short
    segments = writer.collection.gallery("images").segments
    assert [segment.read_codes(short) for segment in segments] == [b"a", b"b"]
    with pytest.raises(ValueError, match="other bytes"):
        writer.publish_codes("images", {names[1]: b"c"})


def test_codes_need_a_codebook_and_a_segment(writer):
    put(writer, 1)
    (segment,) = writer.manifest.galleries["images"].segments
    with pytest.raises(ValueError, match="no codebook"):
        writer.publish_codes("images", {segment.name: b"codes"})


def test_a_new_codebook_retires_the_codes_of_the_old_one(tmp_path):
    with CollectionWriter.open(tmp_path / "c", ENCODER) as writer:
        writer.commit(vectors([1]), [item(1)])
        (name,) = [segment.name for segment in writer.manifest.galleries["images"].segments]
        for book in (b"old", b"new"):
            entry = codebook_entry("images", book)
            record = IndexRecord("ivf1,pq1", entry, (), 1, 0, 0.5)
            writer.publish_index("images", record, book, {name: b"codes of " + book})
        (segment,) = writer.collection.gallery("images").segments
        assert segment.read_codes(codebook_entry("images", b"old").short) is None
        assert segment.read_codes(codebook_entry("images", b"new").short) == b"codes of new"
        put(writer, 2)
        writer.collect_garbage()
    assert len([*tmp_path.rglob("codes-*")]) == 1
    assert len([*tmp_path.rglob("codebook-*")]) == 1


CHANGES = st.lists(
    st.builds(
        PathChange,
        st.sampled_from(["add", "remove"]),
        st.builds(ref, st.sampled_from([b"/a", b"/b", b"/c"]), st.integers(0, 3)),
        st.integers(1, 3),
    )
)


def apply(changes, files):
    files = {item_id: dict(found) for item_id, found in files.items()}
    for change in changes:
        files[change.item_id].pop(change.file.path, None)
        if change.op == "add":
            files[change.item_id][change.file.path] = change.file.size_bytes
    return {item_id: list(found.items()) for item_id, found in files.items()}


@given(CHANGES)
def test_net_changes_lead_to_the_same_files_in_the_same_order(changes):
    born = {1: {b"/a": 9}, 2: {b"/b": 9, b"/c": 9}, 3: {}}
    net = net_changes(changes)
    assert apply(net, born) == apply(changes, born)
    assert len({(change.item_id, change.file.path) for change in net}) == len(net)
