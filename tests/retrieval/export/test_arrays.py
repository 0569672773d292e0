"""Vectors as .npy files and as parquet."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from retrieval.export import records
from retrieval.export.arrays import ARRAY_FILES, VectorShape, write_arrays, write_vector_table
from retrieval.export.records import count_items, vector_chunks
from tests.collection_kit import DIM, vectors
from tests.retrieval.export.kit import ODD
from tests.retrieval.export.test_records import NUMBERS

FIRST_PATHS = [b"/photos/1.jpg", b"/photos/3.jpg", *ODD, b"/a/copy.jpg"]


def shape_of(collection, precision, gallery="images"):
    return VectorShape(count_items(collection, gallery), DIM, precision, gallery)


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("at_once", [2, 4096])
def test_arrays_read_back_equal(odd, tmp_path, monkeypatch, precision, at_once):
    monkeypatch.setattr(records, "ITEMS_AT_ONCE", at_once)
    paths = [tmp_path / name for name in ARRAY_FILES["images"]]
    shape = shape_of(odd, precision)
    assert write_arrays(paths, shape, vector_chunks(odd, "images")) == 2
    stored = vectors(NUMBERS).astype(np.float16)
    for mode in (None, "r"):
        found = np.load(paths[0], mmap_mode=mode)
        assert (found.dtype, found.shape) == (np.dtype(precision), (len(NUMBERS), DIM))
        assert (found == stored).all()
    ids = np.load(paths[1])
    assert ids.dtype == np.int64
    lines = paths[2].read_bytes().split(b"\n")
    assert lines.pop() == b""
    expected = [
        b"item:%d" % item_id if b"\n" in path or path.endswith(b"\r") else path
        for item_id, path in zip(ids.tolist(), FIRST_PATHS, strict=True)
    ]
    assert lines == expected


def test_texts_have_a_file_of_their_words(odd, tmp_path):
    paths = [tmp_path / name for name in ARRAY_FILES["texts"]]
    shape = shape_of(odd, "float16", "texts")
    assert write_arrays(paths, shape, vector_chunks(odd, "texts")) == 0
    assert (np.load(paths[0]) == vectors([31, 33]).astype(np.float16)).all()
    assert paths[3].read_text() == "text 31\ntext 33\n"
    assert paths[2].read_text() == "/photos/1.jpg\n/photos/3.jpg\n"


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("name", ["images", "texts"])
def test_a_table_of_vectors_reads_back_equal(odd, tmp_path, precision, name):
    path = tmp_path / "v.parquet"
    write_vector_table(path, shape_of(odd, precision, name), vector_chunks(odd, name))
    table = pq.read_table(path)
    expected = vectors(NUMBERS if name == "images" else [31, 33]).astype(np.float16)
    found = np.array(table["vector"].to_pylist(), precision)
    assert (found == expected).all()
    assert str(table.schema.field("vector").type.value_type) in (precision, "halffloat", "float")
    if name == "texts":
        assert table["text"].to_pylist() == ["text 31", "text 33"]
    else:
        rows = table.to_pylist()
        assert [row["path_bytes"] or row["path"].encode() for row in rows] == FIRST_PATHS


def test_nothing_is_an_array_of_no_rows(tmp_path):
    paths = [tmp_path / name for name in ARRAY_FILES["images"]]
    write_arrays(paths, VectorShape(0, DIM, "float16", "images"), [])
    assert np.load(paths[0]).shape == (0, DIM)
    assert np.load(paths[1]).shape == (0,)
    write_vector_table(tmp_path / "v.parquet", VectorShape(0, DIM, "float16", "images"), [])
    assert pq.read_table(tmp_path / "v.parquet").num_rows == 0
