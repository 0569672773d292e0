"""How much of a hub each item is, for a bank of queries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import CorruptCollectionError
from retrieval.learn import hubness
from retrieval.learn.hubness import Bank


class Rows:
    def __init__(self, rows):
        self.rows = rows

    def chunks(self, chunk_rows):
        for start in range(0, len(self.rows), chunk_rows):
            yield start, self.rows[start : start + chunk_rows]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_by_hand():
    bank = Bank(np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32), 2)
    items = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    # cosines: (1, .6, 0), (0, .8, 1), (-1, -.6, 0); the mean of the two highest of each
    assert bank.bias_of(items) == pytest.approx([0.8, 0.9, -0.3])


@given(n=st.integers(1, 40), m=st.integers(1, 12), data=st.data(), seed=st.integers(0, 1000))
def test_the_oracle_sorts_everything(n, m, data, seed):
    rng = np.random.default_rng(seed)
    items, queries = unit(rng.standard_normal((n, 5))), unit(rng.standard_normal((m, 5)))
    k = data.draw(st.integers(1, m))
    expected = [np.sort(queries @ row)[::-1][:k].mean() for row in items]
    assert Bank(queries, k).biases(n, Rows(items)) == pytest.approx(expected, abs=1e-5)


def test_rows_are_read_in_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    items, bank = unit(rng.standard_normal((10, 4))), Bank(unit(rng.standard_normal((6, 4))), 3)
    whole = bank.biases(10, Rows(items))
    monkeypatch.setattr(hubness, "CHUNK_ROWS", 3)
    assert bank.biases(10, Rows(items)) == pytest.approx(whole, abs=1e-6)
    assert whole.dtype == np.float32


def test_a_bank_is_kept_as_a_file():
    bank = Bank(unit(np.random.default_rng(0).standard_normal((6, 4))), 3)
    again = Bank.from_bytes(bank.to_bytes())
    assert again.k == 3
    assert again.queries == pytest.approx(bank.queries, abs=1e-3)
    assert again.to_bytes() == bank.to_bytes()
    assert Bank(bank.queries, 2).to_bytes() != bank.to_bytes()


@pytest.mark.parametrize("damage", [b"", b"no bank at all", None])
def test_what_is_no_bank_is_refused(damage):
    from safetensors.numpy import save

    data = save({"k": np.array([3])}) if damage is None else damage
    with pytest.raises(CorruptCollectionError, match="bank"):
        Bank.from_bytes(data)


@pytest.mark.parametrize("k", [0, 3])
def test_k_has_to_fit_the_bank(k):
    with pytest.raises(ValueError, match="k must lie in"):
        Bank(np.eye(2, dtype=np.float32), k)
