"""What might tell a query that is answered from one that is not, and how well it does.

Every statistic sees the vectors of the queries, of the gallery and of a bank of texts, and gives
one number a query: higher for a likelier match.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.calibrate import is_mutual
from retrieval.model import Float32Array

Numbers = npt.NDArray[np.float64]
_NEIGHBOURS = 0.05
"""Share of a gallery that is taken away around an item, to make a query unanswered."""

_NEWTON_STEPS = 50
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Scene:
    """Unit rows, all of one width.

    Attributes:
        queries: (q, dim).
        gallery: (n, dim), n at least 10.
        bank: (m, dim) texts that have nothing to do with the queries.
    """

    queries: Float32Array
    gallery: Float32Array
    bank: Float32Array


def top(scene: Scene) -> Numbers:
    """The best cosine."""
    return _top(_scores(scene))


def above_mean(scene: Scene) -> Numbers:
    """The best cosine less the mean of all."""
    scores = _scores(scene)
    return np.asarray(_top(scores) - scores.mean(axis=1))


def z_score(scene: Scene) -> Numbers:
    """The same, in standard deviations."""
    scores = _scores(scene)
    return np.asarray((_top(scores) - scores.mean(axis=1)) / scores.std(axis=1))


def peak(scene: Scene) -> Numbers:
    """The best cosine less the mean of the nine next ones."""
    best = -np.sort(-_scores(scene), axis=1)[:, :10]
    return np.asarray(best[:, 0] - best[:, 1:].mean(axis=1))


def less_bias(scene: Scene) -> Numbers:
    """The best cosine less the item's hubness: the mean of its 16 best cosines with the bank."""
    asked = scene.gallery @ scene.bank.T
    bias = np.sort(asked, axis=1)[:, -16:].mean(axis=1)
    return _top(_scores(scene) - bias)


def item_z(scene: Scene) -> Numbers:
    """The best of the cosines, each in deviations of what the bank scores with the item."""
    asked = scene.gallery @ scene.bank.T
    return _top((_scores(scene) - asked.mean(axis=1)) / asked.std(axis=1))


def rank_in_bank(scene: Scene) -> Numbers:
    """Less the share of the bank that the best image prefers to the query."""
    scores = _scores(scene)
    asked = scene.gallery[scores.argmax(axis=1)] @ scene.bank.T
    return np.asarray(-(asked > _top(scores)[:, None]).mean(axis=1))


def share_of_bank(scene: Scene) -> Numbers:
    """The best share that the query has of an image's softmax over it and the bank, at scale 20."""
    own = np.exp(20 * _scores(scene))
    rest = np.exp(20 * (scene.gallery @ scene.bank.T).astype(np.float64)).sum(axis=1)
    return _top(own / (own + rest))


def logistic(scene: Scene) -> Numbers:
    """Best cosine, z and peak, weighed as told by the bank alone.

    Texts of the bank that make mutual pairs with an item are answered; with the item's neighbours
    taken away they are not.
    """
    scores = scene.bank @ scene.gallery.T
    best = scene.gallery[scores.argmax(axis=1)]
    pairs = np.flatnonzero(is_mutual(scene.bank, best))
    nearness = best[pairs] @ scene.gallery.T
    cut = np.quantile(nearness, 1 - _NEIGHBOURS, axis=1, keepdims=True)
    answered = _features(scores[pairs].astype(np.float64))
    absent = _features(np.where(nearness >= cut, np.nan, scores[pairs].astype(np.float64)))
    weights, mean, deviation = _fitted(answered, absent)
    return np.asarray(((_features(_scores(scene)) - mean) / deviation) @ weights)


STATISTICS: Mapping[str, Callable[[Scene], Numbers]] = {
    "best cosine": top,
    "less mean of gallery": above_mean,
    "z in gallery": z_score,
    "less next nine": peak,
    "less hubness bias": less_bias,
    "z of item in bank": item_z,
    "rank in bank": rank_in_bank,
    "softmax with bank": share_of_bank,
    "logistic by bank": logistic,
}


def area(answered: Numbers, absent: Numbers) -> float:
    """The area under the ROC curve: how often an answered query is above an absent one; ties half.

    Source: Hanley & McNeil, Radiology 143 (1982).
    """
    above = (answered[:, None] > absent).mean() + 0.5 * (answered[:, None] == absent).mean()
    return float(above)


def rejected_at(answered: Numbers, absent: Numbers, lost: float = 0.1) -> float:
    """Share of absent queries below the threshold that loses this share of answered ones."""
    return float((absent < np.quantile(answered, lost)).mean())


def _scores(scene: Scene) -> Numbers:
    return (scene.queries @ scene.gallery.T).astype(np.float64)


def _top(scores: Numbers) -> Numbers:
    return np.asarray(scores.max(axis=1))


def _features(scores: Numbers) -> Numbers:
    """Best, z and peak, (q, 3); NaN are items that are not there."""
    best = -np.sort(-scores, axis=1)[:, :10]
    mean, deviation = np.nanmean(scores, axis=1), np.nanstd(scores, axis=1)
    z = (best[:, 0] - mean) / deviation
    return np.stack([best[:, 0], z, best[:, 0] - best[:, 1:].mean(axis=1)], axis=1)


def _fitted(positive: Numbers, negative: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Weights of a ridge logistic regression, mean and deviation of its features; by Newton."""
    rows = np.concatenate([positive, negative])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    x = np.column_stack([(rows - mean) / deviation, np.ones(len(rows))])
    y = np.repeat([1.0, 0.0], [len(positive), len(negative)])
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (y - chance) - _RIDGE * weights
        curve = (x * (chance * (1 - chance))[:, None]).T @ x + _RIDGE * np.eye(len(weights))
        weights += np.linalg.solve(curve, slope)
    return weights[:-1], mean, deviation
