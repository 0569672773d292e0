"""The plan of a run, by stat alone: what to read, what is gone, and when to refuse."""

import os
import shutil

import pytest

from indexer.readers.folder import FolderReader
from indexer.readers.globs import Globs
from indexer.scan import plan_changes
from retrieval.errors import SourceError
from retrieval.model import ItemId
from retrieval.store.row_values import KnownFile


class CatalogueInMemory:
    """Files as a catalogue gives them, after a run that saw the folder as it was."""

    def __init__(self):
        self.files = {}

    def remember(self, *readers):
        for reader in readers:
            for file in reader.read().files:
                with open(file.path, "rb") as content:
                    key = content.read().hex()
                self.files[file.path] = KnownFile(file, ItemId(len(self.files) + 1), key)

    def files_under(self, root, generation):
        return (
            entry for path, entry in self.files.items() if path.startswith(os.path.join(root, b""))
        )


@pytest.fixture
def catalogue():
    return CatalogueInMemory()


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for i in range(6):
        (folder / f"{i}.jpg").write_bytes(bytes([i]))
    (folder / "sub" / "s.jpg").write_bytes(b"s")
    return folder


def reader(folder, **patterns):
    return FolderReader(os.fsencode(folder), globs=Globs.parse(**patterns))


def plan(catalogue, *readers, prune=False):
    return plan_changes(readers, catalogue, 1, prune=prune)


def names(entries):
    return [os.path.basename(getattr(entry, "file", entry).path).decode() for entry in entries]


def test_without_a_catalogue_every_file_is_to_be_read_in_the_order_of_its_path(photos):
    changes = plan(None, reader(photos))
    assert names(changes.to_read) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "s.jpg"]
    assert (changes.unchanged, changes.earlier, changes.gone) == (0, {}, ())


def test_an_unchanged_folder_needs_nothing_read(photos, catalogue):
    catalogue.remember(reader(photos))
    changes = plan(catalogue, reader(photos))
    assert (changes.to_read, changes.unchanged, changes.gone) == ((), 7, ())


@pytest.mark.parametrize("change", ["size", "time"])
def test_another_size_or_time_means_reading_and_the_earlier_entry_is_at_hand(
    photos, catalogue, change
):
    catalogue.remember(reader(photos))
    target = photos / "3.jpg"
    before = target.stat()
    if change == "size":
        target.write_bytes(b"longer")
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    changes = plan(catalogue, reader(photos))
    assert names(changes.to_read) == ["3.jpg"]
    assert changes.earlier[os.fsencode(target)].sha256 == "03"
    assert changes.unchanged == 6


def test_a_deleted_file_is_gone(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()
    assert names(plan(catalogue, reader(photos)).gone) == ["2.jpg"]


def test_contents_of_all_known_files_are_at_hand(photos, catalogue):
    catalogue.remember(reader(photos))
    assert set(plan(catalogue, reader(photos)).contents) == {
        "00", "01", "02", "03", "04", "05", "73",
    }  # fmt: skip


def test_only_files_that_the_patterns_admit_can_go(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()
    assert plan(catalogue, reader(photos, exclude=["2.jpg"])).gone == ()
    assert plan(catalogue, reader(photos, include=["sub"])).gone == ()


def test_only_files_below_the_roots_of_this_run_can_go(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()
    changes = plan(catalogue, reader(photos / "sub"))
    assert (changes.gone, changes.unchanged) == ((), 1)


def test_a_file_that_the_reader_passes_over_stays_while_it_exists(photos, catalogue):
    (photos / ".album").mkdir()
    (photos / ".album" / "h.jpg").write_bytes(b"h")
    catalogue.remember(reader(photos), reader(photos / ".album"))
    changes = plan(catalogue, reader(photos))
    assert (changes.unchanged, changes.gone) == (7, ())
    (photos / ".album" / "h.jpg").unlink()
    assert names(plan(catalogue, reader(photos)).gone) == ["h.jpg"]


def test_a_file_below_an_unreadable_folder_stays(photos, catalogue, monkeypatch):
    catalogue.remember(reader(photos))
    scandir = os.scandir

    def refuse(folder):
        if folder.endswith(b"sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    changes = plan(catalogue, reader(photos))
    assert changes.gone == ()
    assert [skip.reason for skip in changes.skips] == ["unreadable folder: permission denied"]


def test_a_file_that_we_may_not_look_at_stays(photos, catalogue, monkeypatch):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "lstat", refuse)
    assert plan(catalogue, reader(photos)).gone == ()


def test_a_file_that_became_a_folder_is_gone(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()
    (photos / "2.jpg").mkdir()
    assert names(plan(catalogue, reader(photos)).gone) == ["2.jpg"]


def test_a_file_that_became_a_pipe_is_skipped_and_stays(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "2.jpg").unlink()
    os.mkfifo(photos / "2.jpg")
    changes = plan(catalogue, reader(photos))
    assert changes.gone == ()
    assert names(changes.skips) == ["2.jpg"]


@pytest.mark.parametrize(("n_deleted", "refused"), [(3, False), (4, True)])
def test_losing_more_than_half_of_a_root_is_refused(photos, catalogue, n_deleted, refused):
    catalogue.remember(reader(photos))
    for i in range(n_deleted):
        (photos / f"{i}.jpg").unlink()
    if refused:
        with pytest.raises(SourceError, match="4 of 7 indexed files are gone") as error:
            plan(catalogue, reader(photos))
        assert "--prune" in error.value.hint
    assert len(plan(catalogue, reader(photos), prune=True).gone) == n_deleted


def test_half_is_counted_among_the_files_that_the_patterns_admit(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "sub" / "s.jpg").unlink()
    with pytest.raises(SourceError, match="1 of 1"):
        plan(catalogue, reader(photos, include=["sub"]))


def test_a_renamed_folder_is_no_loss(photos, catalogue):
    catalogue.remember(reader(photos))
    (photos / "new").mkdir()
    for i in range(6):
        (photos / f"{i}.jpg").rename(photos / "new" / f"{i}.jpg")
    changes = plan(catalogue, reader(photos))
    assert (len(changes.gone), len(changes.to_read)) == (6, 6)


def test_a_known_root_that_vanished_needs_prune(photos, catalogue):
    catalogue.remember(reader(photos))
    shutil.rmtree(photos)
    with pytest.raises(SourceError, match="no longer there") as error:
        plan(catalogue, reader(photos))
    assert "--prune" in error.value.hint
    assert len(plan(catalogue, reader(photos), prune=True).gone) == 7


def test_a_root_that_never_was_is_an_error_even_with_prune(tmp_path, catalogue):
    with pytest.raises(SourceError, match="no such folder"):
        plan(catalogue, reader(tmp_path / "none"), prune=True)


def test_overlapping_roots_count_each_path_once(photos, catalogue):
    both = (reader(photos), reader(photos / "sub"))
    assert len(plan(None, *both).to_read) == 7
    catalogue.remember(reader(photos))
    assert plan(catalogue, *both).unchanged == 7
    (photos / "sub" / "s.jpg").unlink()
    assert len(plan(catalogue, *both, prune=True).gone) == 1
