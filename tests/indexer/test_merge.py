"""Merging segments, dropping the dead, folding logs."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.merge import FAN, MAX_LOGS, _due, _Sized, _tier, merged_pieces, merged_shape
from indexer.writer import CollectionWriter
from retrieval.errors import CorruptCollectionError
from retrieval.store.changes import PathChange, net_changes
from retrieval.store.manifest import IndexRecord, codebook_entry
from tests.collection_kit import (
    DIM,
    ENCODER,
    add,
    digest,
    item,
    put,
    read_state,
    ref,
    remove,
    state_of,
    text_item,
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


def test_the_ids_of_merged_segments_may_interleave(writer):
    """Out of order on purpose: one segment's ids lie around another's, its last item is dead."""
    put(writer, *range(1, 7))
    put(writer, *range(11, 14))
    put(writer, 21)
    writer.delete_items([3, 6, 8])
    before = state_of(writer.collection)
    first, second, third = writer.collection.gallery("images").segments
    dead = writer.collection.gallery("images").tombstones
    for group in ((third, first, second), (second, third, first)):
        assert merged_shape(group, dead) == (7, DIM)
        pieces = list(merged_pieces(group, dead))
        assert np.concatenate([piece.ids for piece in pieces]).tolist() == [1, 2, 4, 5, 7, 9, 10]
    writer.compact(100)
    assert state_of(writer.collection) == before


def test_a_merged_segment_is_the_one_that_would_have_been_written_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.writer._now", lambda: "2024-05-01T12:00:00")
    with CollectionWriter.open(tmp_path / "whole", ENCODER) as writer:
        put(writer, *range(1, 10))
        (whole,) = writer.manifest.galleries["images"].segments
    with CollectionWriter.open(tmp_path / "parts", ENCODER) as writer:
        for part in ((1, 2), (3, 4, 5, 6), (7,), (8, 9)):
            put(writer, *part)
        writer.merge_small_segments(100)
        assert writer.manifest.galleries["images"].segments == (whole,)


def test_damage_stops_a_merge_before_anything_is_written(writer):
    put(writer, 1, 2)
    put(writer, 3)
    path = next(writer.folder.glob("galleries/images/segments/*/rows.jsonl"))
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    before = {each.name for each in writer.folder.rglob("*")}
    with pytest.raises(CorruptCollectionError):
        writer.merge_small_segments(100)
    assert {each.name for each in writer.folder.rglob("*")} == before
    assert put(writer, 4).ids == (4,), "the writer goes on"


def tiers(writer, base):
    """Segments of each tier, and the items in them."""
    found = {}
    for size in sizes(writer):
        found.setdefault(sum(size > end * base for end in (0.5, 4, 32, 128)), []).append(size)
    return found


def test_segments_grow_in_tiers(writer):
    """Base 2: tiers end at 1, 8, 64 and 256 items."""
    n = 0
    for _ in range(150):
        put(writer, n, n + 1)
        n += 2
        writer.merge_small_segments(2)
        assert all(len(each) < FAN for tier, each in tiers(writer, 2).items() if 0 < tier < 4)
        assert sum(sizes(writer)) == n
    assert tiers(writer, 2) == {1: [2] * 6, 2: [16] * 2, 3: [128] * 2}


def test_no_item_is_written_more_than_four_times(writer):
    """As many bases as lead through every tier, in runs of one full segment each."""
    written, known = {}, set()
    for number in range(600):
        put(writer, number)
        writer.merge_small_segments(1)
        for segment in writer.collection.gallery("images").segments:
            if segment.name not in known:
                known.add(segment.name)
                for item_id in segment.ids.tolist():
                    written[item_id] = written.get(item_id, 0) + 1
    assert max(written.values()) <= 4
    assert len(sizes(writer)) <= 3 * (FAN - 1) + 600 / 128


def test_what_one_run_brings_becomes_as_few_segments_as_hold_it(writer):
    for start in range(0, 600, 2):
        put(writer, start, start + 1)
    writer.merge_small_segments(2)
    assert sizes(writer) == [512, 88], "TOP * 2, and the rest"


@settings(max_examples=200)
@given(st.lists(st.integers(1, 400), max_size=40), st.integers(1, 20))
def test_a_merge_leads_up_or_stays_small_and_a_second_one_finds_nothing(alive, base):
    def plan(alive):
        starts = np.cumsum([0, *alive]).tolist()
        spans = pairwise(starts)
        return _due([_Sized(Stub(str(s), np.arange(s, e)), e - s, 0) for s, e in spans], base, 999)

    groups = plan(alive)
    names = [each.segment.name for group in groups for each in group]
    assert len(set(names)) == len(names)
    after = list(alive)
    for group in groups:
        total = sum(each.n_alive for each in group)
        largest = max(_tier(each.n_alive, base) for each in group)
        assert total <= 999
        assert _tier(total, base) > largest or largest == 0
        for each in group:
            after.remove(each.n_alive)
        after.append(total)
    while again := plan(after):  # what went up may be the eighth of its tier
        for group in again:
            for each in group:
                after.remove(each.n_alive)
            after.append(sum(each.n_alive for each in group))
    assert sum(after) == sum(alive)


@dataclass
class Stub:
    name: str
    ids: np.ndarray


# -- compaction -----------------------------------------------------------------------------------


def test_compaction_leaves_as_few_segments_as_can_be_and_nothing_dead(writer):
    for numbers in ((1, 2, 3), (4,), (5, 6), (7,)):
        put(writer, *numbers)
    writer.commit(None, [], [add("/copy.jpg", 2)])
    writer.commit(None, [], [add("/other.jpg", 4)])
    writer.delete_items([1, 7])
    before = state_of(writer.collection)
    writer.compact(4)
    assert sorted(sizes(writer)) == [2, 3]
    assert writer.manifest.galleries["images"].n_tombstones == 0
    assert len(writer.manifest.changes) == 1
    assert state_of(writer.collection) == before
    generation = writer.manifest.generation
    assert writer.compact(4).generation == generation, "a second time there is nothing to do"
    with pytest.raises(ValueError, match="most_items"):
        writer.compact(0)


def test_compaction_of_the_dead_alone_leaves_nothing(writer):
    put(writer, 1, 2)
    writer.delete_items([1, 2])
    writer.compact(100)
    assert sizes(writer) == []
    assert put(writer, 1).ids == (3,), "an id is never used twice"


def test_both_galleries_are_compacted(writer):
    put(writer, 1)
    put(writer, 2)
    for number in (3, 4):
        text = text_item(number, "/photos/1.jpg", "/photos/1.txt")
        writer.commit(vectors([number]), [text], gallery="texts")
    before = state_of(writer.collection)
    writer.compact(100)
    assert [len(each.segments) for each in writer.manifest.galleries.values()] == [1, 1]
    assert state_of(writer.collection) == before


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
    assert [segment.codes_path(short).read_bytes() for segment in segments] == [b"a", b"b"]
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
        assert segment.codes_path(codebook_entry("images", b"old").short) is None
        assert (
            segment.codes_path(codebook_entry("images", b"new").short).read_bytes()
            == b"codes of new"
        )
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
