"""Search a gallery of many segments as if it were one array.

Candidates come from the merged codes and are re-scored exactly from the float16 vectors; segments
without codes are scored in full and merged in. The answer does not depend on how the items are
spread over segments: bit for bit, scores included.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrieval.ann.exact import (
    NO_ID,
    BoolArray,
    Ranking,
    VectorRows,
    exact_search,
    merge_rankings,
    pair_scores,
    top_k,
)
from retrieval.ann.ivfpq import IvfPq
from retrieval.ann.subset import ChosenRows, is_cheaper_in_full, widened
from retrieval.model import Float32Array, Int64Array, as_single

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

    @property
    def nlist(self) -> int:
        """Inverted lists of the codes; 0 where there are none."""
        return 0 if self._index is None else self._index.nlist

    @property
    def live_positions(self) -> Int64Array:
        """Where the live items stand in `ids`, ascending."""
        return np.arange(len(self.ids)) if self._allowed is None else np.flatnonzero(self._allowed)

    def search(
        self,
        queries: Float32Array,
        k: int,
        settings: SearchSettings | None = None,
        excluded: Sequence[Int64Array] = (),
        only: Int64Array | None = None,
    ) -> Ranking:
        """The k best live items for each query; a query's answer depends on itself alone.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1; more than the live items gives all of them.
            settings: how far to look in the codes; None scores every live item.
            excluded: for each query the distinct ids that must not come back; () excludes none.
            only: ascending ids of the items that may come back; None allows all. Few are scored in
                full; among many, more lists are visited than `settings` says (subset.py).

        Returns:
            Scores and ids, (Q, w): w = k, or less if no query has as many items left. Where the
            visited lists hold too few items, the query is answered exactly.
        """
        chosen = None if only is None else self._known_positions(only)
        n_shown = self.n_live if chosen is None else len(chosen)
        k = min(k, max(1, n_shown))  # a larger one asks for no more
        unwanted = [ids[self.positions_of(ids) != NO_ID] for ids in excluded]
        if only is not None:
            unwanted = [ids[np.isin(ids, only)] for ids in unwanted]
        n_unwanted = np.array([len(ids) for ids in unwanted] or [0] * len(queries), np.int64)
        owed = np.minimum(k, n_shown - n_unwanted)
        width = int(owed.max(initial=0))
        if width == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if chosen is not None and settings is not None:
            settings = self._among(settings, k, len(chosen))
        if settings is None or self._index is None:
            return _fitted(self._search_exactly(queries, k, unwanted, chosen=chosen), width)
        allowed = self._allowed if chosen is None else self._mask(chosen)
        rankings = [self._search_codes(self._index, queries, k, settings, unwanted, allowed)]
        if any(part.codes is None for part in self._parts):
            rankings.append(
                self._search_exactly(queries, k, unwanted, chosen=chosen, uncoded_only=True)
            )
        scores, ids = _fitted(merge_rankings(rankings, k), width)
        short = np.flatnonzero((ids != NO_ID).sum(axis=1) < owed)
        if short.size:
            left_out = [unwanted[number] for number in short] if unwanted else []
            exact = self._search_exactly(queries[short], k, left_out, chosen=chosen)
            scores[short], ids[short] = _fitted(exact, width)
        return scores, ids

    def candidate_ids(self, queries: Float32Array, k: int, nprobe: int) -> Int64Array:
        """Ids of the k best codes of live items, best first, not re-scored, (Q, at most k).

        For the choice of settings only: a search re-scores. NO_ID where lists ran out.
        """
        if self._index is None:
            return np.empty((len(queries), 0), np.int64)
        positions = self._index.candidates(queries, k, nprobe=nprobe, allowed=self._allowed)
        return np.where(positions == NO_ID, NO_ID, self.ids[positions])

    def positions_of(self, ids: Int64Array) -> Int64Array:
        """Where live items stand in `ids`, (len(ids),); NO_ID for unknown and deleted ones."""
        if not len(self.ids):
            return np.full(len(ids), NO_ID)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        found = self.ids[places] == ids
        if self._allowed is not None:
            found &= self._allowed[places]
        return np.where(found, places, NO_ID)

    def vectors_of(self, positions: Int64Array) -> Float32Array:
        """The vectors of items by their position in `ids`, (len(positions), dim)."""
        rows = self._row_of[positions]
        order = np.argsort(rows)  # neighbours share pages, and each part is asked once
        rows = rows[order]
        cuts = np.searchsorted(rows, self._starts).tolist()
        halves = np.empty((len(rows), self._parts[0].vectors.dim), np.float16)
        for number, part in enumerate(self._parts):
            here = slice(cuts[number], cuts[number + 1])
            if here.start < here.stop:
                own_rows = rows[here] - self._starts[number]
                halves[order[here]] = part.vectors.gather_half(own_rows)
        return as_single(halves)

    def _known_positions(self, ids: Int64Array) -> Int64Array:
        """Where those of `ids` that are alive stand, ascending."""
        positions = self.positions_of(ids)
        known: Int64Array = positions[positions != NO_ID]
        return known

    def _mask(self, positions: Int64Array) -> BoolArray:
        mask = np.zeros(len(self.ids), np.bool_)
        mask[positions] = True
        return mask

    def _among(self, settings: SearchSettings, k: int, n_chosen: int) -> SearchSettings | None:
        """How far to look where only some items may come back; None scores all of them."""
        share = n_chosen / max(1, self.n_live)
        nprobe = widened(settings.nprobe, max(1, self.nlist), share)
        n_codes = len(self.ids) * nprobe / max(1, self.nlist)
        if is_cheaper_in_full(n_chosen, n_codes, _depth(settings, k)):
            return None
        return replace(settings, nprobe=nprobe)

    def _search_chosen(
        self, queries: Float32Array, k: int, chosen: Int64Array, *, uncoded_only: bool
    ) -> Ranking:
        """Every item at the chosen positions is scored; of few, no others are read."""
        if uncoded_only:
            part = np.searchsorted(self._starts, self._row_of[chosen], side="right") - 1
            is_uncoded = np.array([each.codes is None for each in self._parts])
            chosen = chosen[is_uncoded[part]]
        return exact_search(ChosenRows(self, chosen), self.ids[chosen], queries, k)

    def _search_exactly(
        self,
        queries: Float32Array,
        k: int,
        unwanted: Sequence[Int64Array],
        *,
        chosen: Int64Array | None = None,
        uncoded_only: bool = False,
    ) -> Ranking:
        most = max(map(len, unwanted), default=0)
        if chosen is not None:
            scores, ids = self._search_chosen(queries, k + most, chosen, uncoded_only=uncoded_only)
            _blank(scores, ids, unwanted)
            return top_k(scores, ids, k)
        scores, ids = merge_rankings(
            (
                exact_search(
                    part.vectors,
                    part.ids,
                    queries,
                    k + most,
                    allowed=None if self._alive is None else self._alive[start:][: len(part.ids)],
                )
                for part, start in zip(self._parts, self._starts[:-1], strict=True)
                if not (uncoded_only and part.codes is not None)
            ),
            k + most,
        )
        _blank(scores, ids, unwanted)
        return top_k(scores, ids, k)

    def _search_codes(
        self,
        index: IvfPq,
        queries: Float32Array,
        k: int,
        settings: SearchSettings,
        unwanted: Sequence[Int64Array],
        allowed: BoolArray | None,
    ) -> Ranking:
        depth = _depth(settings, k)
        positions = index.candidates(queries, depth, nprobe=settings.nprobe, allowed=allowed)
        block = max(1, _RESCORED_ROWS // max(1, positions.shape[1]))
        rankings = []
        for at in range(0, len(queries), block):
            here = slice(at, at + block)
            scores, ids = self._rescored(queries[here], positions[here])
            _blank(scores, ids, unwanted[here])
            rankings.append(top_k(scores, ids, k))
        return np.vstack([scores for scores, _ in rankings]), np.vstack([i for _, i in rankings])

    def _rescored(self, queries: Float32Array, positions: Int64Array) -> Ranking:
        """Exact scores and ids of candidates, in the candidates' order, (Q, c)."""
        missing = positions == NO_ID
        known = np.where(missing, 0, positions)
        rows = self.vectors_of(known.ravel()).reshape(*positions.shape, -1)
        scores = pair_scores(rows, queries[:, None, :])
        scores[missing] = -np.inf
        return scores, np.where(missing, NO_ID, self.ids[known])


def _depth(settings: SearchSettings, k: int) -> int:
    """Candidates for a k."""
    return -(-settings.candidates * max(k, RECALL_DEPTH) // RECALL_DEPTH)


def _blank(scores: Float32Array, ids: Int64Array, unwanted: Sequence[Int64Array]) -> None:
    """Turn the unwanted answers of each query into missing ones, in place."""
    for number, ids_of_one in enumerate(unwanted):
        if len(ids_of_one):
            gone = np.isin(ids[number], ids_of_one)
            scores[number, gone] = -np.inf
            ids[number, gone] = NO_ID


def _fitted(ranking: Ranking, width: int) -> Ranking:
    """The ranking cut or padded to a width."""
    scores, ids = ranking
    if scores.shape[1] == width:
        return ranking
    lacking = ((0, 0), (0, max(0, width - scores.shape[1])))
    return (
        np.pad(scores[:, :width], lacking, constant_values=-np.inf),
        np.pad(ids[:, :width], lacking, constant_values=NO_ID),
    )
