"""Folders that are none, pictures that are none, encoders of another space: refused or skipped."""

import os
import shutil
import socket

import pytest

from retrieval.errors import (
    CollectionMissingError,
    EncoderMismatchError,
    SettingsError,
    SourceError,
)
from retrieval.images import PixelLimits
from retrieval.store.collection import Collection
from tests.factories import GeometryEncoder
from tests.indexer.service.kit import counts, index, indexed, paint


def test_no_such_folder(tmp_path, collection):
    with pytest.raises(SourceError, match="no such folder"):
        index(tmp_path / "none", collection)
    assert not collection.exists()


def test_a_file_is_no_folder(photos, collection):
    with pytest.raises(SourceError, match="is a file") as error:
        index(photos / "0.png", collection)
    assert "--include" in error.value.hint


def test_a_missing_folder_among_good_ones_stops_the_run_before_it_begins(photos, collection):
    with pytest.raises(SourceError, match="no such folder"):
        index([photos, photos / "none"], collection)
    assert not collection.exists()


def test_no_folder_at_all(collection):
    with pytest.raises(SourceError, match="no source"):
        index([], collection)


@pytest.mark.parametrize("names", [[], ["notes.txt", "film.mp4"], [".hidden.jpg"]])
def test_a_folder_without_pictures_is_an_error_and_makes_no_collection(tmp_path, collection, names):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    with pytest.raises(SourceError, match="no picture found"):
        index(folder, collection)
    assert not collection.exists()


def test_one_empty_folder_among_others_is_no_error(photos, collection, tmp_path):
    (tmp_path / "empty").mkdir()
    assert counts(index([photos, tmp_path / "empty"], collection)) == (7, 0, 0, 0, 0, 0)


def test_what_is_no_picture_is_skipped_with_its_reason(photos, collection):
    whole = (photos / "0.png").read_bytes()
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "page.jpg").write_bytes(b"<!doctype html><title>404 Not Found</title>")
    paint(photos / "bomb.png", 60, size=(40, 40))
    (photos / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "loop").symlink_to(photos, target_is_directory=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(photos / "sock.jpg"))
        report = index(photos, collection, limits=PixelLimits(jpeg=1000, other=1000))
    reasons = {os.path.basename(skip.path): skip.reason for skip in report.skipped}
    assert reasons == {
        b"empty.jpg": "empty file",
        b"cut.png": "truncated",
        b"page.jpg": "not an image",
        b"bomb.png": "too many pixels",
        b"dangling.jpg": "symbolic link",
        b"pipe.jpg": "not a regular file",
        b"sock.jpg": "not a regular file",
    }
    assert counts(report) == (7, 0, 0, 0, 0, 7)


@pytest.mark.parametrize("name", [b"line\nbreak.png", "\N{DOG FACE}.png".encode(), b"caf\xe9.png"])
def test_names_of_any_bytes_are_indexed_and_found_again(tmp_path, collection, name):
    paint(tmp_path / "p" / "plain.png", 1)
    os.rename(tmp_path / "p" / "plain.png", os.path.join(os.fsencode(tmp_path / "p"), name))
    index(tmp_path / "p", collection)
    assert [os.path.basename(path) for path in indexed(collection)] == [name]
    assert counts(index(tmp_path / "p", collection)) == (0, 0, 0, 0, 1, 0)


def test_a_known_file_that_breaks_keeps_its_earlier_version(photos, collection):
    index(photos, collection)
    before = indexed(collection)
    (photos / "0.png").write_bytes(b"garbage")
    for _ in range(2):
        assert counts(index(photos, collection)) == (0, 0, 0, 0, 6, 1)
    assert indexed(collection) == before


def test_a_root_that_vanished_or_lost_most_of_its_files_needs_prune(photos, collection, tmp_path):
    paint(tmp_path / "other" / "o.png", 400)
    index([photos, tmp_path / "other"], collection)
    for i in range(5):
        (photos / f"{i}.png").unlink()
    with pytest.raises(SourceError, match="5 of 7"):
        index(photos, collection)
    assert len(indexed(collection)) == 8
    assert counts(index(photos, collection, prune=True)) == (0, 0, 0, 5, 2, 0)
    shutil.rmtree(photos)
    with pytest.raises(SourceError, match="no longer there"):
        index(photos, collection)
    assert counts(index(photos, collection, prune=True)) == (0, 0, 0, 2, 0, 0)
    assert len(indexed(collection)) == 1


def test_a_bad_pattern_is_named(photos, collection):
    with pytest.raises(SettingsError, match="z-a"):
        index(photos, collection, include=("[z-a]",))


class Stranger(GeometryEncoder):
    """Another model under another fingerprint."""

    @property
    def info(self):
        mine = super().info
        return type(mine)("stranger", mine.dim, "0" * 64)


@pytest.mark.parametrize("is_changed", [True, False])
def test_another_encoder_is_refused_and_nothing_changes(photos, collection, is_changed):
    index(photos, collection)
    before = indexed(collection)
    if is_changed:
        paint(photos / "new.png", 50)
    with pytest.raises(EncoderMismatchError, match="stranger"):
        index(photos, collection, encoder=Stranger())
    assert indexed(collection) == before


def test_a_missing_collection_is_not_made_by_looking(collection):
    with pytest.raises(CollectionMissingError):
        Collection.open(collection)
    assert not collection.exists()
