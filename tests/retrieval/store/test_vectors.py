"""Vectors: what is read equals what was written, and no byte is used before it was checked."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import CorruptCollectionError
from retrieval.store.vectors import (
    BLOCK_BYTES,
    CheckedVectors,
    array_bytes,
    array_from_bytes,
    block_sums,
)


def written(path, rows):
    data = array_bytes(rows)
    path.write_bytes(data)
    return CheckedVectors(path, len(data), block_sums(data)), data


def some_rows(n, dim, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float16)


@settings(max_examples=40)
@given(n=st.integers(1, 300), dim=st.sampled_from([1, 3, 96, 700]), data=st.data())
def test_gather_and_chunks_equal_plain_numpy(tmp_path_factory, n, dim, data):
    rows = some_rows(n, dim)
    vectors, _ = written(tmp_path_factory.mktemp("v") / "vectors.npy", rows)
    assert (vectors.n, vectors.dim) == (n, dim)
    chosen = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=20)), dtype=np.int64)
    gathered = vectors.gather(chosen)
    assert gathered.dtype == np.float32
    np.testing.assert_array_equal(gathered, rows[chosen].astype(np.float32))
    size = data.draw(st.integers(1, n + 1))
    starts, chunks = zip(*vectors.chunks(size), strict=True)
    assert list(starts) == list(range(0, n, size))
    np.testing.assert_array_equal(np.concatenate(chunks), rows.astype(np.float32))


def test_only_the_blocks_that_are_read_are_checked(tmp_path):
    rows = some_rows(1000, 512)  # 1 KiB a row, 16 blocks
    path = tmp_path / "vectors.npy"
    _, data = written(path, rows)
    damaged = bytearray(data)
    damaged[5 * BLOCK_BYTES + 17] ^= 1
    path.write_bytes(damaged)
    vectors = CheckedVectors(path, len(data), block_sums(data))
    far = np.array([0, 200, 999])
    np.testing.assert_array_equal(vectors.gather(far), rows[far].astype(np.float32))
    with pytest.raises(CorruptCollectionError, match="block 5"):
        vectors.gather(np.array([0, 5 * 64]))
    with pytest.raises(CorruptCollectionError, match="block 5"):
        list(vectors.chunks(100))


def test_a_row_across_two_blocks_needs_both(tmp_path):
    rows = some_rows(1000, 500)
    path = tmp_path / "vectors.npy"
    _, data = written(path, rows)
    offset = len(data) - rows.nbytes
    crossing = (BLOCK_BYTES - offset) // 1000
    for block in (0, 1):
        damaged = bytearray(data)
        damaged[block * BLOCK_BYTES + 3000] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptCollectionError, match=f"block {block}"):
            CheckedVectors(path, len(data), block_sums(data)).gather(np.array([crossing]))


def test_each_block_is_hashed_once(tmp_path, monkeypatch):
    rows = some_rows(1000, 512)
    vectors, _ = written(tmp_path / "vectors.npy", rows)
    list(vectors.chunks(100))
    monkeypatch.setattr("retrieval.store.vectors.sha256", None)
    list(vectors.chunks(100))


def test_a_file_cut_short_while_open_is_an_error_and_no_signal(tmp_path):
    vectors, data = written(tmp_path / "vectors.npy", some_rows(1000, 512))
    os.truncate(tmp_path / "vectors.npy", 100)
    with pytest.raises(CorruptCollectionError, match=f"100 bytes; the manifest says {len(data)}"):
        vectors.gather(np.array([999]))
    with pytest.raises(CorruptCollectionError, match="100 bytes"):
        next(vectors.chunks(10))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 2), np.float32),
        np.zeros(6, np.float16),
        np.asfortranarray(np.zeros((3, 2), np.float16)),
    ],
)
def test_another_array_is_refused(tmp_path, wrong):
    with pytest.raises(CorruptCollectionError, match="not float16"):
        written(tmp_path / "vectors.npy", wrong)


def test_bytes_that_are_no_array_are_refused(tmp_path):
    path = tmp_path / "vectors.npy"
    for data in (b"no array", b"\x93NUMPY\x01\x00\xff\xff"):
        path.write_bytes(data)
        with pytest.raises(CorruptCollectionError, match="no array"):
            CheckedVectors(path, len(data), block_sums(data))
        with pytest.raises(CorruptCollectionError, match="no array"):
            array_from_bytes(data, path)
    with pytest.raises(CorruptCollectionError, match="not int64"):
        array_from_bytes(array_bytes(np.zeros(3, np.int32)), path)


def test_rows_out_of_range_and_chunks_of_nothing(tmp_path):
    vectors, _ = written(tmp_path / "vectors.npy", some_rows(3, 2))
    assert vectors.gather(np.empty(0, np.int64)).shape == (0, 2)
    with pytest.raises(IndexError):
        vectors.gather(np.array([3]))
    with pytest.raises(IndexError):
        vectors.gather(np.array([10**6]))
    with pytest.raises(ValueError, match="at least 1"):
        next(vectors.chunks(0))
