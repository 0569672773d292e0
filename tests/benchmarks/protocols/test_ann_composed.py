"""Composed queries: sums of a text and an image, with the pair that each was."""

import numpy as np
import pytest

from benchmarks.protocols.ann_composed import compose_pairs, pair_up
from benchmarks.systems.base import Setting
from benchmarks.systems.collection import ask
from retrieval.errors import SourceError
from tests.retrieval.ann.arrays import unit_rows


def test_a_sum_lies_in_the_middle_of_its_parts():
    x, y = np.eye(4, dtype=np.float32)[:2]
    pairs = compose_pairs(np.stack([x, -y, y]), np.stack([y, y, y]))
    assert pairs.kept.tolist() == [0, 2]  # the second cancels out
    half = np.float32(0.5**0.5)
    assert pairs.sums[0] == pytest.approx([half, half, 0, 0])
    assert pairs.sums[1] == pytest.approx(y)
    assert np.array_equal(pairs.parts[0], [x, y])


@pytest.mark.parametrize(("n_texts", "n_images"), [(30, 50), (50, 30)])
def test_each_text_meets_another_image_and_none_meets_two(n_texts, n_images):
    rng = np.random.default_rng(1)
    texts, images = unit_rows(rng, n_texts, 16), unit_rows(rng, n_images, 16)
    pairs = pair_up(texts, images, seed=5)
    assert np.array_equal(pairs.parts[:, 0], texts[:30])
    partners = [np.flatnonzero((images == image).all(1))[0] for image in pairs.parts[:, 1]]
    assert len(set(partners)) == 30
    assert partners != list(range(30))
    lengths = np.linalg.norm(pairs.sums, axis=1)
    assert lengths == pytest.approx(np.ones(30), abs=1e-6)
    assert np.array_equal(pair_up(texts, images, seed=5).sums, pairs.sums)


def test_queries_that_all_cancel_out_are_refused():
    rows = np.repeat(np.eye(8, dtype=np.float32)[:1], 5, axis=0)
    with pytest.raises(SourceError, match="cancel out"):
        pair_up(rows, -rows, seed=0)


class Recorder:
    """An engine that writes down what it is asked."""

    def search_vectors(self, vectors, k, *, target="images", modality):
        self.asked = modality


def test_ours_is_asked_with_the_parts_and_which_of_them_is_a_text():
    pairs = pair_up(np.eye(6, dtype=np.float32), np.eye(6, dtype=np.float32), seed=2)
    engine = Recorder()
    ask(engine, pairs.sums, 3, Setting("composed", parts=pairs.parts))
    assert [each.modalities for each in engine.asked] == [("text", "image")] * 6
    assert np.array_equal(np.stack([each.vectors for each in engine.asked]), pairs.parts)
    ask(engine, pairs.sums, 3, Setting("text"))
    assert engine.asked == "text"
