"""What is read of a collection: all that lives, once, piece by piece."""

import sys
import tracemalloc

import numpy as np
import pytest

from indexer.writer import CollectionWriter
from retrieval.errors import CatalogueError, CorruptCollectionError, GenerationGoneError
from retrieval.export import records
from retrieval.export.columns import IMAGE_FILES, TEXT_FILES
from retrieval.export.records import catalogue_rows, count_items, vector_chunks
from retrieval.store.collection import Collection
from tests.collection_kit import (
    DIM,
    ENCODER,
    change_row,
    digest,
    item,
    new_collection,
    put,
    remove,
    vector,
    vectors,
)
from tests.retrieval.export.kit import CAPTIONS, MTIME_NS, ODD

NUMBERS = [1, 3, *range(10, 16), 20]
"""Contents of the living images, in the order of their ids: 2 is dead."""


def rows_of(collection, name):
    columns = IMAGE_FILES if name == "images" else TEXT_FILES
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in catalogue_rows(collection, name)]


def test_one_row_a_file_with_all_that_is_known(odd):
    rows = rows_of(odd, "images")
    assert [row["path"] for row in rows] == [
        *(b"/photos/1.jpg", b"/photos/3.jpg", *ODD, b"/a/copy.jpg", b"/b/\xff.jpg")
    ]
    first = {
        **{"id": 1, "sha256": digest(1), "path": b"/photos/1.jpg", "size_bytes": 100},
        **{"mtime": 1_700_000_000_000_000_000, "format": "JPEG", "width": 641, "height": 480},
        **{"taken": "2024-05-06T07:08:09", "camera": "Acme X", "latitude": 48.5},
        **{"longitude": None, "captions": ()},
    }
    assert rows[0] == first
    assert (rows[2]["captions"], rows[2]["mtime"]) == (CAPTIONS, MTIME_NS)
    assert rows[-1]["id"] == rows[-2]["id"]


def test_a_text_has_its_words_and_its_source(odd):
    first, second = rows_of(odd, "texts")
    assert first == {
        **{"id": 1 << 40, "sha256": digest(31), "path": b"/photos/1.jpg", "text": "text 31"},
        **{"source": b"/s.csv", "size_bytes": 10, "mtime": 20},
    }
    assert second["text"] == "text 33"


@pytest.mark.parametrize("at_once", [1, 2, 4096])
def test_vectors_are_those_that_were_put_in(odd, monkeypatch, at_once):
    monkeypatch.setattr(records, "ITEMS_AT_ONCE", at_once)
    chunks = list(vector_chunks(odd, "images"))
    assert max(len(chunk.records) for chunk in chunks) <= at_once
    ids = np.concatenate([chunk.ids for chunk in chunks])
    assert ids.dtype == np.int64
    assert 2 not in ids
    assert (np.diff(ids) > 0).all()
    found = np.concatenate([chunk.vectors for chunk in chunks])
    assert found.dtype == np.float16
    assert (found == vectors(NUMBERS).astype(np.float16)).all()
    assert count_items(odd, "images") == len(ids) == len(NUMBERS)


def test_an_empty_gallery_has_nothing(tmp_path):
    with Collection.open(new_collection(tmp_path / "c", 1)) as collection:
        assert count_items(collection, "texts") == 0
        assert [*vector_chunks(collection, "texts")] == [*catalogue_rows(collection, "texts")] == []


def test_an_item_that_the_catalogue_lacks_is_an_error(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    change_row(folder, "DELETE FROM file WHERE item_id = 2")
    with (
        Collection.open(folder) as collection,
        pytest.raises(CatalogueError, match="item 2"),
    ):
        list(catalogue_rows(collection, "images"))


def test_a_damaged_vector_is_not_exported(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    file = next(folder.glob("galleries/images/segments/*/vectors.npy"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(CorruptCollectionError), Collection.open(folder) as collection:
        list(vector_chunks(collection, "images"))


def test_a_generation_that_was_collected_meanwhile_is_an_error(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    with Collection.open(folder) as collection:
        with CollectionWriter.open(folder, ENCODER) as writer:
            writer.commit(None, [], [remove("/photos/2.jpg", 2)])
            put(writer, 3)
            put(writer, 4)
            writer.collect_garbage()
        with pytest.raises(GenerationGoneError):
            list(catalogue_rows(collection, "images"))


def test_a_large_collection_is_never_in_memory(tmp_path):
    """20,000 rows are some 30 MB of objects; one piece of them is less than 8."""
    n = 20_000
    rows = np.zeros((n, DIM), np.float32)
    rows[:] = vector(1)
    with CollectionWriter.open(tmp_path / "c", ENCODER) as writer:
        writer.commit(rows, [item(number) for number in range(n)])
    with Collection.open(tmp_path / "c") as collection:
        assert sum(1 for _ in catalogue_rows(collection, "images")) == n  # fills what is cached
        tracemalloc.start()
        try:
            assert sum(1 for _ in catalogue_rows(collection, "images")) == n
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16_000_000, f"{peak:,} bytes, {sys.version}"
