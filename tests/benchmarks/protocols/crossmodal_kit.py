"""Small sets of pictures and texts, and features for them."""

from pathlib import Path

import numpy as np

from benchmarks.datasets.base import Crossmodal, Origin, Picture


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def crossmodal(own, words=None, **changes):
    """Pictures and texts, which belong to pictures by number."""
    n = max(own) + 1
    pictures = tuple(Picture(str(row), Path(str(row))) for row in range(n))
    texts = tuple(words or (f"text {row}" for row in range(len(own))))
    return Crossmodal(Origin("toy", "test"), pictures, texts, np.array(own), **changes)


def noisy(n, per_picture=2, seed=0, of_few=False):
    """Features of pictures and texts; of few values, so that many tie."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 8))
    said = np.repeat(rows, per_picture, axis=0) + rng.standard_normal((n * per_picture, 8))
    if of_few:
        rows, said = np.sign(rows[:, :3]), np.sign(said[:, :3])
    return unit(rows), unit(said)
