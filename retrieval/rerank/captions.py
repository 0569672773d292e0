"""Score hits by what was written about them: the captions that came with the pictures.

A caption says things that no encoder sees in a picture. The cosine of the query's text with the
best caption of a hit is fused with the cosine of the hit itself; both count by how far they lie
from the mean of the hits, in standard deviations, because texts are much more alike than a text and
a picture are. A hit without captions counts as one of mean captions.

Source of the fusion: the mean of z-scores (E. Fox, J. Shaw, "Combination of Multiple Searches",
TREC-2, 1994, CombSUM, on standardised scores).
"""

from collections.abc import Sequence

import numpy as np

from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.model import Float32Array, Hit, ItemId, gallery_of
from retrieval.query.algebra import Query, Text
from retrieval.query.ways import Mean
from retrieval.rerank.base import texts_of

CAPTION_SHARE = 0.5
"""Of the captions in the fused score; see docs/feedback.md for others."""


class CaptionReranker:
    """The fused score of the cosine of a hit and of its best caption.

    Args:
        engine: over the collection whose hits are scored.
        share: of the captions, in [0, 1]; the rest is the cosine of the hit.
    """

    def __init__(self, engine: SearchEngine, share: float = CAPTION_SHARE) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"the share of captions lies between 0 and 1, got {share}")
        self._engine = engine
        self._share = share

    def score(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """Fused scores, (n,), without a unit.

        Raises:
            QueryError: the query has no text.
            GenerationGoneError: the generation of the hits was collected meanwhile.
        """
        texts = texts_of(query)
        if not texts:
            raise QueryError(
                "captions are compared with a text, and the query has none",
                hint="add a text, or re-rank in another way",
            )
        vector = self._engine.encode([Query(Mean(texts), ensemble=query.ensemble)])[0]
        own = np.array([hit.score for hit in hits])
        said = np.array([self._best(vector, rows) for rows in self._captions_of(hits)])
        fused = (1 - self._share) * _standard(own) + self._share * _standard(said)
        return fused.astype(np.float32)

    def _best(self, vector: Float32Array, rows: Float32Array) -> float:
        return float((rows @ vector).max()) if len(rows) else np.nan

    def _captions_of(self, hits: Sequence[Hit]) -> list[Float32Array]:
        """For each hit the vectors of its captions, (c, dim), c may be 0."""
        view = self._engine.view
        ids = self._texts_of_pictures(hits)
        # What a picture says itself is a text of the collection, unless it has none.
        unknown = [
            [] if own else [text for text in hit.item.captions if text.strip()]
            for hit, own in zip(hits, ids, strict=True)
        ]
        every = sorted({item_id for own in ids for item_id in own})
        said = list(dict.fromkeys(text for own in unknown for text in own))
        rows = dict(zip(every, view.vectors_of_items(every), strict=True))
        new = dict(zip(said, self._engine.encode(list(map(Text, said))), strict=True))
        return [
            np.array([*(rows[each] for each in sorted(own)), *(new[text] for text in texts)])
            for own, texts in zip(ids, unknown, strict=True)
        ]

    def _texts_of_pictures(self, hits: Sequence[Hit]) -> list[set[ItemId]]:
        """For each hit the texts that belong to any of its files; a text is its own."""
        collection = self._engine.view.collection
        ids = [{hit.item.id} if gallery_of(hit.item.id) == "texts" else set() for hit in hits]
        places = {file.path: number for number, hit in enumerate(hits) for file in hit.item.files}
        for known in collection.catalogue.files_at(list(places), collection.generation):
            number = places[known.file.path]
            if gallery_of(known.item_id) == "texts" and gallery_of(hits[number].item.id) != "texts":
                ids[number].add(known.item_id)
        return ids


def _standard(values: np.ndarray) -> np.ndarray:
    """Values less their mean, in standard deviations; unknown ones, and equal ones, are 0."""
    is_known = ~np.isnan(values)
    if not is_known.any():
        return np.zeros_like(values)
    spread = values[is_known].std()
    known = (values - values[is_known].mean()) / spread if spread > 0 else values * 0
    return np.where(is_known, known, 0.0)
