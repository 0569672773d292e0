"""Nothing is acknowledged before it is on the disk, whatever the disk forgets."""

import contextlib
import errno
import os
from pathlib import Path

import pytest

from indexer import durable
from indexer.writer import CollectionWriter
from retrieval.errors import CollectionError
from retrieval.store.manifest import IndexRecord, codebook_entry, newest_manifest
from retrieval.store.segment import check_file
from tests.collection_kit import (
    ENCODER,
    add,
    item,
    new_collection,
    put,
    read_state,
    remove,
    vectors,
)
from tests.disks import disk_of
from tests.indexer.power_loss import Disk, recorded


def commit_all_kinds(writer, acknowledge):
    """One commit of every kind; calls `acknowledge` after each."""
    put(writer, 3, roots=[b"/photos"])
    acknowledge()
    writer.commit(vectors([4]), [item(4)], [remove("/photos/1.jpg", 1), add("/copy.jpg", 2)])
    acknowledge()
    segments = [segment.name for segment in writer.manifest.galleries["images"].segments]
    record = IndexRecord("ivf1,pq1", codebook_entry("images", b"book"), (), 4, 0, 0.5)
    writer.publish_index("images", record, b"book", dict.fromkeys(segments, b"codes"))
    acknowledge()
    writer.merge_small_segments(100)
    acknowledge()


def is_whole(folder):
    """Whether every file of the newest generation is there as it was written."""
    manifest, warnings = newest_manifest(folder)
    assert warnings == ()
    for entry in manifest.files():
        check_file(folder / entry.name, entry)
    return manifest.generation


def test_a_file_is_synced_before_its_name_and_the_name_before_the_answer(tmp_path, monkeypatch):
    folder = new_collection(tmp_path / "c", 1, 2)
    with CollectionWriter.open(folder, ENCODER) as writer, recorded(folder, monkeypatch) as log:
        commit_all_kinds(writer, lambda: log.append(("ack", str(folder))))

    synced, unsynced_names, n_named = set(), set(), 0
    for kind, path, *rest in log:
        match kind:
            case "create" | "mkdir":
                synced.discard(path)
            case "sync_file" | "sync_folder":
                synced.add(path)
                unsynced_names = {name for name in unsynced_names if str(Path(name).parent) != path}
            case "rename" | "link":
                assert path in synced, f"{kind} of {path} before its bytes were synced"
                unsynced_names.add(rest[0])
                n_named += 1
            case "ack":
                assert not unsynced_names, "acknowledged before its names were synced"
    assert n_named >= 4 + 2 + 2 + 3  # manifests, segments, log + tombstones, codebook + codes


@pytest.mark.parametrize("eager", [False, True])
def test_power_loss_at_any_moment_leaves_the_last_acknowledged_generation(
    tmp_path, monkeypatch, eager
):
    folder = new_collection(tmp_path / "c", 1, 2)
    disk = Disk(folder)
    with CollectionWriter.open(folder, ENCODER) as writer, recorded(folder, monkeypatch) as log:
        commit_all_kinds(writer, lambda: log.append(("ack", str(folder))))

    acknowledged = 2
    for number, (kind, *arguments) in enumerate(log):
        if kind == "ack":
            acknowledged += 1
        else:
            disk.apply(kind, *arguments)
        left = tmp_path / f"left-{number}"
        disk.after_power_loss(left, eager=eager)
        assert is_whole(left) in (acknowledged, acknowledged + 1)
    assert acknowledged == 6
    # The catalogue was lost with the power as well: the next writer makes it again.
    with CollectionWriter.open(left, ENCODER) as writer:
        put(writer, 5)
    assert len(read_state(left).items) == len(read_state(folder).items) + 1


def test_the_replay_would_notice_a_missing_fsync(tmp_path, monkeypatch):
    folder = new_collection(tmp_path / "c", 1)
    disk = Disk(folder)
    with CollectionWriter.open(folder, ENCODER) as writer, recorded(folder, monkeypatch) as log:
        put(writer, 2)
    for kind, *arguments in log:
        if kind != "sync_file" or "vectors.npy" not in arguments[0]:
            disk.apply(kind, *arguments)
    disk.after_power_loss(tmp_path / "left", eager=False)
    with pytest.raises(CollectionError):
        is_whole(tmp_path / "left")


@pytest.fixture(params=[192, 256, 320, 448])
def tiny_disk(tmp_path, request):
    """A file system of so many KiB."""
    with disk_of(tmp_path / "disk", request.param) as point:
        yield point


def test_a_full_disk_is_an_error_and_loses_nothing(tiny_disk):
    folder = tiny_disk / "c"
    n_done = 0
    full = contextlib.suppress(OSError, CollectionError)
    with full, CollectionWriter.open(folder, ENCODER) as writer:
        for number in range(1, 1000):
            put(writer, number)
            n_done = number
    assert n_done < 999
    assert not [*folder.rglob(durable.TEMPORARY + "*")]
    if n_done:
        assert len(read_state(folder).items) == n_done


@pytest.mark.parametrize("n_writes", range(6))
def test_a_write_that_fails_leaves_no_half_file(tmp_path, monkeypatch, n_writes):
    folder = new_collection(tmp_path / "c", 1)
    before = read_state(folder)
    real, left = os.fsync, n_writes

    def fsync(handle):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with CollectionWriter.open(folder, ENCODER) as writer, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space"):
            put(writer, 2)
    assert not [*folder.rglob(durable.TEMPORARY + "*")]
    assert read_state(folder) == before
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 2)
    assert len(read_state(folder).items) == 2


def test_a_file_system_without_hard_links_is_named_as_the_cause(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(CollectionError, match="no hard links"):
        CollectionWriter.open(tmp_path / "c", ENCODER)
