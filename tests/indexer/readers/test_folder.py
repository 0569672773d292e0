"""Listing a folder: every kind of entry, bytes in names, a fixed order, no way to hang."""

import os
import socket

import pytest

from indexer.readers.base import Skip
from indexer.readers.folder import FolderReader
from indexer.readers.globs import Globs
from retrieval.errors import SourceError


def put(folder, *names):
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"x")


def reader(folder, **options):
    return FolderReader(os.fsencode(folder), **options)


def listed(folder, **options):
    start = len(os.fsencode(folder)) + 1
    return [file.path[start:] for file in reader(folder, **options).read().files]


def test_pictures_are_found_at_any_depth_in_the_order_of_their_paths(tmp_path):
    put(tmp_path, "b.jpg", "a/z.PNG", "a/b/c.webp", "notes.txt", "jpg", "a.jpg/inner.gif")
    assert listed(tmp_path) == [b"a.jpg/inner.gif", b"a/b/c.webp", b"a/z.PNG", b"b.jpg"]


def test_size_and_time_are_those_of_the_file(tmp_path):
    put(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(1, 1_234_567_890_123_456_789))
    (file,) = reader(tmp_path).read().files
    assert (file.size_bytes, file.mtime_ns) == (1, 1_234_567_890_123_456_789)


def test_hidden_files_and_folders_are_passed_over_silently(tmp_path):
    put(tmp_path, ".a.jpg", ".thumbs/b.jpg", "c.jpg")
    assert reader(tmp_path).read().skips == ()
    assert listed(tmp_path) == [b"c.jpg"]


def test_a_hidden_root_was_asked_for(tmp_path):
    put(tmp_path, ".photos/a.jpg")
    assert listed(tmp_path / ".photos") == [b"a.jpg"]


@pytest.mark.parametrize("name", [b"line\nbreak.jpg", "😀.jpg".encode(), b"caf\xe9.jpg", b" .jpg"])
def test_names_are_bytes(tmp_path, name):
    put(tmp_path, name)
    assert listed(tmp_path) == [name]


def test_links_pipes_and_sockets_are_skipped_with_a_reason(tmp_path):
    put(tmp_path, "a.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(tmp_path / "sock.jpg"))
        listing = reader(tmp_path).read()
    base = os.fsencode(tmp_path)
    assert [file.path for file in listing.files] == [base + b"/a.jpg"]
    assert listing.skips == (
        Skip(base + b"/dangling.jpg", "symbolic link"),
        Skip(base + b"/link.jpg", "symbolic link"),
        Skip(base + b"/pipe.jpg", "not a regular file"),
        Skip(base + b"/sock.jpg", "not a regular file"),
    )


def test_a_loop_of_links_ends(tmp_path):
    put(tmp_path, "sub/a.jpg")
    (tmp_path / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert listed(tmp_path) == [b"sub/a.jpg"]


def test_a_folder_that_cannot_be_listed_costs_only_itself(tmp_path, monkeypatch):
    put(tmp_path, "a.jpg", "locked/b.jpg", "open/c.jpg")
    scandir = os.scandir

    def refuse(folder):
        if folder.endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = reader(tmp_path).read()
    assert len(listing.files) == 2
    locked = os.fsencode(tmp_path / "locked")
    assert listing.skips == (Skip(locked, "unreadable folder: permission denied"),)


def test_patterns_apply_to_the_path_below_the_root(tmp_path):
    root = tmp_path / "raw"
    put(root, "a.jpg", "a.png", "raw/b.jpg", "keep/c.jpg")
    globs = Globs.parse(include=["*.jpg"], exclude=["/raw"])
    assert listed(root, globs=globs) == [b"a.jpg", b"keep/c.jpg"]


def test_an_excluded_folder_is_not_even_entered(tmp_path, monkeypatch):
    put(tmp_path, "skip/a.jpg", "b.jpg")
    entered = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: entered.append(folder) or scandir(folder))
    assert listed(tmp_path, globs=Globs.parse(exclude=["skip"])) == [b"b.jpg"]
    assert entered == [os.fsencode(tmp_path)]


def test_the_folder_to_avoid_is_not_entered(tmp_path):
    put(tmp_path, "index/thumb.jpg", "a.jpg")
    assert listed(tmp_path, avoid=os.fsencode(tmp_path / "index")) == [b"a.jpg"]


def test_covers_what_lies_below_the_root_and_is_admitted(tmp_path):
    covering = FolderReader(b"/photos", globs=Globs.parse(exclude=["*.png"]))
    assert covering.covers(b"/photos/a.jpg")
    assert not covering.covers(b"/photos/a.png")
    assert not covering.covers(b"/photos2/a.jpg")
    assert FolderReader(b"/").covers(b"/a.jpg")


def test_a_missing_root_and_a_file_as_root_are_told_apart(tmp_path):
    put(tmp_path, "a.jpg")
    with pytest.raises(SourceError, match="no such folder"):
        reader(tmp_path / "none").read()
    with pytest.raises(SourceError, match="is a file"):
        reader(tmp_path / "a.jpg").read()


def test_a_root_that_may_not_be_listed_is_an_error(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="permission denied"):
        reader(tmp_path).read()
