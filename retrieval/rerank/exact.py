"""Score hits by the cosine alone: what a search through codes does already, as a stage of its own.

It undoes what a hubness bias, a penalty or a product has done to the order of the best hits.
"""

from collections.abc import Sequence

import numpy as np

from retrieval.ann.exact import pair_scores
from retrieval.engine import SearchEngine
from retrieval.model import Float32Array, Hit, gallery_of
from retrieval.query.algebra import Query


class ExactReranker:
    """The cosine of the query's vector and the stored vectors of the hits."""

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine

    def score(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """Cosines, (n,)."""
        if not hits:
            return np.empty(0, np.float32)
        target = gallery_of(hits[0].item.id)
        vector = self._engine.encode([query], target)[0]
        rows = self._engine.view.vectors_of_items([hit.item.id for hit in hits])
        return pair_scores(rows, vector)
