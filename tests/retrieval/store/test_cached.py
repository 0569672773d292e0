"""The cache folder: what is kept is found, and nothing about it is an error."""

import numpy as np

from retrieval.store.cached import CacheFolder, cached_rows


def test_what_is_kept_is_found_by_the_next(tmp_path):
    CacheFolder(tmp_path / "new", "things").keep("a", b"content")
    assert CacheFolder(tmp_path / "new", "things").read("a") == b"content"
    assert [file.name for file in (tmp_path / "new" / "things").iterdir()] == ["a"]


def test_it_is_replaced_whole(tmp_path):
    cache = CacheFolder(tmp_path, "things")
    cache.keep("a", b"first, and longer")
    cache.keep("a", b"second")
    assert cache.read("a") == b"second"


def test_nothing_is_kept_without_a_folder():
    cache = CacheFolder(None, "things")
    cache.keep("a", b"content")
    assert cache.read("a") is None


def test_what_cannot_be_read_or_written_is_not_there(tmp_path):
    (tmp_path / "file").touch()
    cache = CacheFolder(tmp_path / "file", "things")
    cache.keep("a", b"content")
    assert cache.read("a") is None
    assert CacheFolder(tmp_path, "things").read("nonesuch") is None


def test_texts_that_are_cut_elsewhere_are_other_texts(tmp_path):
    cache = CacheFolder(tmp_path, "things")

    def lengths(texts):
        return np.array([[len(text)] for text in texts], np.float32)

    for texts in (["a\nb", "c"], ["a", "b\nc"], ["a\\nb", "c"], ["\ud800", "c"]):
        found = cached_rows(cache, "encoder", 1, texts, lengths)
        np.testing.assert_array_equal(found, lengths(texts))
        np.testing.assert_array_equal(cached_rows(cache, "encoder", 1, texts, None), found)
