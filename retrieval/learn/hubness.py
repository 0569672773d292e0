"""How much each item of a gallery is a hub: near to queries in general, whatever they ask.

In many dimensions a few items are among the nearest of far too many queries. What an item scores
for a bank of queries tells how much it gets for nothing; a share of that, taken off its cosine,
makes room for the items that queries mean.

Source: N. Chowdhury, F. Wang, S. Shenoy, D. Kiela, S. Schwettmann, T. Thrush, "Nearest Neighbor
Normalization Improves Multimodal Retrieval", EMNLP 2024: the score of query q and item i is
s(q, i) - alpha * b(i), b(i) the mean of the k highest s(., i) over the bank.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retrieval.errors import CorruptCollectionError
from retrieval.model import Float32Array

CHUNK_ROWS = 4_096
"""Items multiplied with the bank at a time: 32 MiB of products with 2,048 queries."""


class Chunks(Protocol):
    """Unit rows that are read in order."""

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order: (number of the first row, up to chunk_rows rows)."""
        ...


@dataclass(frozen=True, slots=True)
class Bank:
    """Queries of another kind than the items, and how many of them an item's bias looks at.

    Attributes:
        queries: (m, dim) float32 unit rows, m >= 1.
        k: in [1, m].
    """

    queries: Float32Array
    k: int

    def __post_init__(self) -> None:
        if not 1 <= self.k <= len(self.queries):
            raise ValueError(f"k must lie in [1, {len(self.queries)}], got {self.k}")

    def bias_of(self, rows: Float32Array) -> Float32Array:
        """The mean of each row's k highest cosines with the bank, (len(rows),)."""
        products = rows @ self.queries.T
        cut = products.shape[1] - self.k
        highest = products if cut == 0 else np.partition(products, cut, axis=1)[:, cut:]
        bias: Float32Array = highest.mean(axis=1, dtype=np.float64).astype(np.float32)
        return bias

    def biases(self, n: int, vectors: Chunks) -> Float32Array:
        """The biases of n items, (n,), read chunk by chunk.

        Args:
            n: how many rows `vectors` gives.
            vectors: of the items.
        """
        bias = np.empty(n, np.float32)
        for start, rows in vectors.chunks(CHUNK_ROWS):
            bias[start : start + len(rows)] = self.bias_of(rows)
        return bias

    def to_bytes(self) -> bytes:
        """As a safetensors file: the queries in float16, and k."""
        from safetensors.numpy import save

        data: bytes = save(
            {"queries": self.queries.astype(np.float16), "k": np.array([self.k], np.int64)}
        )
        return data

    @classmethod
    def from_bytes(cls, checked: bytes) -> "Bank":
        """Read what `to_bytes` wrote.

        Raises:
            CorruptCollectionError: the bytes are something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(checked)
            queries = np.ascontiguousarray(tensors["queries"], np.float32)
            return cls(queries, int(tensors["k"][0]))
        except (SafetensorError, KeyError, IndexError, ValueError) as error:
            raise CorruptCollectionError(f"a bank of queries cannot be read: {error}") from error
