"""Vectors from elsewhere: taken as they are, once, or refused with a reason."""

import hashlib
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embeddings import Embeddings, index_embeddings
from indexer.service import IndexOptions, index_folders, verify_collection
from retrieval.encoders.registry import _registered, register_encoder
from retrieval.errors import (
    CollectionMissingError,
    EncoderMismatchError,
    EncoderUnavailableError,
    SettingsError,
    SourceError,
)
from retrieval.model import FIRST_ID
from retrieval.store.collection import Collection
from tests.collection_kit import read_state
from tests.factories import GeometryEncoder
from tests.indexer.service.kit import paint

FINGERPRINT = "ab" * 32
DIM = 8


def unit_rows(n, seed=0, dtype=np.float32, dim=DIM):
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "collection"


@pytest.fixture
def put(tmp_path, folder):
    """Write vectors and ids, and take them in."""

    def put(vectors, ids, *, segment_items=4096, dry_run=False, **said):
        np.save(tmp_path / "v.npy", vectors)
        lines = b"".join((i if isinstance(i, bytes) else i.encode()) + b"\n" for i in ids)
        (tmp_path / "ids.txt").write_bytes(lines)
        said = said or {"model": "far", "fingerprint": FINGERPRINT}
        source = Embeddings(tmp_path / "v.npy", tmp_path / "ids.txt", **said)
        options = IndexOptions(import_items=segment_items, dry_run=dry_run)
        return index_embeddings(source, folder, options=options)

    return put


def counts(report):
    return (report.added, report.updated, report.unchanged, len(report.skipped))


def reasons(report):
    return {os.fsdecode(skip.path).rpartition("/")[2]: skip.reason for skip in report.skipped}


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


def test_rows_that_cannot_be_used_are_skipped_with_a_reason(put, folder):
    rows = unit_rows(9)
    rows[1] = 0
    rows[2, 3] = np.nan
    rows[3, 0] = np.inf
    names = ["a", "zero", "nan", "inf", "", "b", "a", "x\0y", " "]
    report = put(rows, names)
    assert counts(report) == (2, 0, 0, 7)
    assert sum(counts(report)) == 9
    assert reasons(report) == {
        "zero": "vector is zero",
        "nan": "vector is not finite",
        "inf": "vector is not finite",
        "a": "the same id again",
        "v.npy:5": "no id",
        "v.npy:8": "no id",
        "v.npy:9": "no id",
    }


def test_other_lengths_are_normalised_and_said(put, folder, caplog):
    rows = unit_rows(3).astype(np.float64) * np.array([[1.0], [7.0], [1e-30]])
    put(rows, "abc")
    assert "2 vectors were not of length 1" in caplog.text
    with Collection.open(folder) as view:
        norms = np.linalg.norm(view.gallery("images").gather(np.array([1, 2, 3])), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-3)


def test_numbers_beyond_float32_are_not_finite(put):
    rows = unit_rows(2).astype(np.float64)
    rows[0] *= 1e300
    assert reasons(put(rows, "ab")) == {"a": "vector is not finite"}


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


def test_a_vector_of_the_other_gallery_is_refused(put):
    rows = unit_rows(2)
    said = {"model": "far", "fingerprint": FINGERPRINT}
    put(rows[:1], "a", gallery="images", **said)
    report = put(rows, "ab", gallery="texts", **said)
    assert counts(report) == (1, 0, 0, 1)
    assert reasons(report) == {"a": "the other gallery has this vector"}


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


@pytest.fixture
def geometry():
    register_encoder("geometry", GeometryEncoder)
    yield GeometryEncoder().info
    del _registered["geometry"]


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


def test_another_space_is_refused(put, geometry):
    put(unit_rows(2), "ab", model="geometry")
    with pytest.raises(EncoderMismatchError):
        put(unit_rows(2), "cd", model="far", fingerprint=FINGERPRINT)


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ({"gallery": "images"}, SettingsError, "nothing says which encoder"),
        ({"fingerprint": FINGERPRINT}, SettingsError, "needs the name"),
        ({"model": "far", "fingerprint": "abc"}, SettingsError, "no fingerprint"),
        ({"model": "far", "fingerprint": "g" * 64}, SettingsError, "no fingerprint"),
        ({"model": "far"}, EncoderUnavailableError, "no model 'far'"),
        ({"model": "geometry"}, SourceError, "the vectors have 6 numbers, those of geometry"),
    ],
)
def test_what_the_user_says_is_checked(put, folder, geometry, said, error, message):
    with pytest.raises(error, match=message) as found:
        put(unit_rows(2, dim=6), "ab", **said)
    assert found.value.hint
    assert not folder.exists()


def test_a_dim_that_is_not_the_collections_is_refused(put):
    put(unit_rows(2), "ab")
    with pytest.raises(SourceError, match=r"have 6 numbers, those of far .* have 8"):
        put(unit_rows(2, dim=6), "cd")


@pytest.mark.parametrize("ids", ["abc", "a", "abcde"])
def test_lengths_that_differ_are_refused(put, folder, ids):
    if len(ids) == 4:
        pytest.skip("the same")
    with pytest.raises(SourceError, match=rf"4 rows, .*ids.txt has {len(ids)} lines"):
        put(unit_rows(4), ids)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.arange(6).reshape(2, 3), "holds int64"),
        (np.ones(4, np.float32), "has shape"),
        (np.ones((2, 2, 2), np.float32), "has shape"),
        (np.empty((0, 8), np.float32), "has shape"),
        (np.empty((2, 0), np.float32), "has shape"),
        (np.ones((2, 2), np.longdouble), "holds float128"),
        (np.array([["a"], ["b"]]), "holds <U1"),
    ],
)
def test_arrays_that_are_no_vectors_are_refused(put, folder, array, message):
    with pytest.raises(SourceError, match=message) as error:
        put(array, "ab")
    assert error.value.hint
    assert not folder.exists()


def source_of(tmp_path, vectors, ids=b"a\nb\n"):
    (tmp_path / "v.npy").write_bytes(vectors)
    (tmp_path / "ids.txt").write_bytes(ids)
    return Embeddings(
        tmp_path / "v.npy", tmp_path / "ids.txt", model="far", fingerprint=FINGERPRINT
    )


def npy(tmp_path, array, **options):
    np.save(tmp_path / "x.npy", array, **options)
    return (tmp_path / "x.npy").read_bytes()


def test_files_that_are_cut_empty_or_pickles_are_refused(tmp_path, folder):
    whole = npy(tmp_path, unit_rows(2))
    pickled = npy(tmp_path, np.array([{}, {}]), allow_pickle=True)
    for content in (b"", b"\x93NUMPY", whole[:100], whole[:-1], pickled, b"PK\x03\x04", b"x" * 300):
        with pytest.raises(SourceError) as error:
            index_embeddings(source_of(tmp_path, content), folder)
        assert error.value.hint
    assert not folder.exists()


def test_missing_files_are_refused(tmp_path, folder):
    source = source_of(tmp_path, npy(tmp_path, unit_rows(2)))
    for name in ("v.npy", "ids.txt"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        with pytest.raises(SourceError, match="no such file"):
            index_embeddings(source, folder)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match="nothing says what the rows"):
        index_embeddings(Embeddings(tmp_path / "v.npy", model="far"), folder)


def test_where_no_row_can_be_used_no_collection_is_made(put, folder):
    with pytest.raises(SourceError, match=r"no usable vector.*is zero"):
        put(np.zeros((3, 4), np.float32), "abc")
    assert not folder.exists()


def test_a_dry_run_counts_and_changes_nothing(put, folder):
    assert counts(put(unit_rows(3), "abc", dry_run=True, model="far", fingerprint=FINGERPRINT)) == (
        (3, 0, 0, 0)
    )
    with pytest.raises(CollectionMissingError):
        Collection.open(folder)
    generation = put(unit_rows(3), "abc").generation
    report = put(unit_rows(4), "abcd", dry_run=True, model="far", fingerprint=FINGERPRINT)
    assert (counts(report), report.generation) == ((1, 0, 3, 0), generation)


def clip_retrieval(folder, n=(3, 2), *, columns=("image_path", "caption"), texts=True):
    """A folder as clip-retrieval inference writes it."""
    for name in ("img_emb", "text_emb", "metadata"):
        (folder / name).mkdir(parents=True)
    for part, rows in enumerate(n):
        np.save(folder / "img_emb" / f"img_emb_{part}.npy", unit_rows(rows, part, np.float16))
        if texts:
            vectors = unit_rows(rows, part + 50, np.float16)
            np.save(folder / "text_emb" / f"text_emb_{part}.npy", vectors)
        values = {
            "image_path": [f"{part}{i:08}" for i in range(rows)],
            "caption": [f"caption {part} {i}" for i in range(rows)],
            "url": [f"http://x/{part}/{i}" if i else None for i in range(rows)],
        }
        table = pa.table({name: values[name] for name in columns})
        pq.write_table(table, folder / "metadata" / f"metadata_{part}.parquet")
    return Embeddings(folder, model="far", fingerprint=FINGERPRINT)


def test_a_folder_of_clip_retrieval_fills_both_galleries(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out")
    assert counts(index_embeddings(source, folder)) == (10, 0, 0, 0)
    assert counts(index_embeddings(source, folder)) == (0, 0, 10, 0)
    with Collection.open(folder) as view:
        assert [view.gallery(name).n_items for name in ("images", "texts")] == [5, 5]
        found = view.catalogue.hydrate([4, FIRST_ID["texts"] + 3], view.generation)
    for record in found.values():
        assert record.files[0].path == b"100000000"
        assert record.captions == ("caption 1 0",)
    assert verify_collection(folder).problems == ()


def test_one_gallery_of_a_folder(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out")
    only = Embeddings(source.vectors, None, "texts", "far", FINGERPRINT)
    assert counts(index_embeddings(only, folder))[0] == 5


def test_an_address_says_more_than_a_key(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out", (2,), columns=("image_path", "url"), texts=False)
    index_embeddings(source, folder)
    paths = {path for _, files, _ in read_state(folder).items.values() for path in files}
    assert paths == {b"000000000", b"http://x/0/1"}


def test_folders_that_do_not_fit_together_are_refused(tmp_path, folder):
    source = clip_retrieval(tmp_path / "a", columns=("caption",))
    with pytest.raises(SourceError, match="neither a column image_path nor url"):
        index_embeddings(source, folder)
    source = clip_retrieval(tmp_path / "b")
    np.save(tmp_path / "b" / "img_emb" / "img_emb_1.npy", unit_rows(7))
    with pytest.raises(SourceError, match=r"7 rows, .*metadata_1.parquet has 2"):
        index_embeddings(source, folder)
    np.save(tmp_path / "b" / "img_emb" / "img_emb_1.npy", unit_rows(2, dim=4))
    with pytest.raises(SourceError, match=r"vectors of 8 numbers in .*, of 4 in"):
        index_embeddings(source, folder)
    (tmp_path / "b" / "metadata" / "metadata_0.parquet").unlink()
    with pytest.raises(SourceError, match="no such table"):
        index_embeddings(source, folder)
    with pytest.raises(SourceError, match="no img_emb"):
        index_embeddings(Embeddings(tmp_path / "none", model="far"), folder)


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
