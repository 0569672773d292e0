"""What is deleted, what is kept, and readers that lose the race."""

import contextlib
import json
from hashlib import sha256

import pytest

from indexer import durable
from indexer.writer import CollectionWriter
from retrieval.errors import CatalogueError, CorruptCollectionError
from retrieval.store import collection as collection_module
from retrieval.store.collection import Collection
from retrieval.store.manifest import manifest_path, manifest_paths
from tests.collection_kit import (
    ENCODER,
    add,
    new_collection,
    put,
    read_state,
    remove,
    state_of,
)


def files_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_last_two_generations_are_kept_whole(tmp_path, catalogue_url):
    folder = tmp_path / "c"
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        for number in range(6):
            put(writer, number)
        writer.merge_small_segments(100)
        assert writer.collect_garbage() > 0
        assert list(manifest_paths(folder)) == [8, 7]
        assert len([*folder.glob("galleries/images/segments/*")]) == 7, "the merged, and its parts"
        writer.commit(None, [], [add("/copy.jpg", 1)])
        writer.collect_garbage()
        assert len([*folder.glob("galleries/images/segments/*")]) == 1
        assert writer.collect_garbage() == 0
    assert len(read_state(folder, catalogue_url).items) == 6


def test_files_of_others_and_orphans_are_told_apart(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    notes = ["notes.txt", "galleries/images/mine.npy", "galleries/images/segments/keep/me.txt"]
    orphans = [
        "changes/" + "0" * 24 + ".jsonl",
        "galleries/images/codebook-" + "0" * 24 + ".faiss",
        "galleries/images/segments/" + "0" * 24 + "/vectors.npy",
    ]
    for name in (*notes, *orphans):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    with CollectionWriter.open(folder, ENCODER) as writer:
        assert writer.collect_garbage() == len(orphans)
    left = files_of(folder)
    assert set(notes) <= left
    assert not set(orphans) & left


def test_files_that_only_a_later_version_understands_are_kept(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    router = folder / "galleries/images" / ("codebook-" + "a" * 24 + ".faiss")
    router.write_bytes(b"router")
    rewrite(
        folder, 2, lambda manifest: manifest["galleries"]["images"].update(router=entry(router))
    )
    rewrite(folder, 2, lambda manifest: manifest.update(tags={"style": 3}))
    with CollectionWriter.open(folder, ENCODER) as writer:
        for number in range(2, 5):
            put(writer, number)
        writer.delete_items([1])
        writer.collect_garbage()
        assert writer.manifest.unknown == {"tags": {"style": 3}}
        assert "router" in writer.manifest.galleries["images"].unknown
    assert router.exists()


def entry(path):
    data = path.read_bytes()
    name = f"galleries/images/{path.name}"
    return {"name": name, "size_bytes": len(data), "sha256": sha256(data).hexdigest()}


def rewrite(folder, generation, change):
    """Change a manifest's JSON and seal it again, as a later version might have written it."""
    path = manifest_path(folder, generation)
    body = json.loads(path.read_bytes().rpartition(b"#sha256 ")[0])
    change(body)
    data = json.dumps(body).encode() + b"\n"
    path.write_bytes(data + b"#sha256 " + sha256(data).hexdigest().encode() + b"\n")


def test_a_reader_that_loses_the_race_opens_the_newest(tmp_path, catalogue_url, monkeypatch):
    folder = new_collection(tmp_path / "c", 1, url=catalogue_url)
    real, races = collection_module.newest_manifest, []

    def newest_manifest(folder):
        found = real(folder)
        if len(races) < 2:  # between the choice and the opening, a writer moves on twice
            races.append(found)
            with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
                put(writer, 10 * len(races))
                writer.merge_small_segments(50)
                writer.commit(None, [], [add(f"/{len(races)}", 1)])
                writer.collect_garbage()
        return found

    monkeypatch.setattr(collection_module, "newest_manifest", newest_manifest)
    with Collection.open(folder, catalogue_url=catalogue_url) as view:
        assert view.generation == real(folder)[0].generation
        assert len(state_of(view).items) == 3
    assert len(races) == 2


def test_an_error_that_is_no_race_is_told_at_once(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    next(folder.rglob("ids.npy")).unlink()
    with pytest.raises(CorruptCollectionError, match=r"ids\.npy is missing"):
        Collection.open(folder)


def test_a_generation_whose_rows_are_gone_is_refused(tmp_path, catalogue_url):
    folder = new_collection(tmp_path / "c", 1, 2, url=catalogue_url)
    with Collection.open(folder, catalogue_url=catalogue_url) as old:
        with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
            writer.commit(None, [], [remove("/photos/1.jpg", 1)])
            writer.collect_garbage()
            assert len(state_of(old).items) == 2, "the last generation but one is kept"
            put(writer, 3)
            writer.collect_garbage()
        with pytest.raises(CatalogueError, match="no longer knows generation 2"):
            old.catalogue.hydrate([1], old.generation)


def in_turn(calls):
    return lambda path: next(calls)(path)


def test_a_crash_in_the_middle_leaves_a_collection_that_opens(tmp_path, monkeypatch):
    folder = new_collection(tmp_path / "c", 1)

    class Death(BaseException):
        pass

    def die(path):
        raise Death

    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 2)
        writer.merge_small_segments(50)
        put(writer, 3)
        before = read_state(folder)
        real = durable.remove
        for n_removed in range(1, 9):
            budget = iter([real] * n_removed + [die])
            with monkeypatch.context() as patch:
                patch.setattr(durable, "remove", in_turn(budget))
                with contextlib.suppress(Death):
                    writer.collect_garbage()
            assert read_state(folder) == before
        writer.collect_garbage()
    assert len([*folder.glob("galleries/images/segments/*")]) == 2
