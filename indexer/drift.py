"""Whether a gallery has grown away from the lists that its index was trained on."""

from dataclasses import dataclass

import numpy as np

from indexer.due import RETRAIN_GROWTH
from indexer.measure import published_index
from retrieval.ann.codebook import Codebook
from retrieval.model import Float32Array, Int64Array
from retrieval.store.collection import Gallery

_SAMPLE = 2_000
_MIN_NEW_SHARE = 0.1
_FIT_LOSS = 0.05
_IMBALANCE = 4.0


@dataclass(frozen=True, slots=True)
class Drift:
    """How the lists of an index fit what the gallery holds now.

    Attributes:
        growth: living items over those at the training.
        fit_before: mean cosine of an item with the centroid of its list, for items that were there
            at the training.
        fit_since: the same for those that came since; None where that is less than a tenth.
        imbalance: expected size of the list of a random item, over the mean size: 1 is even.
    """

    growth: float
    fit_before: float
    fit_since: float | None
    imbalance: float

    @property
    def reason_to_retrain(self) -> str | None:
        """Why a new training is due; None if it is not."""
        if self.growth >= RETRAIN_GROWTH:
            return f"the gallery has grown {self.growth:.1f} times since the training"
        if self.fit_since is not None and self.fit_since < self.fit_before - _FIT_LOSS:
            return (
                f"items that came since the training lie further from its lists "
                f"(cosine {self.fit_since:.2f} instead of {self.fit_before:.2f})"
            )
        if self.imbalance > _IMBALANCE:
            return f"a list that is visited is {self.imbalance:.1f} times as long as the mean"
        return None


def measure_drift(gallery: Gallery, *, seed: int = 0) -> Drift | None:
    """Compare the oldest items of a gallery, as many as there were at its training, with the rest.

    Two thousand of each are looked at. None where exact search serves.

    Raises:
        CorruptCollectionError: a file of the index is not what the manifest says.
        MissingDependencyError: FAISS is not installed.
    """
    record, data = gallery.entry.index, gallery.read_codebook()
    if record is None or data is None:
        return None
    book, index = Codebook(data), published_index(gallery)
    rng = np.random.default_rng(seed)
    live = index.live_positions  # in the order of their ids, so the newest come last
    old, new = live[: record.n_trained], live[record.n_trained :]
    is_told = len(new) >= _MIN_NEW_SHARE * max(1, len(old))
    sizes = index.list_sizes().astype(np.float64)
    return Drift(
        growth=len(live) / max(1, record.n_trained),
        fit_before=_fit(book, index.vectors_of(_drawn(old, rng))),
        fit_since=_fit(book, index.vectors_of(_drawn(new, rng))) if is_told else None,
        imbalance=float(len(sizes) * (sizes**2).sum() / max(1.0, sizes.sum()) ** 2),
    )


def _drawn(positions: Int64Array, rng: np.random.Generator) -> Int64Array:
    return np.sort(rng.choice(positions, min(_SAMPLE, len(positions)), replace=False))


def _fit(book: Codebook, rows: Float32Array) -> float:
    own = book.unrotated_centroids[book.lists_of(rows)]
    return float(np.vecdot(rows, own).mean())
