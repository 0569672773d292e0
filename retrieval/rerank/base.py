"""The re-ranker seam: what scores the best hits of a search again, and their order then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from retrieval.model import Float32Array, Hit
from retrieval.query.algebra import Query, Text
from retrieval.query.normal import normal, towards

DEFAULT_TOP = 64
"""Hits that are scored again. BLIP is evaluated with the best 128 to 256 (Li et al., ICML 2022);
one takes a tenth of a second or more on a CPU."""


class Reranker(Protocol):
    """Scores hits by something that is too dear to be asked of a whole gallery."""

    def score(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """What hits are worth, (n,), higher is better; NaN for a hit of which it cannot tell.

        Raises:
            QueryError: the query is of a kind that it cannot score.
        """
        ...


def reranked(hits: Sequence[Hit], scores: Float32Array) -> tuple[Hit, ...]:
    """Hits in the order of new scores, ranks from 1.

    Scored ones come first, by score, ties in their old order; then those without a score (NaN), and
    those beyond the scores, in their old order.

    Args:
        hits: n of them, best first.
        scores: (m,) of the first m hits, m <= n.
    """
    values = np.full(len(hits), np.nan)
    values[: len(scores)] = scores
    is_known = ~np.isnan(values)
    order = np.lexsort((np.arange(len(hits)), -np.where(is_known, values, -np.inf), ~is_known))
    return tuple(
        replace(hits[at], rank=rank, reranked=float(values[at]) if is_known[at] else None)
        for rank, at in enumerate(order.tolist(), start=1)
    )


def texts_of(query: Query) -> tuple[Text, ...]:
    """The texts that a query goes towards as terms of its own, in their order."""
    found = towards(normal(query.expression).core, marks=False)
    return tuple(dict.fromkeys(leaf for leaf in found if isinstance(leaf, Text)))
