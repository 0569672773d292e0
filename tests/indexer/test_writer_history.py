"""Random histories of a writer against a plain dictionary that does the same."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from indexer.recover import rebuild_catalogue
from indexer.writer import CollectionWriter
from retrieval.engine import SearchEngine
from retrieval.store.changes import decode_changes
from retrieval.store.collection import Collection, open_galleries
from retrieval.store.manifest import newest_manifest
from retrieval.store.receipts import Receipts
from tests.collection_kit import ENCODER, add, digest, item, read_state, remove, vector, vectors


@dataclass
class Model:
    """What the collection must hold: the paths of every content, in order of arrival."""

    paths: dict = field(default_factory=dict)  # content number -> [path, ...], () when dead
    ids: dict = field(default_factory=dict)  # content number -> id while its vector exists

    def take(self, path):
        for paths in self.paths.values():
            if path in paths:
                paths.remove(path)

    def place(self, number, path):
        self.take(path)
        self.paths.setdefault(number, []).append(path)

    def forget_dead(self, still_there):
        """Contents whose vectors a merge dropped."""
        self.ids = {number: each for number, each in self.ids.items() if each in still_there}

    def visible(self):
        return {digest(number): paths for number, paths in self.paths.items() if paths}


def commit_new(rng, writer, model):
    numbers = rng.choice(40, size=rng.integers(1, 5), replace=False).tolist()
    new = {number: f"/p/{rng.integers(30)}".encode() for number in numbers}
    unique = {number: path for number, path in new.items() if [*new.values()].count(path) == 1}
    if not unique:
        return
    commit = writer.commit(vectors(unique), [item(number, path) for number, path in unique.items()])
    born = {number for number in unique if number not in model.ids}
    # Known contents only get a path: as a change, which is entered before the births are counted.
    for number in sorted(unique, key=lambda each: each in born):
        model.place(number, unique[number])
    model.ids |= dict(zip(unique, commit.ids, strict=True))


def change_paths(rng, writer, model):
    if not model.ids:
        return
    changes = []
    for number in rng.choice(sorted(model.ids), size=rng.integers(1, 4)).tolist():
        path = f"/p/{rng.integers(30)}".encode()
        if path in {change.file.path for change in changes}:
            continue
        if path in model.paths.get(number, ()) and rng.random() < 0.7:
            changes.append(remove(path, model.ids[number]))
            model.paths[number].remove(path)
        else:
            changes.append(add(path, model.ids[number]))
            model.place(number, path)
    writer.commit(None, [], changes)


def delete(rng, writer, model):
    if not model.ids:
        return
    number = int(rng.choice(sorted(model.ids)))
    writer.delete_items([model.ids[number]])
    model.paths[number] = []


def merge(rng, writer, model):
    writer.merge_small_segments(int(rng.integers(1, 30)))
    gallery = writer.collection.gallery("images")
    model.forget_dead({i for segment in gallery.segments for i in segment.ids.tolist()})


def compact(rng, writer, model):
    writer.compact(int(rng.integers(3, 60)))
    gallery = writer.collection.gallery("images")
    model.forget_dead({i for segment in gallery.segments for i in segment.ids.tolist()})
    assert gallery.tombstones.size == 0


def collect(rng, writer, model):
    writer.collect_garbage()


OPERATIONS = {commit_new: 5, change_paths: 6, delete: 2, merge: 2, compact: 1, collect: 1}


def assert_search_agrees(folder, url, model):
    """Every living item and no other is found, best first, and k is filled."""
    alive = {model.ids[number]: number for number, paths in model.paths.items() if paths}
    queries = vectors([3, 17])
    with SearchEngine.open(folder, catalogue_url=url) as engine:
        for k in (1, 5, 100):
            scores, ids = engine.search_vectors(queries, k)
            assert ids.shape == (2, min(k, len(alive)))
            for query, own_ids, own_scores in zip(queries, ids, scores, strict=True):
                exact = {i: float(vector(n) @ query) for i, n in alive.items()}
                best = sorted(exact.values(), reverse=True)[:k]
                assert own_scores.tolist() == pytest.approx(best, abs=2e-3)
                assert set(own_ids.tolist()) <= set(alive)
                assert len(set(own_ids.tolist())) == len(own_ids)


def state_from_files(folder):
    """Items and paths as the files alone say, catalogue left aside: births, then logs."""
    manifest, _ = newest_manifest(folder)
    paths, shas, alive = {}, {}, set()
    for gallery in open_galleries(folder, manifest, Receipts(None)).values():
        for segment in gallery.segments:
            alive |= set(segment.ids.tolist())
            for record in segment.records():
                paths[record.id] = [file.path for file in record.files]
                shas[record.id] = record.sha256
        alive -= set(gallery.tombstones.tolist())
    for entry in manifest.changes:
        for change in decode_changes((folder / entry.name).read_bytes(), folder / entry.name):
            if change.file.path in paths[change.item_id]:
                paths[change.item_id].remove(change.file.path)
            if change.op == "add":
                paths[change.item_id].append(change.file.path)
    assert alive == {item_id for item_id, found in paths.items() if found}
    return {shas[item_id]: found for item_id, found in paths.items() if found}


def content_of(view):
    found = {}
    for segment in view.gallery("images").segments:
        for record in view.catalogue.hydrate(segment.ids.tolist(), view.generation).values():
            found[record.sha256] = [file.path for file in record.files]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_any_history_ends_where_a_dictionary_ends(tmp_path, catalogue_url, seed):
    rng = np.random.default_rng(seed)
    model = Model()
    folder = tmp_path / "c"
    operations, weights = zip(*OPERATIONS.items(), strict=True)
    for _ in range(4):
        with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
            for _ in range(8):
                operation = rng.choice(operations, p=np.array(weights) / sum(weights))
                operation(rng, writer, model)
                assert content_of(writer.collection) == model.visible(), operation.__name__
        with Collection.open(folder, catalogue_url=catalogue_url) as reader:
            assert content_of(reader) == model.visible()
        assert state_from_files(folder) == model.visible()
        assert_search_agrees(folder, catalogue_url, model)

    before = read_state(folder, catalogue_url)
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        rebuild_catalogue(folder, writer.manifest, writer._rows)
    assert read_state(folder, catalogue_url) == before
    with Collection.open(folder, catalogue_url=catalogue_url) as reader:
        assert content_of(reader) == model.visible(), "the order of an item's files too"
