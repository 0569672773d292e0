"""Indexing real folders into real collections: what is counted, kept, refused and left alone."""

import os
import random
import shutil
import socket

import numpy as np
import pytest
from PIL import Image

from indexer import service
from indexer.service import IndexOptions, index_folders
from retrieval.errors import (
    CollectionMissingError,
    EncoderMismatchError,
    LockedError,
    SettingsError,
    SourceError,
)
from retrieval.images import PixelLimits
from retrieval.store.collection import Collection
from tests.factories import GeometryEncoder


def paint(path, seed, *, size=(24, 16), **options):
    """A small picture that no other seed gives."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(noise).save(path, **options)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for i in range(6):
        paint(folder / f"{i}.png", i)
    paint(folder / "sub" / "0.png", 100)
    return folder


@pytest.fixture
def collection(tmp_path):
    return tmp_path / "collection"


def index(source, collection, *, encoder=None, on_progress=None, **options):
    sources = source if isinstance(source, list) else [source]
    return index_folders(
        sources,
        collection,
        encoder=encoder or GeometryEncoder(),
        options=IndexOptions(batch_size=4, workers=2, **options),
        on_progress=on_progress,
    )


def counts(report):
    return (
        report.added,
        report.updated,
        report.moved,
        report.removed,
        report.unchanged,
        len(report.skipped),
    )


def indexed(collection):
    """sha256 and item of every file, by path."""
    with Collection.open(collection) as view:
        files = view.catalogue.files_under(b"/", view.generation)
        return {entry.file.path: (entry.sha256, entry.item_id) for entry in files}


def n_items(collection):
    with Collection.open(collection) as view:
        return view.gallery("images").n_items


# -- the ordinary life of a collection ------------------------------------------------------------


def test_a_first_run_adds_every_picture(photos, collection):
    report = index(photos, collection)
    assert counts(report) == (7, 0, 0, 0, 0, 0)
    assert set(indexed(collection)) == {os.fsencode(path) for path in photos.rglob("*.png")}
    assert n_items(collection) == 7
    with Collection.open(collection) as view:
        assert view.manifest.roots == (os.fsencode(photos),)
        assert view.generation == report.generation


def test_vectors_are_those_of_the_encoder(photos, collection):
    index(photos, collection)
    path = photos / "3.png"
    _, item_id = indexed(collection)[os.fsencode(path)]
    expected = GeometryEncoder().encode_images([Image.open(path).convert("RGB")])
    with Collection.open(collection) as view:
        stored = view.gallery("images").gather(np.array([item_id]))
    np.testing.assert_allclose(stored, expected, atol=1e-3)


def test_a_second_run_changes_nothing_and_needs_no_encoder(photos, collection, monkeypatch):
    first = index(photos, collection)

    def refuse(name, device):
        raise AssertionError("an encoder was made")

    monkeypatch.setattr("indexer.deferred.get_encoder", refuse)
    second = index_folders([photos], collection)
    assert counts(second) == (0, 0, 0, 0, 7, 0)
    assert second.generation == first.generation


def test_every_kind_of_change_is_counted_as_what_it_is(photos, collection):
    index(photos, collection)
    paint(photos / "new.png", 50)
    paint(photos / "1.png", 51)
    (photos / "2.png").rename(photos / "sub" / "renamed.png")
    shutil.copy(photos / "3.png", photos / "copy.png")
    (photos / "4.png").unlink()
    os.utime(photos / "5.png", ns=(5, 5))
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    report = index(photos, collection)
    assert counts(report) == (2, 1, 1, 1, 4, 1)
    assert set(indexed(collection)) == {os.fsencode(path) for path in photos.rglob("*.png")}
    assert n_items(collection) == 7
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 8, 1)


def test_a_renamed_folder_moves_without_an_encoder(photos, collection, monkeypatch):
    index(photos, collection)
    (photos / "kept").mkdir()
    for i in range(6):
        (photos / f"{i}.png").rename(photos / "kept" / f"{i}.png")
    monkeypatch.setattr(GeometryEncoder, "encode_pixels", None)
    assert counts(index(photos, collection)) == (0, 0, 6, 0, 1, 0)
    assert n_items(collection) == 7


def test_a_copy_from_another_root_is_not_encoded_again(photos, collection, tmp_path, monkeypatch):
    index(photos, collection)
    shutil.copytree(photos, tmp_path / "backup")
    monkeypatch.setattr(GeometryEncoder, "encode_pixels", None)
    assert counts(index(tmp_path / "backup", collection)) == (7, 0, 0, 0, 0, 0)
    assert n_items(collection) == 7
    assert len(indexed(collection)) == 14


def test_equal_names_in_two_folders_and_equal_files_stay_apart_or_together(collection, tmp_path):
    paint(tmp_path / "p" / "a" / "x.png", 1)
    paint(tmp_path / "p" / "b" / "x.png", 2)
    paint(tmp_path / "p" / "b" / "same.png", 1)
    index(tmp_path / "p", collection)
    items = {path.rpartition(b"/p/")[2]: item for path, (_, item) in indexed(collection).items()}
    assert items[b"a/x.png"] == items[b"b/same.png"] != items[b"b/x.png"]
    assert n_items(collection) == 2


def test_a_deleted_file_that_comes_back_is_found_again(photos, collection, tmp_path):
    index(photos, collection)
    (photos / "0.png").rename(tmp_path / "0.png")
    assert counts(index(photos, collection)) == (0, 0, 0, 1, 6, 0)
    assert n_items(collection) == 6
    (tmp_path / "0.png").rename(photos / "0.png")
    assert counts(index(photos, collection)) == (1, 0, 0, 0, 6, 0)
    assert n_items(collection) == 7


def test_several_roots_and_a_root_inside_another(photos, collection, tmp_path):
    paint(tmp_path / "more" / "m.png", 200)
    report = index([photos, tmp_path / "more", photos / "sub"], collection)
    assert counts(report) == (8, 0, 0, 0, 0, 0)
    assert counts(index(photos / "sub", collection)) == (0, 0, 0, 0, 1, 0)
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 7, 0)


def test_a_root_is_the_folder_that_a_link_leads_to(photos, collection, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    index(tmp_path / "link", collection)
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 7, 0)


def test_a_new_root_without_new_pictures_is_recorded(photos, collection):
    index(photos, collection)
    index(photos / "sub", collection)
    with Collection.open(collection) as view:
        assert view.manifest.roots == (os.fsencode(photos), os.fsencode(photos / "sub"))


def test_a_collection_inside_its_source_is_not_indexed(photos):
    collection = photos / "index"
    index(photos, collection)
    paint(collection / "stray.png", 300)
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 7, 0)


def test_a_read_only_source_is_no_obstacle(photos, collection):
    before = {path: path.stat() for path in photos.rglob("*")}
    for path in [photos, photos / "sub"]:
        path.chmod(0o555)
    try:
        assert counts(index(photos, collection)) == (7, 0, 0, 0, 0, 0)
    finally:
        for path in [photos, photos / "sub"]:
            path.chmod(0o755)
    after = {path: path.stat() for path in photos.rglob("*")}
    assert {p: s.st_mtime_ns for p, s in before.items()} == {
        p: s.st_mtime_ns for p, s in after.items()
    }


def test_patterns_choose_what_takes_part_and_leave_the_rest_alone(photos, collection):
    assert counts(index(photos, collection, exclude=("sub",))) == (6, 0, 0, 0, 0, 0)
    assert counts(index(photos, collection, include=("sub",))) == (1, 0, 0, 0, 0, 0)
    assert counts(index(photos, collection)) == (0, 0, 0, 0, 7, 0)
    with pytest.raises(SourceError, match="no picture found") as error:
        index(photos, collection, exclude=("*.png",))
    assert "--exclude" in error.value.hint
    assert len(indexed(collection)) == 7


def test_a_dry_run_tells_the_counts_and_changes_nothing(photos, collection):
    assert counts(index(photos, collection, dry_run=True)) == (7, 0, 0, 0, 0, 0)
    assert not collection.exists()
    first = index(photos, collection)
    before = {path: path.read_bytes() for path in collection.rglob("*") if path.is_file()}
    paint(photos / "new.png", 50)
    paint(photos / "1.png", 51)
    (photos / "2.png").rename(photos / "moved.png")
    (photos / "4.png").unlink()
    (photos / "bad.png").write_bytes(b"")
    rehearsed = index(photos, collection, dry_run=True)
    assert rehearsed.generation == first.generation
    after = {path: path.read_bytes() for path in collection.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    assert counts(rehearsed) == (1, 1, 1, 1, 4, 1) == counts(index(photos, collection))


def test_segments_of_a_run_are_merged_at_its_end(photos, collection):
    index(photos, collection, segment_items=2)
    with Collection.open(collection) as view:
        assert [segment.entry.n_items for segment in view.gallery("images").segments] == [
            2,
            2,
            2,
            1,
        ]
    index(photos, collection)
    with Collection.open(collection) as view:
        assert [segment.entry.n_items for segment in view.gallery("images").segments] == [7]


def test_progress_is_told(photos, collection):
    seen = []
    index(photos, collection, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].committed) == (7, 7, 7)


# -- bad input ------------------------------------------------------------------------------------


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
    with pytest.raises(SourceError, match="no folder"):
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


def test_an_unreadable_file_is_skipped_and_comes_in_later(photos, collection, monkeypatch):
    real_open = os.open

    def refuse(path, *arguments, **options):
        if isinstance(path, bytes) and path.endswith(b"/3.png"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        report = index(photos, collection)
    assert counts(report) == (6, 0, 0, 0, 0, 1)
    assert report.skipped[0].reason == "unreadable file: permission denied"
    assert counts(index(photos, collection)) == (1, 0, 0, 0, 6, 0)


def test_a_file_that_vanishes_between_scan_and_read_is_skipped_and_then_removed(
    photos, collection, monkeypatch
):
    index(photos, collection)
    os.utime(photos / "3.png", ns=(1, 1))
    plan = service.plan_changes

    def plan_then_delete(*arguments, **options):
        changes = plan(*arguments, **options)
        (photos / "3.png").unlink(missing_ok=True)
        return changes

    with monkeypatch.context() as patch:
        patch.setattr(service, "plan_changes", plan_then_delete)
        report = index(photos, collection)
    assert [skip.reason for skip in report.skipped] == ["vanished since the scan"]
    assert counts(index(photos, collection)) == (0, 0, 0, 1, 6, 0)


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


def test_a_second_writer_is_refused(photos, collection):
    index(photos, collection)
    with service.CollectionWriter.open(collection, None), pytest.raises(LockedError):
        index(photos, collection)


def test_an_encoder_that_fails_on_one_picture_costs_that_picture(photos, collection, monkeypatch):
    encode = GeometryEncoder.encode_pixels
    odd = GeometryEncoder().preprocess(Image.open(photos / "2.png").convert("RGB"))

    def fail_on_one(self, pixels):
        if any(np.array_equal(each, odd) for each in pixels):
            raise RuntimeError("out of luck")
        return encode(self, pixels)

    monkeypatch.setattr(GeometryEncoder, "encode_pixels", fail_on_one)
    report = index(photos, collection)
    assert counts(report) == (6, 0, 0, 0, 0, 1)
    assert report.skipped[0].path.endswith(b"/2.png")


# -- interruption ---------------------------------------------------------------------------------


def test_ctrl_c_loses_at_most_the_segment_in_flight_and_the_next_run_goes_on(photos, collection):
    def interrupt(progress):
        if progress.committed >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index(photos, collection, on_progress=interrupt, segment_items=2)
    assert len(indexed(collection)) == 4
    assert counts(index(photos, collection)) == (3, 0, 0, 0, 4, 0)


def test_any_life_of_a_folder_ends_as_a_fresh_index_of_it(tmp_path):
    chance = random.Random(11)
    photos, lived = tmp_path / "photos", tmp_path / "lived"
    for i in range(8):
        paint(photos / f"{i}.png", i)
    index(photos, lived)
    for step in range(6):
        files = sorted(photos.rglob("*.png"))
        for path in chance.sample(files, 3):
            match chance.choice(["delete", "move", "copy", "change", "touch"]):
                case "delete":
                    path.unlink()
                case "move":
                    path.rename(path.with_name(f"moved-{step}-{path.name}"))
                case "copy":
                    shutil.copy(path, path.with_name(f"copy-{step}-{path.name}"))
                case "change":
                    paint(path, 1000 + chance.randrange(1000))
                case "touch":
                    os.utime(path, ns=(step, step))
        paint(photos / f"new-{step}.png", 100 + step)
        report = index(photos, lived, prune=True, segment_items=chance.randint(1, 5))
        seen = sum(counts(report)) - report.removed
        assert seen == len(list(photos.rglob("*.png")))
    index(photos, tmp_path / "fresh")
    ours, fresh = indexed(lived), indexed(tmp_path / "fresh")
    assert {p: sha for p, (sha, _) in ours.items()} == {p: sha for p, (sha, _) in fresh.items()}
    assert n_items(lived) == n_items(tmp_path / "fresh")


def test_a_missing_collection_is_not_made_by_looking(collection):
    with pytest.raises(CollectionMissingError):
        Collection.open(collection)
    assert not collection.exists()
