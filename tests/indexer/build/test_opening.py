"""Codes of large segments are hashed beside the opening; no search is answered before."""

import numpy as np
import pytest

from indexer.repair import repair_collection
from retrieval import searched
from retrieval.ann import coded
from retrieval.engine import SearchEngine
from retrieval.errors import CorruptCollectionError
from tests.indexer.build.kit import item_rows


@pytest.fixture
def codes_of_large_segments(built, monkeypatch):
    """The built collection's files of codes, each large enough to be searched where it lies."""
    for module in (coded, searched):
        monkeypatch.setattr(module, "OWN_INDEX_ROWS", 1_000)
    return sorted(built.rglob("codes-*"))


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 8
    path.write_bytes(data)


def test_sound_codes_answer_as_they_do_where_they_are_checked_first(
    built, codes_of_large_segments, monkeypatch
):
    rows = item_rows(50)
    with SearchEngine.open(built) as engine:
        scores, ids = engine.search_vectors(rows, 10)
    monkeypatch.setattr(searched, "OWN_INDEX_ROWS", 1 << 60)
    with SearchEngine.open(built) as engine:
        expected = engine.search_vectors(rows, 10)
    assert np.array_equal(ids, expected[1])
    assert np.array_equal(scores, expected[0])


def test_no_search_is_answered_from_damaged_codes(built, codes_of_large_segments):
    flip_a_bit(codes_of_large_segments[0])
    with SearchEngine.open(built) as engine:
        for _ in range(2):
            with pytest.raises(CorruptCollectionError, match="not what the manifest says"):
                engine.search_vectors(item_rows(2), 10)
    assert repair_collection(built).repaired
    with SearchEngine.open(built) as engine:
        assert engine.search_vectors(item_rows(2), 10)[1].shape == (2, 10)


def test_codes_that_are_missing_are_told_at_once(built, codes_of_large_segments):
    codes_of_large_segments[0].unlink()
    with pytest.raises(CorruptCollectionError, match="missing"):
        SearchEngine.open(built)


def test_damaged_codes_of_small_segments_are_told_at_once(built):
    flip_a_bit(sorted(built.rglob("codes-*"))[0])
    with pytest.raises(CorruptCollectionError, match="not what the manifest says"):
        SearchEngine.open(built)
