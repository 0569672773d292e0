"""Unit vectors and in-memory segments for the tests of the search."""

import numpy as np


class HalfRows:
    """Rows kept as float16 in memory: the shape of a segment's vectors."""

    def __init__(self, vectors):
        self.rows = np.ascontiguousarray(vectors, np.float16)
        self.n, self.dim = self.rows.shape
        self.gathered, self.checked = [], []
        self.n_reads = 0

    def gather_half(self, rows):
        self.gathered.append(np.array(rows))
        return self.rows[rows]

    def check_size(self):
        self.n_reads += 1

    def check_rows(self, rows):
        self.checked.append(np.array(rows))

    def chunks(self, chunk_rows):
        for start in range(0, self.n, chunk_rows):
            yield start, self.rows[start : start + chunk_rows].astype(np.float32)


def unit_rows(rng, n, dim):
    rows = rng.standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def clustered_rows(rng, n, dim, n_clusters=64):
    """Unit rows around centres of uneven weight: lists of uneven length, near neighbours."""
    centres = rng.standard_normal((n_clusters, dim))
    rows = centres[rng.integers(n_clusters, size=n) ** 2 // n_clusters]
    rows = rows + 0.6 * rng.standard_normal((n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def slow_ranking(rows, ids, query, k, *, allowed=None):
    """Reads like the definition: score all, sort by score descending and id ascending, cut."""
    shown = [
        (-float(np.vecdot(row, query)), int(item_id))
        for number, (row, item_id) in enumerate(zip(rows, ids, strict=True))
        if allowed is None or allowed[number]
    ]
    best = sorted(shown)[:k]
    return [-score for score, _ in best], [item_id for _, item_id in best]
