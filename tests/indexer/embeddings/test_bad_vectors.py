"""Vectors that cannot be used: skipped one by one, or refused, with a reason."""

import numpy as np
import pytest

from indexer.embeddings import Embeddings, index_embeddings
from retrieval.errors import (
    EncoderMismatchError,
    EncoderUnavailableError,
    SettingsError,
    SourceError,
)
from tests.indexer.embeddings.kit import FINGERPRINT, counts, reasons, unit_rows


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


def test_numbers_beyond_float32_are_not_finite(put):
    rows = unit_rows(2).astype(np.float64)
    rows[0] *= 1e300
    assert reasons(put(rows, "ab")) == {"a": "vector is not finite"}


def test_a_vector_of_the_other_gallery_is_refused(put):
    rows = unit_rows(2)
    said = {"model": "far", "fingerprint": FINGERPRINT}
    put(rows[:1], "a", gallery="images", **said)
    report = put(rows, "ab", gallery="texts", **said)
    assert counts(report) == (1, 0, 0, 1)
    assert reasons(report) == {"a": "the other gallery has this vector"}


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
