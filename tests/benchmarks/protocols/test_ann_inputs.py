"""Vectors that cannot be measured are refused before anything is built."""

import numpy as np
import pytest

from benchmarks.protocols.ann_inputs import read_inputs
from retrieval.errors import SettingsError, SourceError
from tests.benchmarks.kit import DIM, write_vectors


def read(paths, limit=None):
    queries = {"text": paths["text_queries"], "image": paths["image_queries"]}
    return read_inputs(paths["base"], queries, paths["train_texts"], limit)


def test_what_is_read_is_what_the_files_hold(tmp_path):
    paths = write_vectors(tmp_path)
    inputs = read(paths, limit=100)
    assert inputs.base.shape == (100, DIM)
    assert inputs.base.dtype == np.float16
    assert np.array_equal(inputs.queries["text"], np.load(paths["text_queries"]))
    assert list(inputs.sources) == ["base", "text_queries", "image_queries", "train_texts"]
    assert all(len(source["sha256"]) == 64 for source in inputs.sources.values())


def nan_in_row_5(rows):
    rows[5, 0] = np.nan


def twice_as_long(rows):
    rows[7] *= 2


def zero(rows):
    rows[0] = 0


@pytest.mark.parametrize("name", ["base", "text_queries", "image_queries", "train_texts"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (nan_in_row_5, "row 5 .* NaN or infinity"),
        (twice_as_long, r"row 7 .* length 2(\.0\d*)?, not 1"),
        (zero, "row 0 .* length 0, not 1"),
    ],
)
def test_rows_that_are_no_unit_vectors_are_named(tmp_path, name, spoil, message):
    paths = write_vectors(tmp_path)
    rows = np.load(paths[name])
    spoil(rows)
    np.save(paths[name], rows)
    with pytest.raises(SourceError, match=message) as caught:
        read(paths)
    assert paths[name].name in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.eye(16, dtype=np.float32), "16 numbers, .* of 32"),
        (np.eye(32, dtype=np.int8), "int8"),
        (np.eye(32, dtype=np.complex64), "complex64"),
        (np.ones(32, np.float32), "shape"),
        (np.eye(32, dtype=np.float32)[:1], "1 row"),
    ],
    ids=["dimension", "integers", "complex", "one vector", "one row"],
)
def test_arrays_of_another_kind_are_refused(tmp_path, array, message):
    paths = write_vectors(tmp_path)
    np.save(paths["image_queries"], array)
    with pytest.raises(SourceError, match=message):
        read(paths)


def test_a_missing_file_and_a_tiny_limit_are_refused(tmp_path):
    paths = write_vectors(tmp_path)
    with pytest.raises(SettingsError, match="limit 1"):
        read(paths, limit=1)
    paths["text_queries"].unlink()
    with pytest.raises(SourceError, match=r"text_queries\.npy"):
        read(paths)
