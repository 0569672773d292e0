"""Composed queries among pictures that are vectors, without a file."""

from pathlib import Path

import numpy as np

from benchmarks.datasets.base import Composed, ComposedQuery, Origin, Picture
from retrieval.query.plan import MadeOf, Plan


class Preset:
    """A fused score that is known beforehand."""

    def __init__(self, scores, rows):
        self._score_of = {row.tobytes(): score for row, score in zip(rows, scores, strict=True)}

    def of_items(self, rows):
        return np.array([self._score_of[row.tobytes()] for row in rows], np.float32)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def random_rows(n, dim, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def arc(n):
    """Pictures on an arc, (n, 2): the vector (1, 0) ranks them in their order."""
    angles = np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def asked_for(reference, *targets, subset=(), aspects=(), key="0", texts=("redder",)):
    """A query that names pictures by their numbers."""
    named = [tuple(map(str, each)) for each in (targets, subset)]
    return ComposedQuery(key, str(reference), texts, *named, tuple(aspects))


def composed_set(name, names, queries, *, split="val", missing=()):
    """A data set of a name, whose pictures lie nowhere; only CIRR removes the reference."""
    pictures = tuple(Picture(str(each), Path(str(each))) for each in names)
    return Composed(
        Origin(name, split), pictures, tuple(queries), name == "cirr", tuple(missing), len(missing)
    )


def aimed(vectors):
    """A plan of queries that are these vectors."""
    n = len(vectors)
    made_of = tuple(MadeOf(each[None], ("image",)) for each in vectors)
    nothing = (None,) * n
    return Plan(vectors, (np.empty(0, np.int64),) * n, made_of, nothing, nothing, nothing)
