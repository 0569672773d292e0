"""Search a gallery of many segments as if it were one array.

Candidates come from the merged codes and are re-scored exactly from the float16 vectors; segments
without codes are scored in full and merged in. The answer does not depend on how the items are
spread over segments: bit for bit, scores included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.ann.exact import (
    NO_ID,
    Ranking,
    VectorRows,
    exact_search,
    merge_rankings,
    pair_scores,
    top_k,
)
from retrieval.ann.ivfpq import IvfPq
from retrieval.model import Float32Array, Int64Array

RECALL_DEPTH = 10
"""k for which `SearchSettings.candidates` is stated; a larger k gathers in proportion."""

_RESCORED_ROWS = 16_384
"""Candidate rows in memory at a time: 24 MiB of float32 at 384 dimensions."""


@dataclass(frozen=True, slots=True)
class Part:
    """One segment as a search sees it.

    Attributes:
        ids: (n,) ascending.
        vectors: (n, dim) unit rows.
        codes: of these rows, by the gallery's codebook; None where they were not made yet.
    """

    ids: Int64Array
    vectors: VectorRows
    codes: bytes | None = None


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How far a search in coded segments looks.

    Attributes:
        nprobe: inverted lists visited.
        candidates: codes whose vectors are fetched and scored exactly, for k up to 10.
    """

    nprobe: int
    candidates: int


class FanOut:
    """All parts of one gallery, at one generation; safe to share between threads."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        codebook: bytes | None = None,
        dead: Int64Array | None = None,
    ) -> None:
        """Take the parts together.

        Args:
            parts: with disjoint ids.
            codebook: that all codes were made with; None searches every part exactly.
            dead: ids that are deleted and must not show.
        """
        self._parts = tuple(part for part in parts if len(part.ids))
        ids = np.concatenate([np.empty(0, np.int64), *(part.ids for part in self._parts)])
        self._starts = np.cumsum([0, *(len(part.ids) for part in self._parts)])
        self._row_of: Int64Array = np.argsort(ids, kind="stable")
        self.ids: Int64Array = ids[self._row_of]
        self._alive = None if dead is None else ~np.isin(ids, dead)
        self.n_live = len(ids) if self._alive is None else int(self._alive.sum())
        if self.n_live == len(ids):
            self._alive = None
        self._allowed = None if self._alive is None else self._alive[self._row_of]
        coded = [part.codes for part in self._parts if part.codes is not None]
        self._index = IvfPq(codebook, coded, self.ids) if codebook and coded else None

    @property
    def is_exact(self) -> bool:
        """True where no segment has codes, so that every live item is scored."""
        return self._index is None

    def search(
        self, queries: Float32Array, k: int, settings: SearchSettings | None = None
    ) -> Ranking:
        """The k best live items for each query.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1; more than the live items gives all of them.
            settings: how far to look in the codes; None scores every live item.

        Returns:
            Scores and ids, (Q, min(k, n_live)), all filled: where the visited lists hold too few
            items, the query is answered exactly.
        """
        k = min(k, self.n_live)
        if k == 0 or len(queries) == 0:
            return np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        if settings is None or self._index is None:
            return self._search_exactly(queries, k)
        rankings = [self._search_codes(self._index, queries, k, settings)]
        if any(part.codes is None for part in self._parts):
            rankings.append(self._search_exactly(queries, k, uncoded_only=True))
        scores, ids = merge_rankings(rankings, k)
        if scores.shape[1] < k:
            return self._search_exactly(queries, k)
        short = np.flatnonzero(ids[:, -1] == NO_ID)
        if short.size:
            scores[short], ids[short] = self._search_exactly(queries[short], k)
        return scores, ids

    def vectors_of(self, positions: Int64Array) -> Float32Array:
        """The vectors of items by their position in `ids`, (len(positions), dim)."""
        rows = self._row_of[positions]
        if len(self._parts) == 1:
            return self._parts[0].vectors.gather(rows)
        order = np.argsort(rows)  # neighbours share pages, and each part is asked once
        rows = rows[order]
        cuts = np.searchsorted(rows, self._starts)
        vectors = np.empty((len(rows), self._parts[0].vectors.dim), np.float32)
        for part, start, low, high in zip(
            self._parts, self._starts[:-1], cuts[:-1], cuts[1:], strict=True
        ):
            if low < high:
                vectors[order[low:high]] = part.vectors.gather(rows[low:high] - start)
        return vectors

    def _search_exactly(
        self, queries: Float32Array, k: int, *, uncoded_only: bool = False
    ) -> Ranking:
        return merge_rankings(
            (
                exact_search(
                    part.vectors,
                    part.ids,
                    queries,
                    k,
                    allowed=None if self._alive is None else self._alive[start:][: len(part.ids)],
                )
                for part, start in zip(self._parts, self._starts[:-1], strict=True)
                if not (uncoded_only and part.codes is not None)
            ),
            k,
        )

    def _search_codes(
        self, index: IvfPq, queries: Float32Array, k: int, settings: SearchSettings
    ) -> Ranking:
        depth = -(-settings.candidates * max(k, RECALL_DEPTH) // RECALL_DEPTH)
        positions = index.candidates(queries, depth, nprobe=settings.nprobe, allowed=self._allowed)
        block = max(1, _RESCORED_ROWS // max(1, positions.shape[1]))
        rankings = [
            self._rescored(queries[at : at + block], positions[at : at + block], k)
            for at in range(0, len(queries), block)
        ]
        scores, ids = zip(*rankings, strict=True)
        return np.vstack(scores), np.vstack(ids)

    def _rescored(self, queries: Float32Array, positions: Int64Array, k: int) -> Ranking:
        missing = positions == NO_ID
        known = np.where(missing, 0, positions)
        rows = self.vectors_of(known.ravel()).reshape(*positions.shape, -1)
        scores = pair_scores(rows, queries[:, None, :])
        scores[missing] = -np.inf
        return top_k(scores, np.where(missing, NO_ID, self.ids[known]), k)
