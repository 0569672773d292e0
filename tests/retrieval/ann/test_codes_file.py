import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ann.codebook import Codebook
from retrieval.ann.codes_file import FAST_BLOCK, Layout, MappedCodes
from retrieval.ann.exact import NO_ID
from retrieval.ann.ivfpq import IvfPq
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.errors import CorruptCollectionError
from tests.retrieval.ann.arrays import clustered_rows

N, DIM = 3_000, 24
KINDS = ["ivf32,pq6", "ivf32,pq12x4fs", "opq6,ivf32,pq12x4fs"]


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(1), N, DIM)


@pytest.fixture(scope="module", params=KINDS)
def coded(request, rows):
    book = Codebook(train_codebook(rows, IndexSpec.parse(request.param), seed=2))
    return book, book.encode([(0, rows[:1_000]), (1_000, rows[1_000:])])


@given(
    sizes=st.lists(st.integers(0, 100), min_size=1, max_size=9),
    code_bytes=st.integers(1, 40),
    block=st.sampled_from([1, FAST_BLOCK]),
)
def test_lists_lie_apart_and_the_header_brings_the_layout_back(sizes, code_bytes, block):
    layout = Layout(code_bytes, block, np.array(sizes, np.int64))
    offsets = layout.offsets
    assert len(layout.header()) == offsets[0]
    assert (offsets % 64 == 0).all()
    assert (np.diff(offsets) >= layout.capacities * code_bytes + 8 * layout.sizes).all()
    again = Layout.read(layout.header(), int(offsets[-1]))
    assert (again.code_bytes, again.block) == (code_bytes, block)
    assert np.array_equal(again.sizes, layout.sizes)


def test_each_row_lies_in_the_list_of_its_nearest_centroid(coded, rows):
    book, data = coded
    mapped = MappedCodes(data)
    import faiss

    found = np.full(N, NO_ID)
    for number, size in enumerate(mapped.layout.sizes.tolist()):
        if size:
            found[faiss.rev_swig_ptr(mapped.lists.get_ids(number), size)] = number
    assert np.array_equal(found, book.lists_of(rows))


def test_a_file_and_its_bytes_answer_alike(coded, rows, tmp_path):
    book, data = coded
    path = tmp_path / "codes"
    path.write_bytes(data)
    query = book.rotated(rows[:1])[0]
    every_list = np.arange(book.nlist)
    from_file, from_bytes = (
        IvfPq(book, [(source, N)]).candidates(query, every_list, 50) for source in (path, data)
    )
    assert np.array_equal(from_file[0], from_bytes[0])
    assert np.array_equal(from_file[1], from_bytes[1])


def test_codes_outlive_their_name(coded, rows, tmp_path):
    book, data = coded
    path = tmp_path / "codes"
    path.write_bytes(data)
    index = IvfPq(book, [(path, N)])
    path.unlink()
    found = index.candidates(book.rotated(rows[:1])[0], np.arange(book.nlist), N)[1]
    assert sorted(found[0].tolist()) == list(range(N))


def test_an_open_file_is_mapped_and_not_copied(coded, tmp_path):
    book, data = coded
    path = tmp_path / "codes"
    path.write_bytes(data)
    index = IvfPq(book, [(path, N)])
    maps = Path("/proc/self/maps").read_text().splitlines()
    ours = [line for line in maps if line.endswith(str(path))]
    assert ours
    assert all(" r--" in line for line in ours)
    assert index.n == N


def test_a_file_cut_short_while_it_is_searched_is_an_error_and_not_the_end(coded, rows, tmp_path):
    book, data = coded
    path = tmp_path / "codes"
    path.write_bytes(data)
    index = IvfPq(book, [(path, N)])
    os.truncate(path, 4096)
    with pytest.raises(CorruptCollectionError, match="cut short"):
        index.candidates(book.rotated(rows[:1])[0], np.arange(book.nlist), 5)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"pslists",
        b"other thing, longer than a header is, by far",
        struct.pack("<8sqqq", b"pslists\x01", -3, 8, 1),
        struct.pack("<8sqqq", b"pslists\x01", 1 << 40, 8, 1),
        struct.pack("<8sqqqq", b"pslists\x01", 1, 8, 7, 0).ljust(64, b"\0"),
        struct.pack("<8sqqqq", b"pslists\x01", 1, 8, 1, -5).ljust(64, b"\0"),
        struct.pack("<8sqqqq", b"pslists\x01", 1, 8, 1, 1 << 50).ljust(64, b"\0"),
    ],
)
def test_what_is_no_file_of_codes_is_refused(damaged):
    with pytest.raises(CorruptCollectionError, match="codes"):
        MappedCodes(damaged)


def test_a_longer_and_a_shorter_file_are_refused(coded):
    data = coded[1]
    for wrong in (data[:-64], data + b"\0" * 64):
        with pytest.raises(CorruptCollectionError, match="not as long"):
            MappedCodes(wrong)


def test_a_file_that_is_not_there_is_damage(tmp_path):
    with pytest.raises(CorruptCollectionError, match="missing"):
        MappedCodes(tmp_path / "nothing")


@pytest.mark.parametrize("damage", [b"", b"pslists\x01", bytes(200)])
def test_a_damaged_file_is_named(tmp_path, damage):
    """It may be opened before it is hashed."""
    path = tmp_path / "codes-1.lists"
    path.write_bytes(damage)
    with pytest.raises(CorruptCollectionError, match=r"codes-1\.lists: a file of codes"):
        MappedCodes(path)
