"""Vectors from elsewhere: taken as they are, once."""

import hashlib
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embeddings import Embeddings, index_embeddings
from indexer.service import IndexOptions, index_folders, verify_collection
from retrieval.errors import CollectionMissingError
from retrieval.model import FIRST_ID
from retrieval.store.collection import Collection
from tests.collection_kit import read_state
from tests.factories import GeometryEncoder
from tests.indexer.embeddings.kit import FINGERPRINT, counts, reasons, unit_rows
from tests.indexer.service.kit import paint


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_vectors_are_stored_as_they_are(put, folder, dtype):
    rows = unit_rows(5, dtype=dtype)
    assert counts(put(rows, "abcde")) == (5, 0, 0, 0)
    with Collection.open(folder) as view:
        assert (view.manifest.encoder.name, view.manifest.encoder.fingerprint) == (
            "far",
            FINGERPRINT,
        )
        gallery = view.gallery("images")
        ids = gallery.segments[0].ids
        np.testing.assert_allclose(gallery.gather(ids), rows.astype(np.float32), atol=1e-3)
        first = view.catalogue.hydrate([1], view.generation)[1]
        assert first.sha256 == hashlib.sha256(rows[0].astype("<f4").tobytes()).hexdigest()
        assert (first.files[0].path, first.meta.format) == (b"a", "VECTOR")
    assert verify_collection(folder).problems == ()


def test_a_second_time_changes_nothing(put, folder):
    rows = unit_rows(30)
    names = [f"key-{i}" for i in range(30)]
    first = put(rows, names, segment_items=7)
    again = put(rows, names, segment_items=7)
    assert counts(again) == (0, 0, 30, 0)
    assert again.generation == first.generation


def test_more_of_the_same_is_added(put, folder):
    rows = unit_rows(6)
    put(rows[:4], "abcd")
    assert counts(put(rows, "abcdef")) == (2, 0, 4, 0)
    assert counts(put(unit_rows(6, seed=9), "abcdef")) == (0, 6, 0, 0)
    state = read_state(folder)
    assert sorted(path for _, files, _ in state.items.values() for path in files) == [
        b"a", b"b", b"c", b"d", b"e", b"f",
    ]  # fmt: skip


def test_ids_that_share_a_row_are_files_of_one_item(put, folder):
    row = unit_rows(1)
    report = put(np.repeat(row, 5, axis=0), "abcde", segment_items=2)
    assert counts(report) == (5, 0, 0, 0)
    ((_, files, _),) = read_state(folder).items.values()
    assert sorted(files) == [b"a", b"b", b"c", b"d", b"e"]


def test_other_lengths_are_normalised_and_said(put, folder, caplog):
    rows = unit_rows(3).astype(np.float64) * np.array([[1.0], [7.0], [1e-30]])
    put(rows, "abc")
    assert "2 vectors were not of length 1" in caplog.text
    with Collection.open(folder) as view:
        norms = np.linalg.norm(view.gallery("images").gather(np.array([1, 2, 3])), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-3)


def test_texts_go_into_their_own_gallery_and_a_picture_may_have_many(put, folder):
    report = put(
        unit_rows(3), ["a dog", "a cat", "a dog"], gallery="texts", model="far",
        fingerprint=FINGERPRINT,
    )  # fmt: skip
    assert counts(report) == (3, 0, 0, 0)
    state = read_state(folder)
    assert min(state.items) == FIRST_ID["texts"]
    assert sorted(captions for _, _, captions in state.items.values()) == [
        ("a cat",), ("a dog",), ("a dog",),
    ]  # fmt: skip


def test_ids_of_files_that_are_there_name_those_files(put, folder, tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(b"x" * 77)
    names = [
        "img/a.png",
        str(tmp_path / "img" / ".." / "img" / "a.png"),
        "http://x/b",
        "img/none.png",
    ]
    assert reasons(put(unit_rows(4), names)) == {"a.png": "the same id again"}
    files = {p: s for _, each, _ in read_state(folder).items.values() for p, s in each.items()}
    here = os.fsencode(tmp_path / "img" / "a.png")
    assert set(files) == {here, b"http://x/b", b"img/none.png"}
    assert files[here][0] == 77


def test_an_encoder_at_hand_is_asked_for_its_fingerprint(put, folder, geometry):
    put(unit_rows(2), "ab", model="geometry")
    with Collection.open(folder) as view:
        assert view.manifest.encoder == geometry


def test_a_run_over_the_folder_leaves_the_vectors_of_files_that_did_not_change(
    put, folder, tmp_path, geometry
):
    for i in range(3):
        paint(tmp_path / "photos" / f"{i}.png", i)
    put(unit_rows(2), ["photos/0.png", "photos/1.png"], model="geometry")
    report = index_folders([tmp_path / "photos"], folder, encoder=GeometryEncoder())
    assert (report.added, report.unchanged, report.updated) == (1, 2, 0)
    paint(tmp_path / "photos" / "1.png", 50, size=(30, 30))
    report = index_folders([tmp_path / "photos"], folder, encoder=GeometryEncoder())
    assert (report.added, report.unchanged, report.updated) == (0, 2, 1)


def test_the_collections_own_encoder_needs_no_name(put, geometry):
    put(unit_rows(2), "ab", model="geometry")
    assert counts(put(unit_rows(3, seed=2), "cde", gallery="images")) == (3, 0, 0, 0)
    assert counts(put(unit_rows(1, seed=3), "f", fingerprint=geometry.fingerprint.upper()))[0] == 1


def test_a_dry_run_counts_and_changes_nothing(put, folder):
    assert counts(put(unit_rows(3), "abc", dry_run=True, model="far", fingerprint=FINGERPRINT)) == (
        (3, 0, 0, 0)
    )
    with pytest.raises(CollectionMissingError):
        Collection.open(folder)
    generation = put(unit_rows(3), "abc").generation
    report = put(unit_rows(4), "abcd", dry_run=True, model="far", fingerprint=FINGERPRINT)
    assert (counts(report), report.generation) == ((1, 0, 3, 0), generation)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_every_row_ends_in_one_count_and_the_last_state_is_idempotent(
    tmp_path_factory, rows, segment_items
):
    folder = tmp_path_factory.mktemp("v")
    vectors = unit_rows(4)
    np.save(folder / "v.npy", np.stack([vectors[number] for _, number in rows]))
    (folder / "ids.txt").write_text("".join(f"{name}\n" for name, _ in rows))
    source = Embeddings(folder / "v.npy", folder / "ids.txt", None, "far", FINGERPRINT)
    options = IndexOptions(import_items=segment_items)
    first = index_embeddings(source, folder / "c", options=options)
    n_names = len({name for name, _ in rows})
    assert counts(first) == (n_names, 0, 0, len(rows) - n_names)
    again = index_embeddings(source, folder / "c", options=options)
    assert counts(again) == (0, 0, n_names, len(rows) - n_names)
    assert again.generation == first.generation
    expected = {}
    for name, number in rows:
        expected.setdefault(name.encode(), number)
    shas = [hashlib.sha256(each.astype("<f4").tobytes()).hexdigest() for each in vectors]
    state = read_state(folder / "c")
    found = {path: sha for sha, files, _ in state.items.values() for path in files}
    assert found == {name: shas[number] for name, number in expected.items()}
