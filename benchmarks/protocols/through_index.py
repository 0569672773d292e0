"""Recall through the index that users search, beside exact recall on the same features.

A collection is built of the gallery's vectors as `polyseek index` builds one, and texts ask it
through the engine. Nothing is told to the tuner that a user's collection would not know.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.datasets.base import Crossmodal
from benchmarks.protocols.evaluation import KS, Evaluation
from benchmarks.systems.base import NO_ROW, RowNumbers, Setting, Task
from benchmarks.systems.collection import Polyseek
from retrieval.ann.exact import top_k
from retrieval.model import Float32Array, Int64Array

_DEPTH = max(KS)

_DIRECTION = f"t2i_within_{_DEPTH}"
"""Of ranks that go no further; 0 is further."""


def evaluate_through(
    data: Crossmodal, pictures: Float32Array, texts: Float32Array, index: str
) -> Evaluation:
    """Texts find pictures through an index: recall of their own picture, and of the exact ten.

    Args:
        data: n pictures, m texts.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
        index: its kind, as `polyseek index --index` takes it.
    """
    found = _found(pictures, texts, index)
    is_own = found == data.picture_of[:, None]
    figures = {f"t2i_r@{k}": float(is_own[:, :k].any(axis=1).mean()) for k in KS}
    figures[f"ann_recall@{_DEPTH}"] = _ann_recall(pictures, texts, found)
    ranks: Int64Array = np.where(is_own.any(axis=1), is_own.argmax(axis=1) + 1, 0)
    own = {_DIRECTION: data.picture_of}
    return Evaluation(figures, {"t2i_queries": len(texts)}, {_DIRECTION: ranks}, own)


def _found(pictures: Float32Array, texts: Float32Array, index: str) -> RowNumbers:
    """Rows of pictures that texts find, (m, 10), best first."""
    with TemporaryDirectory() as place:
        base = Path(place) / "base.npy"
        np.save(base, pictures)
        folder = Path(place) / "system"
        folder.mkdir()
        task = Task(str(base), str(folder), k=_DEPTH, option=index)
        system = Polyseek()
        system.build(task)
        searcher = system.open(task)
        return searcher.rows(searcher.search(texts, _DEPTH, Setting("text")), _DEPTH)


def _ann_recall(pictures: Float32Array, texts: Float32Array, found: RowNumbers) -> float:
    """The mean share of the exact ten best that were found."""
    numbers = np.arange(len(pictures))
    shares = []
    for start in range(0, len(texts), 1_024):
        block = slice(start, start + 1_024)
        _, exact = top_k(texts[block] @ pictures.T, numbers, _DEPTH)
        hits = (found[block][:, :, None] == exact[:, None, :]) & (
            found[block][:, :, None] != NO_ROW
        )
        shares.append(hits.any(axis=1).mean(axis=1))
    return float(np.concatenate(shares).mean())
