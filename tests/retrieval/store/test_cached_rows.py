"""Embeddings that are kept: found again by exactly what they are of."""

import numpy as np
import pytest

from retrieval.store.cached import CacheFolder, cached_in_blocks, cached_rows


def rows_of(texts):
    return np.array([[len(text), sum(map(ord, text))] for text in texts], np.float32)


def test_what_was_kept_is_not_worked_out_again(tmp_path):
    cache, asked = CacheFolder(tmp_path, "texts"), []

    def encode(texts):
        asked.append(list(texts))
        return rows_of(texts)

    for _ in range(2):
        found = cached_rows(cache, "f", 2, ["a", "\ud800 lone"], encode)
        np.testing.assert_array_equal(found, rows_of(["a", "\ud800 lone"]))
    assert asked == [["a", "\ud800 lone"]]


def test_texts_are_told_apart_wherever_their_lines_break(tmp_path):
    cache = CacheFolder(tmp_path, "texts")
    for texts in (["a\nb", "c"], ["a", "b\nc"], ["a b", "c"]):
        found = cached_rows(cache, "f", 2, texts, rows_of)
        np.testing.assert_array_equal(found, rows_of(texts))
    np.testing.assert_array_equal(
        cached_rows(cache, "another", 2, ["a\nb", "c"], lambda texts: -rows_of(texts)),
        -rows_of(["a\nb", "c"]),
    )


def test_what_was_damaged_is_worked_out_again(tmp_path):
    cache = CacheFolder(tmp_path, "texts")
    cached_rows(cache, "f", 2, ["a"], rows_of)
    (kept,) = (tmp_path / "texts").iterdir()
    for damage in (b"short", np.full(2, np.nan, np.float32).tobytes()):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(cached_rows(cache, "f", 2, ["a"], rows_of), rows_of(["a"]))
    assert cached_rows(CacheFolder(None, "texts"), "f", 2, ["a"], rows_of).shape == (1, 2)


def test_blocks_are_kept_one_by_one(tmp_path):
    cache, asked = CacheFolder(tmp_path, "rows"), []

    def encode(block):
        asked.append((block.start, block.stop))
        if block.start == 4:
            raise RuntimeError("cut off")
        return np.ones((min(block.stop, 5) - block.start, 2), np.float32)

    names = list("abcde")
    with pytest.raises(RuntimeError):
        list(cached_in_blocks(cache, "f", 2, names, encode, 2))
    with pytest.raises(RuntimeError):
        list(cached_in_blocks(cache, "f", 2, names, encode, 2))
    assert asked == [(0, 2), (2, 4), (4, 6), (4, 6)]
    assert [len(each) for each in cached_in_blocks(cache, "f", 2, names[:4], encode, 2)] == [2, 2]


def test_rows_of_zeros_are_tried_again(tmp_path):
    cache, asked = CacheFolder(tmp_path, "rows"), []

    def encode(names):
        asked.append(names)
        return np.array([[0, 0], [1, 0]], np.float32)

    for _ in range(2):
        cached_rows(cache, "f", 2, ["damaged", "good"], encode)
    assert len(asked) == 2
