"""Small files of vectors to measure with."""

import numpy as np

from tests.retrieval.ann.arrays import clustered_rows, unit_rows

DIM = 32


def write_vectors(folder, *, n=400, queries=70, dtype=np.float16):
    """Files of a base, queries and training texts, by the names of the options."""
    rng = np.random.default_rng(3)
    arrays = {
        "base": clustered_rows(rng, n, DIM, n_clusters=8).astype(dtype),
        "text_queries": unit_rows(rng, queries, DIM),
        "image_queries": clustered_rows(rng, queries, DIM, n_clusters=8),
        "train_texts": unit_rows(rng, 90, DIM),
    }
    paths = {name: folder / f"{name}.npy" for name in arrays}
    for name, array in arrays.items():
        np.save(paths[name], array)
    return paths
