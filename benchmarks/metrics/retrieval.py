"""Figures of ranks: recall at k, median and mean rank, reciprocal rank."""

from collections.abc import Sequence

import numpy as np

from benchmarks.metrics.ranks import Ranks
from retrieval.model import Int64Array


def recall_at(ranks: Int64Array, k: int) -> float:
    """The share of queries whose best right answer is among the first k, in [0, 1]."""
    return float((ranks <= k).mean())


def median_rank(ranks: Int64Array) -> float:
    """The median as VSE++ has it: floor of the median of ranks from 0, plus 1.

    Source: F. Faghri, D. Fleet, J. Kiros, S. Fidler, "VSE++: Improving Visual-Semantic Embeddings
    with Hard Negatives", BMVC 2018 (its evaluation code).
    """
    return float(np.floor(np.median(ranks - 1)) + 1)


def recalls_of_ranks(ranks: Ranks, ks: Sequence[int], name: str) -> dict[str, float]:
    """Recall at some depths, e.g. "t2i_r@1".

    One that is lower where ties count against stands there twice, the lower one with "_pessimistic"
    behind its name.

    Args:
        ranks: of at least one query.
        ks: depths.
        name: what goes before, e.g. "t2i" or "i2t_cxc".
    """
    figures = {f"{name}_r@{k}": recall_at(ranks.best, k) for k in ks}
    for k in ks:
        if (lower := recall_at(ranks.pessimistic, k)) != figures[f"{name}_r@{k}"]:
            figures[f"{name}_r@{k}_pessimistic"] = lower
    return figures


def figures_of_ranks(ranks: Ranks, ks: Sequence[int], direction: str) -> dict[str, float]:
    """All figures of one direction: recalls, median and mean rank, mean reciprocal rank.

    Args:
        ranks: of at least one query.
        ks: depths of recall.
        direction: "t2i" or "i2t".
    """
    best = ranks.best
    return recalls_of_ranks(ranks, ks, direction) | {
        f"{direction}_median_rank": median_rank(best),
        f"{direction}_mean_rank": float(best.mean()),
        f"{direction}_mrr": float((1 / best).mean()),
    }
