"""How far a collection's index agrees with exact search over the same vectors, asked alike."""

from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.ann import MeanRecall, recall_per_query
from benchmarks.perf.timing import interleave
from indexer.measure import fan_out_of
from retrieval.ann.exact import Ranking
from retrieval.ann.fanout import RECALL_DEPTH
from retrieval.engine import SearchEngine
from retrieval.model import Float32Array

SCORE_TIE = 1e-6
"""Scores as near as this to the tenth are equal to it: both searches sum the same float16
vectors in float32, and the last bits of such a sum are no reason to prefer an item."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one set of queries says of an index.

    Attributes:
        found: share of the exact ten best that the index returns, mean over queries; an item that
            scores like the tenth is as good as it.
        worst: mean over the tenth of the queries that agree least.
        n_queries: how many were asked.
        index_ms: median time of one query by the index.
        exact_ms: and by exact search; both took turns.
    """

    found: MeanRecall
    worst: float
    n_queries: int
    index_ms: float
    exact_ms: float


def measure_agreement(engine: SearchEngine, texts: Float32Array) -> Agreement:
    """Ask for texts by the index and exactly.

    Args:
        engine: of a collection with an index.
        texts: (Q, dim) unit rows, at least two.

    Raises:
        ValueError: fewer than two queries.
    """
    if len(texts) < 2:
        raise ValueError(f"an agreement needs at least two queries, got {len(texts)}")
    everything = fan_out_of(engine.collection.gallery("images"))

    def by_index(rows: Float32Array) -> Ranking:
        return engine.search_vectors(rows, RECALL_DEPTH, modality="text")

    def exactly(rows: Float32Array) -> Ranking:
        return everything.search(rows, RECALL_DEPTH)

    scores, ids = by_index(texts)
    cuts = exactly(texts)[0][:, -1] - np.float32(SCORE_TIE)
    shares = recall_per_query(ids, scores, cuts, ids.shape[1])
    times = interleave(
        {
            "index": lambda number: by_index(texts[number : number + 1]),
            "exact": lambda number: exactly(texts[number : number + 1]),
        },
        rounds=len(texts),
    )
    lowest = np.sort(shares)[: max(1, len(shares) // 10)]
    return Agreement(
        found=MeanRecall.of(shares),
        worst=float(lowest.mean()),
        n_queries=len(shares),
        index_ms=times["index"].p50_ms,
        exact_ms=times["exact"].p50_ms,
    )
