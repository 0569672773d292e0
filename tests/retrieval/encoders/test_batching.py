"""Cutting into batches: every item once and in order, whatever memory there is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.encoders.batching import Batcher, by_length, is_out_of_memory

OUT_OF_MEMORY = RuntimeError("CUDA out of memory. Tried to allocate")


def run(batcher, n, capacity, error=OUT_OF_MEMORY):
    """Squares 0..n-1 on a machine that computes up to `capacity` items at a time."""
    rows, batches = np.full((n, 1), -1, dtype=np.float32), []

    def load(span):
        return np.arange(span.start, span.stop, dtype=np.float32)

    def compute(items):
        if len(items) > capacity:
            raise error
        batches.append(len(items))
        return items[:, None] ** 2

    def keep(span, values):
        assert (rows[span] == -1).all()
        rows[span] = values

    batcher.run(n, load, compute, keep)
    return rows, batches


@given(n=st.integers(0, 70), size=st.integers(1, 40), capacity=st.integers(1, 40))
def test_every_item_is_computed_once_and_in_its_place(n, size, capacity):
    batcher = Batcher(size)
    rows, batches = run(batcher, n, capacity)
    np.testing.assert_array_equal(rows[:, 0], np.arange(n) ** 2)
    assert sum(batches) == n
    assert max(batches, default=0) <= min(size, capacity)


def test_a_batch_that_does_not_fit_is_halved_and_the_size_is_kept():
    freed = []
    batcher = Batcher(32, lambda: freed.append(True))
    _, batches = run(batcher, 40, capacity=9)
    assert batches == [8, 8, 8, 8, 8]
    assert len(freed) == 2  # 32 -> 16 -> 8
    _, batches = run(batcher, 16, capacity=9)
    assert batches == [8, 8]
    assert len(freed) == 2


def test_the_next_batch_is_loaded_before_the_present_one_is_computed():
    events = []

    def load(span):
        events.append(f"load {span.start}")
        return span.start

    def compute(start):
        events.append(f"compute {start}")
        return np.zeros((2, 1), dtype=np.float32)

    Batcher(2).run(6, load, compute, lambda span, rows: None)
    expected = ["load 0", "load 2", "compute 0", "load 4", "compute 2", "compute 4"]
    assert events == expected


def test_one_item_that_does_not_fit_is_an_error():
    with pytest.raises(MemoryError, match="one item does not fit"):
        run(Batcher(8), 8, capacity=0)


def test_other_errors_pass_through():
    with pytest.raises(RuntimeError, match="shapes"):
        run(Batcher(8), 8, capacity=0, error=RuntimeError("shapes cannot be multiplied"))


def test_a_batch_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="0 items"):
        Batcher(0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_of_memory_are_known(error, expected):
    assert is_out_of_memory(error) is expected


def test_torchs_own_errors_of_memory_are_known():
    import torch

    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**62, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@given(st.lists(st.integers(0, 77)))
def test_texts_go_the_longest_first_and_equal_ones_keep_their_order(lengths):
    order = by_length(np.array(lengths, dtype=np.int64))
    assert order.tolist() == sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
