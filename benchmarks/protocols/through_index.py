"""Recall through the index that users search, beside exact recall on the same features.

Collections are built of the vectors as `polyseek index` builds them, one of the pictures and one of
the texts, and asked through the engine. They are two, so that no index is tuned on what will be
asked: that of pictures is tuned on texts that polyseek writes itself, that of texts on its own.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.datasets.base import Crossmodal
from benchmarks.metrics.ann import recall_per_query
from benchmarks.metrics.ranking import BoolArray
from benchmarks.perf.timing import interleave
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.figures import DEPTH, through_figures
from benchmarks.systems.base import NO_ROW, Modality, RowNumbers, Setting, Task
from benchmarks.systems.collection import Contents, Polyseek, PolyseekSearcher
from retrieval.ann.exact import top_k
from retrieval.model import Float32Array, Int64Array

_TIMED = 200
"""Queries that are asked one by one, through the index and exactly in turns."""

_BLOCK = 1_024

_SCORE_TIE = np.float32(5e-5)
"""Scores as near as this to the tenth are equal to it: a collection keeps float16 vectors, whose
cosines are up to this beside those of float32 (four standard deviations at 512 dimensions)."""


def evaluate_through(
    data: Crossmodal,
    pictures: Float32Array,
    texts: Float32Array,
    index: str,
    contents: Contents | None = None,
) -> Evaluation:
    """Texts find pictures and pictures find texts through indexes of one kind.

    Args:
        data: n pictures, m texts.
        pictures: (n or more, dim) unit rows; those behind the first n are of no text, and then
            only pictures are searched.
        texts: (m, dim) unit rows.
        index: its kind, as `polyseek index --index` takes it.
        contents: what made the vectors; None is nothing that can be asked.

    Returns:
        Recall of what is right, "t2i_r@1", and of the exact ten, "ann_recall@10" and
        "i2t_ann_recall@10". Ranks are those within ten, 0 where nothing right is among them.
        Times: "t2i_index_ms" and "t2i_exact_ms" are medians of single queries.
    """
    own = contents or Contents()
    found = _searched(texts, pictures, index, own, "text")
    is_right = found.rows == data.picture_of[:, None]
    t2i = replace(_evaluation("t2i", is_right, found), pictures={"t2i": data.picture_of})
    if len(pictures) > len(data.pictures):
        return t2i
    of_texts = Contents("texts", own.model, own.fingerprint)
    found = _searched(pictures, texts, index, of_texts, "image")
    owner = np.where(found.rows == NO_ROW, NO_ROW, data.picture_of[found.rows])
    i2t = _evaluation("i2t", owner == np.arange(len(pictures))[:, None], found)
    return Evaluation(
        {**t2i.figures, **i2t.figures},
        {**t2i.counts, **i2t.counts},
        {**t2i.ranks, **i2t.ranks},
        {**t2i.times, **i2t.times},
        t2i.pictures,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What an index answered.

    Attributes:
        rows: (Q, 10) of the gallery, best first.
        hits: (Q,) how many of the exact ten (of all, where there are fewer) are among them.
        depth: how many that would be.
        times: seconds of the build, medians of single queries.
    """

    rows: RowNumbers
    hits: Int64Array
    depth: int
    times: Mapping[str, float]


def _searched(
    queries: Float32Array, gallery: Float32Array, index: str, contents: Contents, kind: Modality
) -> _Found:
    with _built(gallery, index, contents) as (searcher, build_s):
        setting = Setting(kind)
        rows = searcher.rows(searcher.search(queries, DEPTH, setting), DEPTH)
        arms = {
            "index": lambda n: searcher.search(queries[n : n + 1], DEPTH, setting),
            "exact": lambda n: _best(queries[n : n + 1], gallery),
        }
        timed = interleave(arms, rounds=min(_TIMED, len(queries)))
    times = {f"{name}_ms": round(each.p50_ms, 3) for name, each in timed.items()}
    hits, depth = _hits(queries, gallery, rows)
    return _Found(rows, hits, depth, {"build_s": round(build_s, 3), **times})


@contextmanager
def _built(
    gallery: Float32Array, index: str, contents: Contents
) -> Iterator[tuple[PolyseekSearcher, float]]:
    """A collection of some vectors, and the seconds that it took."""
    with TemporaryDirectory() as place:
        base, folder = Path(place) / "base.npy", Path(place) / "system"
        np.save(base, gallery)
        folder.mkdir()
        task = Task(str(base), str(folder), k=DEPTH, option=index)
        system = Polyseek(contents)
        started_s = time.perf_counter()
        system.build(task)
        build_s = time.perf_counter() - started_s
        searcher = system.open(task)
        try:
            yield searcher, build_s
        finally:
            searcher.close()


def _best(queries: Float32Array, gallery: Float32Array) -> tuple[Float32Array, Int64Array]:
    """Scores and rows of the exact ten best."""
    return top_k(queries @ gallery.T, np.arange(len(gallery)), DEPTH)


def _hits(queries: Float32Array, gallery: Float32Array, rows: RowNumbers) -> tuple[Int64Array, int]:
    """How many of the exact ten best were found, (Q,), and how many there are; any that tie do."""
    depth = min(DEPTH, len(gallery))
    hits = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), _BLOCK):
        block = slice(start, start + _BLOCK)
        cuts = _best(queries[block], gallery)[0][:, depth - 1] - _SCORE_TIE
        scores = np.einsum("qd,qkd->qk", queries[block], gallery[rows[block]])
        hits[block] = np.rint(depth * recall_per_query(rows[block], scores, cuts, depth))
    return hits, depth


def _evaluation(way: str, is_right: BoolArray, found: _Found) -> Evaluation:
    within = np.where(is_right.any(axis=1), is_right.argmax(axis=1) + 1, 0)
    ranks = {f"{way}_within_{DEPTH}": within, f"{way}_ann_hits": found.hits}
    return Evaluation(
        through_figures(ranks, {way: found.depth}),
        {f"{way}_queries": len(within)},
        ranks,
        {f"{way}_{name}": value for name, value in found.times.items()},
    )
