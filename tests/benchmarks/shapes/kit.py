"""The trained model as a fixture, and how tests ask it."""

import numpy as np
import pytest

from benchmarks.shapes.pictures import HELD_OUT, draw
from benchmarks.shapes.world import GALLERY_SEED
from retrieval.model import Float32Array
from tests.benchmarks.shapes.bundle import TRAINING_CODE, cached, installed_versions, key_of

FLOOR = 0.9
"""R@1 that the trained model reaches on held-out combinations, in both directions."""

COMPOSED_FLOOR = 0.7
"""R@1 that it reaches on composed queries, picture plus target caption minus reference caption, in
a gallery of all combinations."""

CHANCE = 5 / len(HELD_OUT)
"""R@1 that guessing does not pass: of n guesses with 1/n each, six or more are right once in 1,700
galleries (Poisson with mean 1)."""


@pytest.fixture(scope="session")
def trained_clip(request, tmp_path_factory):
    """Folder of a small CLIP that knows the pictures of `shapes` and the English of `grammar`.

    `local-dir:` takes it. Trained at the first need, about a minute, and kept in pytest's cache
    folder; so what needs it is marked slow.
    """
    from benchmarks.shapes.training import Recipe, train, write_bundle

    has_cache = request.config.pluginmanager.hasplugin("cacheprovider")
    root = (
        request.config.cache.mkdir("tiny_clip")
        if has_cache
        else tmp_path_factory.mktemp("tiny_clip")
    )
    recipe = Recipe()
    key = key_of(TRAINING_CODE, installed_versions(), recipe)
    return cached(root, key, lambda folder: write_bundle(train(recipe), folder))


def gallery(among=HELD_OUT):
    """One picture for each combination of attributes, in their order."""
    return [draw(one, GALLERY_SEED) for one in among]


def recall_at_1(queries: Float32Array, answers: Float32Array) -> float:
    """Share of queries (n, dim) whose best answer (n, dim) is the one in the same row.

    A tie is no hit: a model that maps everything to one point knows nothing.
    """
    scores = queries @ answers.T
    right = np.diag(scores)[:, None]
    return float(np.mean((scores >= right).sum(axis=1) == 1))
