"""Rows of a catalogue that are not what was written: found, and never a crash."""

import pytest

from indexer.writer import CollectionWriter
from retrieval.errors import CorruptCollectionError
from retrieval.store.checksums import file_checksum
from retrieval.store.collection import Collection
from retrieval.store.packed import pack_item
from retrieval.store.row_check import check_rows
from tests.collection_kit import (
    ENCODER,
    add,
    change_row,
    new_collection,
    remove,
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE file SET path = x'2f78' WHERE item_id = 1",
        "UPDATE file SET size_bytes = 7 WHERE item_id = 1",
        "UPDATE file SET source = x'2f78' WHERE item_id = 1",
        "UPDATE file SET packed_item = replace(packed_item, 'Acme', 'Acne') WHERE item_id = 1",
        "UPDATE file SET packed_item = cast('[]' AS blob) WHERE item_id = 1",
    ],
)
def test_a_row_that_is_not_what_was_written_is_found(tmp_path, statement):
    folder = new_collection(tmp_path / "c", 1, 2)
    change_row(folder, statement)
    with Collection.open(folder) as view:
        assert list(view.catalogue.hydrate([2], 2)) == [2]
        with pytest.raises(CorruptCollectionError, match="catalogue is damaged"):
            view.catalogue.hydrate([1, 2], 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE file SET source = 'text' WHERE item_id = 1",
        "UPDATE file SET packed_item = 'text' WHERE item_id = 1",
        "UPDATE file SET packed_item = cast(packed_item AS text) WHERE item_id = 1",
        "UPDATE file SET packed_item = 5 WHERE item_id = 1",
        "UPDATE file SET size_bytes = 'x' WHERE item_id = 1",
        "DROP TABLE file",
    ],
)
def test_a_value_of_another_kind_is_damage_and_no_crash(tmp_path, statement):
    folder = new_collection(tmp_path / "c", 1, 2)
    change_row(folder, statement)
    with Collection.open(folder) as view:
        with pytest.raises(CorruptCollectionError):
            view.catalogue.hydrate([1, 2], 2)
        with pytest.raises(CorruptCollectionError):
            list(view.catalogue.files_under(b"/", 2))
        with pytest.raises(CorruptCollectionError):
            view.catalogue.files_at([b"/photos/1.jpg"], 2)


def test_a_path_of_another_kind_is_damage_and_no_crash(tmp_path):
    folder = new_collection(tmp_path / "c", 1, 2)
    change_row(folder, "UPDATE file SET path = 'text' WHERE item_id = 1")
    with Collection.open(folder) as view, pytest.raises(CorruptCollectionError):
        view.catalogue.hydrate([1, 2], 2)


@pytest.mark.parametrize(
    "values",
    [
        "sha256 = 'ab'",
        "camera = 'other'",
        "latitude = 48.25",
        "latitude = 'north'",
        "captions = '[\"other\"]'",
        "captions = 'x'",
        "captions = 5",
        "camera = cast(x'ff' AS text)",
    ],
)
def test_an_item_that_is_not_what_was_written_is_found_by_a_check_and_by_who_adds_to_it(
    tmp_path, values
):
    folder = new_collection(tmp_path / "c", 1, 2)
    change_row(folder, f"UPDATE item SET {values} WHERE id = 1")
    with Collection.open(folder) as view:
        assert list(view.catalogue.hydrate([1, 2], 2)) == [1, 2], "its file says it all"
        with pytest.raises(CorruptCollectionError):
            list(check_rows(view.catalogue, 2))
    with CollectionWriter.open(folder, ENCODER) as writer, pytest.raises(CorruptCollectionError):
        writer.commit(None, [], [add("/copy.jpg", 1)])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM item WHERE id = 2",
        "DELETE FROM item WHERE id = 3",
        "UPDATE item SET removed_generation = 2 WHERE id = 3",
        "UPDATE item SET camera = 'x' WHERE id = 4",
        "UPDATE file SET item_id = 'text' WHERE item_id = 2",
        "UPDATE file SET display_folded = 'x' WHERE item_id = 2",
    ],
)
def test_a_check_looks_at_every_item_and_every_file(tmp_path, statement):
    folder = new_collection(tmp_path / "c", 1, 2, 3, 4)
    with CollectionWriter.open(folder, ENCODER) as writer:
        writer.commit(None, [], [add("/copy.jpg", 2), remove("/photos/4.jpg", 4)])
    with Collection.open(folder) as view:
        assert list(check_rows(view.catalogue, view.generation)) == []
    change_row(folder, statement)
    with Collection.open(folder) as view, pytest.raises(CorruptCollectionError):
        list(check_rows(view.catalogue, view.generation))


def test_a_file_that_says_something_else_of_its_item_is_found_by_a_check(tmp_path):
    """Sound in itself, checksum included: the row of one item's file under another item."""
    folder = new_collection(tmp_path / "c", 1, 2)
    with Collection.open(folder) as view:
        assert list(check_rows(view.catalogue, 2)) == []
        (one,) = view.catalogue.hydrate([1], 2)[1].files
        packed = pack_item(view.catalogue.hydrate([2], 2)[2])
    checksum = file_checksum(1, one, packed)
    change_row(
        folder,
        f"UPDATE file SET packed_item = x'{packed.hex()}', checksum = {checksum} WHERE item_id = 1",
    )
    with Collection.open(folder) as view, pytest.raises(CorruptCollectionError, match="item 1"):
        list(check_rows(view.catalogue, 2))
