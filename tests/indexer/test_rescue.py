"""`verify --repair`: damage to every kind of file, and what it is made again from."""

import shutil

import numpy as np
import pytest

from indexer.repair import repair_collection
from indexer.service import delete_items, verify_collection
from indexer.writer import CollectionWriter
from retrieval.errors import CollectionMissingError, CorruptCollectionError
from retrieval.store.collection import Collection
from retrieval.store.manifest import newest_manifest
from tests.collection_kit import read_state
from tests.factories import GeometryEncoder
from tests.indexer.service import kit

FILES = {
    "ids": "galleries/images/segments/*/ids.npy",
    "sums": "galleries/images/segments/*/vectors.sums",
    "vectors": "galleries/images/segments/*/vectors.npy",
    "rows": "galleries/images/segments/*/rows.jsonl",
    "tombstones": "galleries/images/tombstones-*.npy",
    "changes": "changes/*.jsonl",
    "catalogue": "catalogue.db",
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rescue") / "photos"
    for number in range(7):
        kit.paint(folder / f"{number}.png", number)
    (folder / "0.txt").write_text("a caption\n")
    return folder


@pytest.fixture(scope="module")
def sound(photos, tmp_path_factory):
    """Two segments of pictures, one of texts, a moved and a deleted picture."""
    folder = tmp_path_factory.mktemp("rescue") / "c"
    kit.index(photos, folder, segment_items=4)
    (photos / "1.png").rename(photos / "moved.png")
    kit.index(photos, folder, segment_items=4)
    delete_items(folder, [bytes(photos / "6.png")])
    with CollectionWriter.open(folder, None) as writer:
        writer.collect_garbage()
    return folder


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "c")


def newest(folder, kind):
    """A file of a kind that the newest generation names."""
    names = {entry.name for entry in newest_manifest(folder)[0].files()} | {"catalogue.db"}
    return next(
        path
        for path in sorted(folder.glob(FILES[kind]))
        if path.relative_to(folder).as_posix() in names
    )


def flip(path, at=-3):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def cut(path):
    data = path.read_bytes()
    # The end of a database may be a free page, which nobody misses.
    path.write_bytes(data[: len(data) // 2] if path.suffix == ".db" else data[:-9])


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


def repair(folder, **options):
    return repair_collection(folder, encoder=GeometryEncoder(), **options)


@pytest.mark.parametrize("damage", [flip, cut, empty, remove])
@pytest.mark.parametrize("kind", FILES)
def test_any_one_file_is_made_again(folder, sound, kind, damage):
    path = newest(folder, kind)
    if kind == "catalogue" and damage is flip:
        return flip_in_a_row(folder, sound)
    damage(path)
    if kind not in ("rows", "changes", "catalogue"):
        assert verify_collection(folder).problems
    report = repair(folder)
    assert report.after.problems == ()
    assert report.repaired
    assert (report.lost, report.hopeless) == ((), ())
    assert read_state(folder) == read_state(sound)
    assert repair(folder).repaired == (), "a second time there is nothing to do"


def flip_in_a_row(folder, sound):
    path = folder / "catalogue.db"
    data = path.read_bytes()
    flip(path, data.rindex(b"/2.png"))
    report = repair(folder)
    assert report.after.problems == ()
    assert read_state(folder) == read_state(sound)


@pytest.mark.parametrize("kind", ["ids", "sums", "tombstones"])
def test_what_the_manifest_vouches_for_comes_back_byte_for_byte(folder, kind):
    path = newest(folder, kind)
    whole, generation = path.read_bytes(), newest_manifest(folder)[0].generation
    cut(path)
    repair(folder)
    assert path.read_bytes() == whole
    assert newest_manifest(folder)[0].generation == generation


def test_a_damaged_header_costs_no_vector(folder, sound):
    flip(newest(folder, "vectors"), at=20)
    report = repair_collection(folder)  # without the encoder: it is asked for nothing
    assert report.after.problems == ()
    assert read_state(folder) == read_state(sound)


def test_the_generation_before_stands_in_for_a_damaged_manifest(folder):
    newest_path, older = sorted(folder.glob("manifest-*.json"), reverse=True)[:2]
    generation = newest_manifest(folder)[0].generation
    flip(newest_path)
    assert newest_manifest(folder)[0].generation == int(older.stem[-12:])
    report = repair(folder)
    assert any("the manifest" in line for line in report.repaired)
    assert report.after.problems == ()
    assert newest_manifest(folder)[0].generation == generation + 1
    with CollectionWriter.open(folder, None) as writer:
        writer.collect_garbage()


def test_no_manifest_and_no_collection_are_errors(folder, tmp_path):
    for path in folder.glob("manifest-*.json"):
        flip(path)
    with pytest.raises(CorruptCollectionError):
        repair(folder)
    with pytest.raises(CollectionMissingError):
        repair(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def paths_of(folder):
    with Collection.open(folder) as view:
        found = view.catalogue.files_under(b"/", view.generation)
        return {entry.file.path.rpartition(b"/")[2].decode() for entry in found}


@pytest.fixture
def own(tmp_path):
    """A collection whose pictures may be changed."""
    for number in range(5):
        kit.paint(tmp_path / "photos" / f"{number}.png", number)
    kit.index(tmp_path / "photos", tmp_path / "own", segment_items=100)
    return tmp_path / "own"


@pytest.mark.parametrize("change", ["gone", "other content", "no picture"])
def test_what_cannot_be_embedded_again_is_named_and_kept_until_it_is_given_up(own, change):
    photo = own.parent / "photos" / "2.png"
    if change == "gone":
        photo.unlink()
    elif change == "other content":
        kit.paint(photo, 99)
    else:
        photo.write_bytes(b"none")
    vectors = newest(own, "vectors")
    flip(vectors)  # one block holds them all
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    report = repair(own)
    assert [line.partition(":")[0] for line in report.hopeless] == [f"item 3 ({photo})"]
    assert report.after.problems
    assert report.lost == ()
    assert {p: d for p, d in before.items() if p.exists() and p.read_bytes() == d}.keys() >= {
        path for path in before if "catalogue" not in path.name
    }, "nothing was thrown away"
    report = repair(own, drop_damaged=True)
    assert [line.partition(":")[0] for line in report.lost] == [f"item 3 ({photo})"]
    assert report.after.problems == ()
    assert paths_of(own) == {"0.png", "1.png", "3.png", "4.png"}


def test_without_the_encoder_damaged_vectors_are_named_one_by_one(own):
    flip(newest(own, "vectors"))
    report = repair_collection(own)  # "geometry" is no encoder that the program could make
    assert len(report.hopeless) == 5
    assert all("no encoder" in line for line in report.hopeless)
    assert repair(own).after.problems == ()


def test_rows_and_catalogue_together_are_the_end_of_a_segment(folder):
    rows = newest(folder, "rows")
    flip(rows, at=5)
    (folder / "catalogue.db").write_bytes(b"none" * 999)
    generation = newest_manifest(folder)[0].generation
    report = repair(folder)
    assert len(report.hopeless) == 1
    assert rows.parent.name in report.hopeless[0]
    assert newest_manifest(folder)[0].generation == generation
    report = repair(folder, drop_damaged=True)
    assert len(report.lost) == 1
    assert report.after.problems == ()
    assert len(read_state(folder).items) > 0


def test_a_log_and_the_catalogue_together_cost_the_paths_only(folder, sound):
    """What was moved is where it was, what was deleted stays deleted; a run puts paths right."""
    for path in folder.glob("changes/*.jsonl"):
        flip(path, at=5)
    (folder / "catalogue.db").unlink()
    assert repair(folder).hopeless
    report = repair(folder, drop_damaged=True)
    assert report.after.problems == ()
    assert report.lost
    state, before = read_state(folder), read_state(sound)
    assert state.items.keys() == before.items.keys()
    assert state.vectors == before.vectors


def test_everything_at_once(folder, sound):
    for kind in ("ids", "sums", "tombstones", "changes"):
        for path in folder.glob(FILES[kind]):
            cut(path)
    report = repair(folder)
    assert report.after.problems == ()
    assert read_state(folder) == read_state(sound)


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_loses_nothing_silently(folder, sound, seed):
    """Whatever is hit: either all is well afterwards and the same, or somebody is told."""
    rng = np.random.default_rng(seed)
    files = [folder / entry.name for entry in newest_manifest(folder)[0].files()]
    for path in rng.choice(files, size=3, replace=False):
        [flip, cut, empty, remove][rng.integers(4)](path)
    report = repair(folder)
    if report.after.problems == ():
        assert read_state(folder) == read_state(sound)
    else:
        assert report.hopeless
    after = repair(folder, drop_damaged=True)
    assert after.after.problems == ()
    kept, before = read_state(folder).items, read_state(sound).items
    assert kept.items() <= before.items() or after.lost
