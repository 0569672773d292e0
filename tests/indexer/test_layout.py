"""Only what is ours is ever deleted from a collection's folder."""

import pytest

from indexer import layout
from indexer.maintain import destroy_collection
from indexer.writer import CollectionWriter
from retrieval.errors import CollectionError
from tests.collection_kit import ENCODER, new_collection, put, read_state

SHA = "0123456789abcdef01234567"
OURS = [
    ".tmp-scratch",
    ".tmp-manifest-000000000003.json",
    f"changes/.tmp-{SHA}.jsonl",
    f"galleries/images/.tmp-codebook-{SHA}.faiss",
    f"galleries/texts/.tmp-tombstones-{SHA}.npy",
    f"galleries/images/segments/{SHA}/.tmp-codes-{SHA}.lists",
    f"galleries/images/segments/.tmp-{SHA}/vectors.npy",
]
STRANGERS = [
    ".tmp-album/a.jpg",
    ".tmp-manifest-3.json",
    "galleries/.tmp-notes",
    "galleries/images/.tmp-0/b.jpg",
    "galleries/mine/f",
    f"changes/{SHA}.txt",
    "album/c.jpg",
]


def put_files(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.fixture
def folder(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    put_files(folder, [*OURS, *STRANGERS])
    return folder


def test_a_writer_removes_leftovers_of_its_own_and_nothing_else(folder):
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 2)
        writer.merge_small_segments(4096)
        writer.collect_garbage()
    assert not [name for name in OURS if (folder / name).exists()]
    assert all((folder / name).exists() for name in STRANGERS)
    assert len(read_state(folder).items) == 2


def test_leftovers_are_counted_as_files_and_folders(folder):
    assert layout.remove_leftovers(folder) == len(OURS)
    assert layout.remove_leftovers(folder) == 0


def test_destroying_leaves_what_somebody_else_keeps_there(folder):
    destroy_collection(folder)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == set(STRANGERS)


def test_destroying_leaves_no_folder_where_there_is_nothing_else(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    put_files(folder, OURS)
    destroy_collection(folder)
    assert not folder.exists()


def test_a_folder_with_somebody_elses_hidden_album_is_no_new_collection(tmp_path):
    put_files(tmp_path / "c", [".tmp-album/a.jpg"])
    with pytest.raises(CollectionError, match="holds other things"):
        CollectionWriter.open(tmp_path / "c", ENCODER)
    assert (tmp_path / "c/.tmp-album/a.jpg").exists()


def test_a_scratch_folder_lies_in_the_collection_and_goes_with_its_build(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    (folder / ".tmp-scratch" / "codes-old").mkdir(parents=True)
    with layout.scratch_folder(folder) as scratch:
        assert scratch.parent == folder
        assert not [*scratch.iterdir()]
        (scratch / "codes").write_bytes(b"x")
    assert not scratch.exists()
