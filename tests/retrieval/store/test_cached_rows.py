"""Embeddings that are kept: found again by exactly what they are of."""

import numpy as np

from retrieval.store.cached import CacheFolder, cached_rows


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
