"""A segment has the same bytes and the same name, however it is cut into pieces."""

from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import durable
from indexer.segment_files import PIECE_ROWS, Piece, pieces_of, write_segment
from retrieval.errors import CorruptCollectionError
from retrieval.model import FileRef, ImageMeta, ItemRecord
from retrieval.store.rows import encode_rows
from retrieval.store.segment import Segment
from retrieval.store.vectors import BLOCK_BYTES, array_bytes, block_sums
from tests.collection_kit import digest


def record(item_id):
    files = (FileRef(b"/photos/%d.jpg" % item_id, 100 + item_id, 7),)
    return ItemRecord(item_id, digest(item_id), ImageMeta("JPEG", 640, 480), files, ("eine Ü",))


def unit_rows(n, dim, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def files_in_memory(vectors, records):
    """The slow oracle: every file as one value, as the format's document says."""
    vector_file = array_bytes(vectors.astype(np.float16))
    blocks = [vector_file[at : at + BLOCK_BYTES] for at in range(0, len(vector_file), BLOCK_BYTES)]
    files = {
        "vectors.npy": vector_file,
        "vectors.sums": b"".join(sha256(block).digest() for block in blocks),
        "ids.npy": array_bytes(np.array([each.id for each in records], dtype=np.int64)),
        "rows.jsonl": encode_rows(records),
    }
    name = sha256(b"".join(sha256(data).digest() for data in files.values())).hexdigest()[:24]
    return name, files


def cut(vectors, records, cuts):
    edges = [0, *sorted(cuts), len(records)]
    for start, stop in pairwise(edges):
        ids = np.array([each.id for each in records[start:stop]], dtype=np.int64)
        rows = encode_rows(records[start:stop])
        yield Piece(ids, vectors[start:stop].astype(np.float16), rows)


def on_disk(root, entry):
    return {file.name.rpartition("/")[2]: (root / file.name).read_bytes() for file in entry.files}


@settings(max_examples=30)
@given(
    n=st.integers(1, 400),
    dim=st.sampled_from([1, 8, 500]),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_any_cut_gives_the_bytes_of_the_whole(tmp_path_factory, n, dim, cuts):
    root = tmp_path_factory.mktemp("s")
    vectors, records = unit_rows(n, dim), [record(3 * i + 1) for i in range(n)]
    pieces = cut(vectors, records, [min(each, n) for each in cuts])
    entry = write_segment(root, "images", (n, dim), (each for each in pieces if len(each.ids)))
    name, files = files_in_memory(vectors, records)
    assert (entry.name, entry.n_items, on_disk(root, entry)) == (name, n, files)
    for file in entry.files:
        data = (root / file.name).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), sha256(data).hexdigest())
    assert Segment.open(root, entry).ids.tolist() == [each.id for each in records]


def test_items_in_memory_are_cut_by_the_piece(tmp_path):
    n = PIECE_ROWS + 1
    vectors, records = unit_rows(n, 8), [record(i + 1) for i in range(n)]
    assert [len(piece.ids) for piece in pieces_of(vectors, records)] == [PIECE_ROWS, 1]
    entry = write_segment(tmp_path, "texts", (n, 8), pieces_of(vectors, records))
    assert entry.name == files_in_memory(vectors, records)[0]
    assert entry.files[0].name == f"galleries/texts/segments/{entry.name}/vectors.npy"


def test_half_and_single_precision_give_the_same_segment(tmp_path):
    vectors, records = unit_rows(5, 8), [record(i) for i in range(1, 6)]
    first = write_segment(tmp_path / "a", "images", (5, 8), pieces_of(vectors, records))
    half = vectors.astype(np.float16)
    assert write_segment(tmp_path / "b", "images", (5, 8), pieces_of(half, records)) == first


@pytest.mark.parametrize("ids", [[1, 2, 3], [2, 1], [1, 1]])
def test_pieces_that_do_not_fit_leave_nothing_behind(tmp_path, ids):
    records = [record(each) for each in ids]
    with pytest.raises(ValueError, match="pieces hold"):
        write_segment(tmp_path, "images", (2, 8), pieces_of(unit_rows(len(ids), 8), records))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [*tmp_path.rglob(durable.TEMPORARY + "*")]


def test_sums_do_not_depend_on_how_the_bytes_come():
    data = np.random.default_rng(1).bytes(2 * BLOCK_BYTES + 77)
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]
    assert block_sums(data) == b"".join(sha256(block).digest() for block in blocks)
    assert block_sums(b"") == b""


def test_lines_are_as_they_were_written_and_damage_shows_at_the_end(tmp_path):
    records = [record(i) for i in range(1, 30)]
    entry = write_segment(tmp_path, "images", (29, 8), pieces_of(unit_rows(29, 8), records))
    segment = Segment.open(tmp_path, entry)
    assert b"".join(segment.row_lines()) == encode_rows(records)
    assert list(segment.records()) == records
    path = tmp_path / entry.files[3].name
    data = bytearray(path.read_bytes())
    data[data.index(b"photos")] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptCollectionError, match=r"rows\.jsonl"):
        list(segment.row_lines())
    with pytest.raises(CorruptCollectionError, match=r"rows\.jsonl"):
        next(iter(segment.records()))
    path.unlink()
    with pytest.raises(CorruptCollectionError, match="missing"):
        list(segment.row_lines())
