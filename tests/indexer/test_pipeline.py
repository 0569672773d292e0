"""From files to commits: what a file counts as, when segments close, what Ctrl-C costs."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.decode import Picture, ReadFile
from indexer.embed import EmbeddedBatch
from indexer.ledger import Ledger
from indexer.pipeline import Pace, Pipeline
from indexer.readers.base import Skip
from indexer.scan import Changes
from retrieval.model import FileRef, ImageMeta, ItemId
from retrieval.store.row_values import KnownFile

META = ImageMeta("JPEG", 4, 3)
BAD = b"undecodable"
ODD = b"cannot be embedded"


def sha(content):
    return content.hex()


class Disk:
    """Files by path; `version` stands for size and time."""

    def __init__(self, **contents):
        self.files = {name.encode(): content for name, content in contents.items()}

    def refs(self, version=1):
        return [FileRef(path, version, version) for path in sorted(self.files)]

    def read(self, file):
        content = self.files[file.path]
        if content == BAD:
            return Skip(file.path, "truncated")
        return ReadFile(file, sha(content), Picture(META, np.frombuffer(content, np.uint8)))


class Collected:
    """A target that remembers: items by content, files by path, and every commit."""

    def __init__(self, elsewhere=()):
        self.items = {sha(content): ItemId(900 + i) for i, content in enumerate(elsewhere)}
        self.files = {}
        self.commits = []
        self.batches = []

    def find_items(self, sha256):
        return {each: self.items[each] for each in sha256 if each in self.items}

    def embed(self, pixels):
        self.batches.append(len(pixels))
        good = [i for i, each in enumerate(pixels) if each.tobytes() != ODD]
        bad = set(range(len(pixels))) - set(good)
        vectors = np.array([[len(pixels[i])] for i in good], dtype=np.float32).reshape(-1, 1)
        return EmbeddedBatch(tuple(good), vectors, dict.fromkeys(bad, "cannot encode: ValueError"))

    def commit(self, vectors, items, changes):
        assert len(items) == 0 or len(vectors) == len(items)
        ids = [ItemId(len(self.items) + 1 + i) for i in range(len(items))]
        for item, item_id in zip(items, ids, strict=True):
            assert item.sha256 not in self.items, "one content, one item"
            self.items[item.sha256] = item_id
            for file in item.files:
                self.files[(file.path, item_id)] = file
        for change in changes:
            key = (change.file.path, change.item_id)
            if change.op == "add":
                self.files[key] = change.file
            else:
                del self.files[key]
        self.commits.append((len(items), len(changes)))
        return ids

    def by_path(self):
        """Content by path; fails if a path has two items."""
        contents = {item_id: content for content, item_id in self.items.items()}
        paths = [path for path, _ in self.files]
        assert len(paths) == len(set(paths))
        return {path: contents[item_id] for path, item_id in self.files}


def changes_between(target, disk, version):
    """The plan that a scan would make."""
    contents = {item_id: content for content, item_id in target.items.items()}
    known = {
        path: KnownFile(file, item_id, contents[item_id])
        for (path, item_id), file in target.files.items()
    }
    refs = {file.path: file for file in disk.refs(version)}
    return Changes(
        to_read=tuple(refs.values()),
        unchanged=0,
        earlier={path: known[path] for path in refs if path in known},
        gone=tuple(entry for path, entry in sorted(known.items()) if path not in refs),
        contents={entry.sha256: entry.item_id for entry in known.values()},
        skips=(),
        readers={},
    )


def run(disk, target=None, version=1, on_progress=None, **pace):
    target = target if target is not None else Collected()
    changes = changes_between(target, disk, version)
    ledger = Ledger(changes)
    pace = {"batch_size": 2, "workers": 2, "segment_items": 100, "segment_seconds": 1e9} | pace
    Pipeline(ledger, target, Pace(**pace), on_progress).run(disk.read, changes.to_read)
    return ledger.tally, target


def counts(tally):
    return (
        tally.added, tally.updated, tally.moved, tally.removed, tally.unchanged, len(tally.skipped),
    )  # fmt: skip


def test_new_files_are_added_with_one_item_for_each_content():
    tally, target = run(Disk(a=b"1", b=b"2", c=b"1", d=b"3"))
    assert counts(tally) == (4, 0, 0, 0, 0, 0)
    assert len(target.items) == 3
    assert target.by_path() == {b"a": sha(b"1"), b"b": sha(b"2"), b"c": sha(b"1"), b"d": sha(b"3")}


def test_equal_files_in_different_batches_and_segments_share_the_item():
    names = "abcdefgh"
    disk = Disk(**{name: b"same" if name in "aceh" else name.encode() for name in names})
    for segment_items in (1, 2, 3, 100):
        tally, target = run(disk, segment_items=segment_items)
        assert counts(tally) == (8, 0, 0, 0, 0, 0)
        assert len(target.items) == 5


def test_a_touched_file_is_unchanged_and_its_new_time_is_recorded():
    disk = Disk(a=b"1", b=b"2")
    _, target = run(disk)
    tally, _ = run(disk, target, version=2)
    assert counts(tally) == (0, 0, 0, 0, 2, 0)
    assert {file.mtime_ns for file in target.files.values()} == {2}
    assert sum(target.batches) == 2


def test_new_content_under_a_known_path_is_an_update():
    _, target = run(Disk(a=b"1", b=b"2"))
    tally, _ = run(Disk(a=b"9", b=b"2"), target, version=2)
    assert counts(tally) == (0, 1, 0, 0, 1, 0)
    assert target.by_path() == {b"a": sha(b"9"), b"b": sha(b"2")}


def test_a_renamed_file_is_moved_and_a_copy_is_added_and_neither_is_embedded():
    _, target = run(Disk(a=b"1", b=b"2"))
    tally, _ = run(Disk(z=b"1", b=b"2", copy=b"2"), target, version=2)
    assert counts(tally) == (1, 0, 1, 0, 1, 0)
    assert sum(target.batches) == 2
    assert set(target.by_path()) == {b"z", b"b", b"copy"}


def test_one_departed_file_explains_one_arrival():
    _, target = run(Disk(a=b"1"))
    tally, _ = run(Disk(x=b"1", y=b"1"), target, version=2)
    assert counts(tally) == (1, 0, 1, 0, 0, 0)


def test_two_files_that_swap_contents_are_both_updated():
    for segment_items in (1, 100):
        _, target = run(Disk(a=b"1", b=b"2"))
        tally, _ = run(Disk(a=b"2", b=b"1"), target, version=2, segment_items=segment_items)
        assert counts(tally) == (0, 2, 0, 0, 0, 0)
        assert target.by_path() == {b"a": sha(b"2"), b"b": sha(b"1")}


def test_what_is_gone_is_removed_in_the_last_commit():
    _, target = run(Disk(a=b"1", b=b"2", c=b"3"))
    tally, _ = run(Disk(b=b"2", d=b"4"), target, version=2)
    assert counts(tally) == (1, 0, 0, 2, 1, 0)
    assert set(target.by_path()) == {b"b", b"d"}


def test_content_that_lies_under_another_root_is_not_embedded_again():
    tally, target = run(Disk(a=b"far", b=b"new"), Collected(elsewhere=[b"far"]))
    assert counts(tally) == (2, 0, 0, 0, 0, 0)
    assert target.batches == [1]
    assert target.by_path()[b"a"] == sha(b"far")


def test_what_cannot_be_decoded_or_embedded_is_skipped_with_its_equals():
    tally, target = run(Disk(a=b"1", b=BAD, c=ODD, d=ODD, e=b"2"), batch_size=8)
    assert counts(tally) == (2, 0, 0, 0, 0, 3)
    assert sorted((skip.path, skip.reason) for skip in tally.skipped) == [
        (b"b", "truncated"),
        (b"c", "cannot encode: ValueError"),
        (b"d", "cannot encode: ValueError"),
    ]
    assert set(target.by_path()) == {b"a", b"e"}


@pytest.mark.parametrize("broken", [BAD, ODD])
def test_a_file_that_becomes_unusable_keeps_its_earlier_version(broken):
    _, target = run(Disk(a=b"1", b=b"2"))
    tally, _ = run(Disk(a=broken, b=b"2"), target, version=2)
    assert counts(tally) == (0, 0, 0, 0, 1, 1)
    assert target.by_path() == {b"a": sha(b"1"), b"b": sha(b"2")}


def test_nothing_to_do_commits_nothing():
    tally, target = run(Disk())
    assert counts(tally) == (0, 0, 0, 0, 0, 0)
    assert target.commits == []


def test_a_segment_closes_at_its_number_of_items():
    disk = Disk(**{f"f{i:02}": bytes([i]) for i in range(10)})
    _, target = run(disk, segment_items=4, batch_size=3)
    assert target.commits == [(4, 0), (4, 0), (2, 0)]


def test_a_segment_closes_at_its_age():
    disk = Disk(**{f"f{i:02}": bytes([i]) for i in range(3)})
    _, target = run(disk, segment_seconds=0.0)
    assert target.commits == [(1, 0)] * 3


def test_path_changes_fill_a_segment_too():
    disk = Disk(**{f"f{i:02}": bytes([i]) for i in range(10)})
    _, target = run(disk)
    target.commits.clear()
    run(disk, target, version=2, segment_items=5)
    assert target.commits == [(0, 5), (0, 5)]


def test_batches_have_the_size_asked_for():
    disk = Disk(**{f"f{i:02}": bytes([i]) for i in range(7)})
    assert run(disk, batch_size=3)[1].batches == [3, 3, 1]


def test_progress_counts_up_to_the_total_and_commits_follow():
    seen = []
    disk = Disk(a=b"1", b=BAD, c=b"3", d=b"4", e=b"5")
    run(disk, on_progress=seen.append, segment_items=2)
    last = seen[-1]
    assert (last.done, last.total, last.skipped, last.committed) == (5, 5, 1, 5)
    assert last.eta_s == 0
    assert all(each.committed <= each.done <= each.total for each in seen)
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_an_interruption_keeps_what_was_committed_and_nothing_of_the_rest():
    disk = Disk(**{f"f{i:02}": bytes([i]) for i in range(10)})
    target = Collected()

    def interrupt(progress):
        if progress.committed >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(disk, target, on_progress=interrupt, segment_items=4)
    assert target.commits == [(4, 0)]
    tally, _ = run(disk, target, version=1)
    assert (tally.added, tally.unchanged) == (6, 4)


FEW_CONTENTS = st.sampled_from([b"1", b"2", b"3", b"4", BAD, ODD])
SOME_FILES = st.dictionaries(st.sampled_from("abcdefg"), FEW_CONTENTS)


@given(before=SOME_FILES, after=SOME_FILES, segment_items=st.sampled_from([1, 2, 3, 100]))
def test_any_change_adds_up_and_leaves_what_an_oracle_expects(before, after, segment_items):
    _, target = run(Disk(**before), segment_items=segment_items)
    indexed = target.by_path()
    tally, _ = run(Disk(**after), target, version=2, segment_items=segment_items)

    assert sum(counts(tally)) - tally.removed == len(after)
    usable = {k.encode(): sha(v) for k, v in after.items() if v not in (BAD, ODD)}
    kept = {path: indexed[path] for path in indexed if path.decode() in after}
    assert target.by_path() == kept | usable

    gone = Counter(indexed[path] for path in indexed if path.decode() not in after)
    arrived = Counter(content for path, content in usable.items() if path not in indexed)
    assert tally.moved == (gone & arrived).total()
    assert tally.removed == gone.total() - tally.moved
    assert tally.updated == sum(indexed.get(p, c) != c for p, c in usable.items())
