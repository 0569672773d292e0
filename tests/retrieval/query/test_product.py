import numpy as np
import pytest

from retrieval.query.product import Fusion, Landmarks


@pytest.fixture
def landmarks():
    rng = np.random.default_rng(0)
    items, captions = rng.normal(size=(300, 16)) + 1, rng.normal(size=(200, 16)) - 1
    return unit(items), unit(captions)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def slow_fused(parts, modalities, landmarks, rows):
    """Step by step on centred and projected items, without folding anything into the query."""
    sample, captions = landmarks
    mean_item = sample.astype(float).mean(axis=0)
    mean_text = captions.astype(float).mean(axis=0)
    differ = captions - mean_text
    _, values, axes = np.linalg.svd(differ, full_matrices=False)
    share = (values**2).cumsum() / (values**2).sum()
    axes = axes[: 1 + int(np.searchsorted(share, 0.95))]

    def score(part, modality, items):
        centred = items - mean_item
        if modality == "text":
            return centred @ (part - mean_text)
        return (centred @ axes.T) @ (axes @ (part - mean_item))

    normed = []
    for part, modality in zip(parts, modalities, strict=True):
        scores = np.sort(score(part, modality, sample))
        least = scores[len(scores) // 100]
        normed.append(np.maximum((score(part, modality, rows) - least) / abs(least), 0))
    total = parts.sum(axis=0)
    behind = rows @ total / np.linalg.norm(total) - 1
    product = normed[0] * normed[1]
    return np.array([one if one > 0 else other for one, other in zip(product, behind, strict=True)])


@pytest.mark.parametrize("modalities", [("image", "text"), ("text", "text"), ("image", "image")])
def test_folding_into_the_query_changes_no_score(landmarks, modalities):
    rng = np.random.default_rng(1)
    parts, rows = unit(rng.normal(size=(2, 16))), unit(rng.normal(size=(50, 16)) + 1)
    fused = Fusion.of(parts, modalities, Landmarks.of(*landmarks)).of_items(rows)
    assert fused == pytest.approx(slow_fused(parts, modalities, landmarks, rows), abs=1e-4)


def test_an_item_like_both_parts_beats_those_like_one():
    axes = np.eye(4, dtype=np.float32)
    rng = np.random.default_rng(2)
    spread = Landmarks.of(unit(rng.normal(size=(500, 4))), unit(rng.normal(size=(500, 4))))
    fusion = Fusion.of(axes[:2], ("image", "text"), spread)
    both = unit(axes[:1] + axes[1:2])[0]
    first, second, middle = fusion.of_items(np.stack([axes[0], axes[1], both]))
    assert middle > first
    assert middle > second


def test_captions_that_are_all_alike_leave_an_image_as_it_is():
    axes = np.eye(3, dtype=np.float32)
    alike = Landmarks.of(axes, axes[[2, 2]])
    fusion = Fusion.of(axes[:2], ("image", "text"), alike)
    assert fusion.parts[0] == pytest.approx(axes[0] - axes.mean(axis=0))


@pytest.mark.parametrize("n_equal", [1, 2, 50])
def test_items_that_are_all_alike_score_finite_and_alike(n_equal):
    rng = np.random.default_rng(3)
    same, parts, captions = (unit(rng.normal(size=(n, 16))) for n in (1, 2, 200))
    rows = np.repeat(same, n_equal, axis=0)
    fusion = Fusion.of(parts, ("image", "text"), Landmarks.of(rows, captions))
    fused = fusion.of_items(np.concatenate([rows, parts]))
    assert np.isfinite(fused).all()
    assert fused[:n_equal] == pytest.approx(1, abs=0.5), "what is left is rounding"


def test_items_below_the_least_are_ordered_by_the_sum_of_the_parts(landmarks):
    parts = np.eye(16, dtype=np.float32)[:2]
    fusion = Fusion.of(parts, ("text", "text"), Landmarks.of(*landmarks))
    rng = np.random.default_rng(4)
    far = unit(rng.normal(size=(40, 16)) - 3 * parts.sum(axis=0))
    fused = fusion.of_items(far)
    assert (fused <= 0).all()
    assert (np.argsort(fused) == np.argsort(far @ parts.sum(axis=0))).all()
    assert fusion.of_items(landmarks[0]).max() > 0


def test_parts_that_are_opposite_have_no_sum_and_yet_a_product(landmarks):
    part = np.eye(16, dtype=np.float32)[0]
    fusion = Fusion.of(np.stack([part, -part]), ("text", "text"), Landmarks.of(*landmarks))
    assert np.isfinite(fusion.of_items(landmarks[0])).all()
