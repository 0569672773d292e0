"""Near-duplicates of a collection, and answers that show each picture once."""

import numpy as np
import pytest

from indexer.writer import CollectionWriter, NewItem
from retrieval import duplicates
from retrieval.duplicates import find_duplicates, search_grouped
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.model import FileRef, ImageMeta
from retrieval.query.algebra import Query, Text
from tests import collection_kit as kit

# name: (number of its vector, how far from it, width, bytes)
PICTURES = {
    "small": (1, 0.0, 100, 10),
    "large": (1, 0.02, 900, 10),
    "heavy": (1, 0.01, 100, 99),
    "other": (2, 0.0, 500, 10),
    "other-again": (2, 0.03, 500, 10),
    "alone": (3, 0.0, 500, 10),
}


def row(number, away):
    """A unit vector at a small angle from that of a number."""
    side = kit.vector(number + 1000)
    side -= kit.vector(number) * (side @ kit.vector(number))
    return np.cos(away) * kit.vector(number) + np.sin(away) * side / np.linalg.norm(side)


@pytest.fixture
def folder(tmp_path):
    rows = np.stack([row(number, away) for number, away, *_ in PICTURES.values()])
    items = [
        NewItem(kit.digest(n), ImageMeta("JPEG", width, 100), (kit.ref(f"/p/{name}", size),))
        for n, (name, (_, _, width, size)) in enumerate(PICTURES.items())
    ]
    with CollectionWriter.open(tmp_path / "c", kit.ENCODER) as writer:
        writer.commit(rows[:2].astype(np.float32), items[:2])
        writer.commit(rows[2:].astype(np.float32), items[2:])
    return tmp_path / "c"


def grouped(folder, threshold=0.97):
    with SearchEngine.open(folder) as engine:
        return find_duplicates(engine, threshold)


def names(group):
    return [each.files[0].name for each in (group.best, *(one.item for one in group.others))]


def test_groups_begin_with_the_most_pixels_then_the_most_bytes(folder):
    found = grouped(folder)
    # Of the others the more alike comes first: "heavy" is at .01, "small" at 0, "large" at .02.
    assert [names(each) for each in found.groups] == [
        ["large", "heavy", "small"],
        ["other", "other-again"],
    ]
    assert found.is_exact
    assert [each.spare_bytes for each in found.groups] == [109, 10]
    cosines = [each.cosine for each in found.groups[0].others]
    assert cosines == pytest.approx([np.cos(0.01), np.cos(0.02)], abs=1e-3)


def test_a_threshold_of_one_leaves_what_is_equal(folder):
    assert [names(each) for each in grouped(folder, 0.9999).groups] == [["large", "heavy"]]
    assert grouped(folder, 1.0).groups == ()
    with CollectionWriter.open(folder, None) as writer:
        twin = NewItem(kit.digest(99), ImageMeta("JPEG", 7, 7), (kit.ref("/p/twin"),))
        writer.commit(kit.vectors([3]), [twin])
    assert [names(each) for each in grouped(folder, 1.0).groups] == [["alone", "twin"]]
    for wrong in (0.0, 1.01, -1.0, float("nan")):
        with pytest.raises(QueryError, match="threshold"):
            grouped(folder, wrong)


def test_exact_copies_and_deleted_pictures(folder):
    with CollectionWriter.open(folder, None) as writer:
        view = writer.collection
        (alone,) = view.catalogue.files_at([b"/p/alone"], view.generation)
        (heavy,) = view.catalogue.files_at([b"/p/heavy"], view.generation)
        writer.commit(None, [], [kit.add("/q/alone", alone.item_id, size_bytes=10)])
        writer.delete_items([heavy.item_id])
    found = grouped(folder)
    assert [names(each) for each in found.groups] == [
        ["alone"],
        ["large", "small"],
        ["other", "other-again"],
    ]
    copies = found.groups[0]
    assert (copies.n_files, copies.spare_bytes, copies.others) == (2, 10, ())


def test_the_index_is_asked_where_all_pairs_are_too_many(folder, monkeypatch):
    """Without an index in so small a collection, the searches themselves are exact."""
    expected = grouped(folder)
    numbered = duplicates._NumberedSearch
    asked = []

    class Watched(numbered):
        def rank(self, vectors, k):
            asked.append(len(vectors))
            return super().rank(vectors, k)

    monkeypatch.setattr(duplicates, "_NumberedSearch", Watched)
    monkeypatch.setattr(duplicates, "EXACT_ITEMS", 3)
    assert grouped(folder).is_exact, "there is no index to ask"
    monkeypatch.setattr(duplicates, "_has_index", lambda gallery: True)
    found = grouped(folder)
    assert not found.is_exact
    assert asked
    assert found.groups == expected.groups


class Near:
    """Knows the vector of the number that a text is."""

    info = kit.ENCODER

    def encode_texts(self, texts):
        return kit.vectors([int(text) for text in texts])


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_an_answer_shows_each_picture_once_and_is_filled(folder, k):
    with SearchEngine.open(folder, encoder=Near()) as engine:
        found = search_grouped(engine, Query(Text("1")), k)
        plain = engine.search(Query(Text("1")), 6)
    assert len(found.result.hits) == min(k, 3)
    assert [hit.rank for hit in found.result.hits] == list(range(1, min(k, 3) + 1))
    best = found.result.hits[0]
    assert (best.item.files[0].name, found.n_alike[best.item.id]) == ("small", 2)
    scores = [hit.score for hit in found.result.hits]
    assert scores == sorted(scores, reverse=True)
    assert {hit.item.id for hit in found.result.hits} <= {hit.item.id for hit in plain.hits}


def test_it_looks_deeper_until_k_are_found(tmp_path):
    """Sixty pictures that are alike, and two that are not, far down."""
    rows = [row(1, 0.001 * i) for i in range(60)] + [kit.vector(7), kit.vector(9)]
    items = [
        NewItem(kit.digest(i), ImageMeta("JPEG", 9, 9), (FileRef(b"/%d" % i, 1, 1),))
        for i in range(len(rows))
    ]
    with CollectionWriter.open(tmp_path / "c", kit.ENCODER) as writer:
        writer.commit(np.stack(rows).astype(np.float32), items)
    with SearchEngine.open(tmp_path / "c", encoder=Near()) as engine:
        found = search_grouped(engine, Query(Text("1")), 3)
    assert len(found.result.hits) == 3
    assert sorted(found.n_alike.values()) == [0, 0, 59]
