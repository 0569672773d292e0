"""Rows of many segments come back as from one array, and no byte unchecked."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ann.rows import SpreadRows
from retrieval.errors import CorruptCollectionError
from retrieval.store.vectors import BLOCK_BYTES, CheckedVectors, array_bytes, block_sums
from tests.retrieval.ann.arrays import HalfRows


@dataclass
class Held:
    ids: np.ndarray
    vectors: object


def on_disk(path, rows):
    data = array_bytes(np.asarray(rows, np.float16))
    path.write_bytes(data)
    return CheckedVectors(path, len(data), block_sums(data))


@st.composite
def spread_and_asked(draw):
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    n, dim = sum(sizes), draw(st.integers(1, 9))
    ids = np.array(draw(st.permutations(range(n))) if draw(st.booleans()) else range(n))
    return sizes, dim, ids * 3 + 1, draw(st.lists(st.integers(0, n - 1), max_size=60))


@given(spread_and_asked())
def test_rows_are_those_that_each_segment_gives_by_itself(asked):
    sizes, dim, ids, positions = asked
    rows = np.random.default_rng(0).standard_normal((len(ids), dim)).astype(np.float16)
    cuts = np.split(np.arange(len(ids)), np.cumsum(sizes)[:-1])
    segments = [Held(ids[cut], HalfRows(rows[cut])) for cut in cuts]
    spread = SpreadRows(segments)
    assert np.array_equal(spread.ids, np.sort(ids))
    for _ in range(2):  # at first use, and after it
        found = spread.halves_of(np.array(positions, np.int64))
        expected = [
            segment.vectors.gather_half(np.flatnonzero(segment.ids == spread.ids[position]))
            for position in positions
            for segment in segments
            if spread.ids[position] in segment.ids
        ]
        assert found.shape == (len(positions), dim)
        assert found.tobytes() == b"".join(each.tobytes() for each in expected)
    every = np.arange(len(ids))
    for number, segment in enumerate(segments):
        here = every[spread.positions_in(number)]
        assert np.array_equal(spread.ids[here], segment.ids)
        assert (spread.segments_of(here) == number).all()


@pytest.fixture
def eager_threads():
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_ask_first_at_the_same_time_get_whole_positions(eager_threads):
    n, n_threads = 100_000, 8
    ids = np.arange(n)
    segments = [Held(ids[first::2], HalfRows(np.ones((n // 2, 1)))) for first in (0, 1)]
    for _ in range(20):
        spread, barrier = SpreadRows(segments), threading.Barrier(n_threads)

        def ask(spread=spread, barrier=barrier):
            barrier.wait()
            return spread.positions_in(1).copy()

        with ThreadPoolExecutor(n_threads) as pool:
            answers = [pool.submit(ask) for _ in range(n_threads)]
            assert all(np.array_equal(each.result(), segments[1].ids) for each in answers)


def test_mapped_files_give_their_rows_wherever_they_were_mapped(tmp_path):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((600, 33)).astype(np.float16)
    cuts = np.split(np.arange(600), [7, 300, 301])
    segments = [Held(cut, on_disk(tmp_path / f"{cut[0]}.npy", rows[cut])) for cut in reversed(cuts)]
    positions = rng.integers(0, 600, 1_000)
    assert np.array_equal(SpreadRows(segments).halves_of(positions), rows[positions])


def test_each_row_is_checked_once_and_each_size_at_each_read():
    held = [Held(np.array([0, 1]), HalfRows(np.eye(2))), Held(np.array([2]), HalfRows([[0, 1]]))]
    spread = SpreadRows(held)
    for _ in range(3):
        spread.halves_of(np.array([1]))
    spread.halves_of(np.array([2, 0, 1]))
    assert [each.tolist() for each in held[0].vectors.checked] == [[1], [0]]
    assert [each.tolist() for each in held[1].vectors.checked] == [[0]]
    assert [each.vectors.n_reads for each in held] == [4, 1]


def test_a_damaged_block_is_an_error_until_it_is_restored(tmp_path):
    n_in_block = BLOCK_BYTES // 1000
    rows = np.random.default_rng(2).standard_normal((4 * n_in_block, 500)).astype(np.float16)
    path = tmp_path / "vectors.npy"
    vectors = on_disk(path, rows)
    spread = SpreadRows([Held(np.arange(len(rows)), vectors)])
    first, last = np.array([0]), np.array([len(rows) - 1])
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(-10, os.SEEK_END)
        file.write(b"\0\1")
    assert np.array_equal(spread.halves_of(first), rows[:1])
    for _ in range(2):
        with pytest.raises(CorruptCollectionError, match="damaged in its block"):
            spread.halves_of(np.concatenate([first, last]))
    with path.open("r+b") as file:
        file.write(data)
    assert np.array_equal(spread.halves_of(last), rows[-1:])


def test_a_file_cut_short_is_an_error_and_no_signal_checked_or_not(tmp_path):
    rows = np.random.default_rng(3).standard_normal((1000, 512)).astype(np.float16)
    held = [
        Held(np.arange(500), on_disk(tmp_path / "a.npy", rows[:500])),
        Held(np.arange(500, 1000), on_disk(tmp_path / "b.npy", rows[500:])),
    ]
    spread = SpreadRows(held)
    spread.halves_of(np.array([1, 999]))
    os.truncate(tmp_path / "b.npy", 100)
    for position in (999, 600):
        with pytest.raises(CorruptCollectionError, match="has 100 bytes"):
            spread.halves_of(np.array([1, position]))
    assert np.array_equal(spread.halves_of(np.array([1])), rows[1:2])


@pytest.mark.parametrize("position", [-1, 5, 10**9])
def test_what_is_no_row_is_refused(position):
    spread = SpreadRows([Held(np.arange(5), HalfRows(np.eye(5)))])
    with pytest.raises(IndexError):
        spread.halves_of(np.array([0, position]))


def test_vectors_of_another_number_dim_or_order_are_refused():
    square = HalfRows(np.eye(3))
    with pytest.raises(ValueError, match=r"not \(4, 3\)"):
        SpreadRows([Held(np.arange(4), square)])
    with pytest.raises(ValueError, match=r"\(1, 2\), not \(1, 3\)"):
        SpreadRows([Held(np.arange(3), square), Held(np.array([3]), HalfRows([[1, 0]]))])
    turned = HalfRows(np.eye(3))
    turned.rows = np.asfortranarray(turned.rows)
    with pytest.raises(ValueError, match="C order"):
        SpreadRows([Held(np.arange(3), turned)])


def test_no_segments_have_no_rows():
    assert SpreadRows([]).halves_of(np.empty(0, np.int64)).shape == (0, 0)
