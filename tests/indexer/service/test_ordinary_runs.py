"""The ordinary life of a collection: what a run counts, keeps and leaves alone."""

import os
import random
import shutil

import numpy as np
import pytest
from PIL import Image

from indexer.service import index_folders
from retrieval.errors import SourceError
from retrieval.store.collection import Collection
from tests.factories import GeometryEncoder
from tests.indexer.service.kit import counts, index, indexed, n_items, paint


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


def test_a_root_of_an_earlier_run_that_went_is_told(photos, collection, tmp_path):
    assert index(photos, collection).missing_roots == ()
    photos.rename(tmp_path / "moved")
    report = index(tmp_path / "moved", collection)
    assert counts(report) == (7, 0, 0, 0, 0, 0)
    assert report.missing_roots == (os.fsencode(photos),)
    with pytest.raises(SourceError, match="no longer there"):
        index(photos, collection)
    pruned = index([photos, tmp_path / "moved"], collection, prune=True)
    assert (pruned.removed, pruned.missing_roots) == (7, ())


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
