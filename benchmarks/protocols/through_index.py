"""Recall through the index that users search, beside exact recall on the same features.

A collection is built of the gallery's vectors as `polyseek index` builds one, and texts ask it
through the engine. Nothing is told to the tuner that a user's collection would not know.
"""

import time
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


def evaluate_through(
    data: Crossmodal, pictures: Float32Array, texts: Float32Array, index: str
) -> Evaluation:
    """Texts find pictures through an index: recall of their own picture, and of the exact ten.

    Args:
        data: n pictures, m texts.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.
        index: its kind, as `polyseek index --index` takes it.

    Its times are of many queries at once: `search_ms` through the index and `exact_search_ms` over
    the whole gallery, milliseconds a query, and `build_s` of the collection.
    """
    found, times = _found(pictures, texts, index)
    is_own = found == data.picture_of[:, None]
    figures = {f"t2i_r@{k}": float(is_own[:, :k].any(axis=1).mean()) for k in KS}
    figures[f"ann_recall@{_DEPTH}"], exact_s = _ann_recall(pictures, texts, found)
    times["exact_search_ms"] = round(1e3 * exact_s / len(texts), 4)
    ranks: Int64Array = np.where(is_own.any(axis=1), is_own.argmax(axis=1) + 1, 0)
    return Evaluation(figures, {"t2i_queries": len(texts)}, {"t2i_within_10": ranks}, times)


def _found(
    pictures: Float32Array, texts: Float32Array, index: str
) -> tuple[RowNumbers, dict[str, float]]:
    """Rows of pictures that texts find, (m, 10), best first; and how long that takes."""
    with TemporaryDirectory() as place:
        base = Path(place) / "base.npy"
        np.save(base, pictures)
        folder = Path(place) / "system"
        folder.mkdir()
        task = Task(str(base), str(folder), k=_DEPTH, option=index)
        system = Polyseek()
        began = time.perf_counter()
        system.build(task)
        built = time.perf_counter()
        searcher = system.open(task)
        searcher.search(texts[:1], _DEPTH, Setting("text"))  # reads what is read once
        asked = time.perf_counter()
        answers = searcher.search(texts, _DEPTH, Setting("text"))
        search_ms = 1e3 * (time.perf_counter() - asked) / len(texts)
        times = {"build_s": round(built - began, 3), "search_ms": round(search_ms, 4)}
        return searcher.rows(answers, _DEPTH), times


def _ann_recall(
    pictures: Float32Array, texts: Float32Array, found: RowNumbers
) -> tuple[float, float]:
    """The mean share of the exact ten best that were found, and the seconds to find all those."""
    numbers = np.arange(len(pictures))
    shares = []
    exact_s = 0.0
    for start in range(0, len(texts), 1_024):
        block = slice(start, start + 1_024)
        began = time.perf_counter()
        _, exact = top_k(texts[block] @ pictures.T, numbers, _DEPTH)
        exact_s += time.perf_counter() - began
        hits = (found[block][:, :, None] == exact[:, None, :]) & (
            found[block][:, :, None] != NO_ROW
        )
        shares.append(hits.any(axis=1).mean(axis=1))
    return float(np.concatenate(shares).mean()), exact_s
