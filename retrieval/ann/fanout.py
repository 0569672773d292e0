"""Search a gallery of many segments as if it were one array.

Candidates come from the merged codes and are re-scored exactly from the float16 vectors; segments
without codes are scored in full and merged in. The answer does not depend on how the items are
spread over segments: bit for bit, scores included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from retrieval.ann.ivfpq import Codebook, IvfPq, merge_candidates
from retrieval.ann.routing import QueryParts, Router, Routing
from retrieval.model import Float32Array, Int64Array, as_single

RECALL_DEPTH = 10
"""k for which `SearchSettings.candidates` is stated; a larger k gathers in proportion."""

_RESCORED_ROWS = 16_384
"""Candidate rows in memory at a time: 24 MiB of float32 at 384 dimensions."""

_OWN_INDEX_ROWS = 65_536
"""Segments from this size on are searched each in its own codes, as they lie in the file; smaller
ones are merged, since a search costs some 50 us whatever the size."""


@dataclass(frozen=True, slots=True)
class Part:
    """One segment as a search sees it.

    Attributes:
        ids: (n,) ascending.
        vectors: (n, dim) unit rows.
        codes: of these rows, from `Codebook.encode`; None where they were not made yet.
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
        routed: whether the router chooses the lists of foreign queries.
    """

    nprobe: int
    candidates: int
    routed: bool = False


@dataclass(frozen=True, slots=True)
class _Shard:
    """Codes that are searched together.

    Attributes:
        index: over them.
        positions: (n,) of its rows in `FanOut.ids`, ascending.
    """

    index: IvfPq
    positions: Int64Array

    def candidates(
        self, query: Float32Array, lists: Int64Array, k: int, allowed: BoolArray | None
    ) -> Ranking:
        """As `IvfPq.candidates`, in positions."""
        own = None if allowed is None else allowed[self.positions]
        scores, rows = self.index.candidates(query, lists, k, allowed=own)
        return scores, np.where(rows == NO_ID, NO_ID, self.positions[rows])


class FanOut:
    """All parts of one gallery, at one generation; safe to share between threads.

    Attributes:
        ids: (n,) of all rows, ascending; dead ones too.
        n_live: items that are not dead.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        codebook: bytes | None = None,
        router: Router | None = None,
        dead: Int64Array | None = None,
    ) -> None:
        """Take the parts together.

        Args:
            parts: with disjoint ids.
            codebook: that all codes were made with; None searches every part exactly.
            router: of the lists, for foreign queries.
            dead: ids that are deleted and must not show.
        """
        self._parts = tuple(sorted((p for p in parts if len(p.ids)), key=lambda p: int(p.ids[0])))
        self._starts = np.cumsum([0, *(len(part.ids) for part in self._parts)])
        ids = np.concatenate([np.empty(0, np.int64), *(part.ids for part in self._parts)])
        is_ascending = bool((np.diff(ids) > 0).all())
        self._row_of: Int64Array | None = None if is_ascending else np.argsort(ids, kind="stable")
        self.ids: Int64Array = ids if self._row_of is None else ids[self._row_of]
        self._allowed = None
        self.n_live = len(ids)
        if dead is not None and len(dead):
            allowed = ~np.isin(self.ids, dead)
            self.n_live = int(allowed.sum())
            self._allowed = allowed if self.n_live < len(ids) else None
        self._book = self._routing = None
        self._shards: tuple[_Shard, ...] = ()
        if codebook and any(part.codes is not None for part in self._parts):
            self._book = Codebook(codebook)
            self._routing = Routing(self._book, router)
            self._shards = tuple(self._make_shards(self._book))

    def _make_shards(self, book: Codebook) -> Iterator[_Shard]:
        position_of_row = np.arange(len(self.ids))
        if self._row_of is not None:
            position_of_row[self._row_of] = np.arange(len(self.ids))
        small: list[tuple[bytes, Int64Array]] = []
        for part, start in zip(self._parts, self._starts[:-1], strict=True):
            if part.codes is None:
                continue
            positions = position_of_row[start : start + len(part.ids)]
            if len(positions) >= _OWN_INDEX_ROWS:
                yield _Shard(IvfPq(book, [(part.codes, len(positions))]), positions)
            else:
                small.append((part.codes, positions))
        if small:
            codes = [(data, len(positions)) for data, positions in small]
            positions = np.concatenate([positions for _, positions in small])
            by_position = np.argsort(positions, kind="stable")
            place_of_row = np.empty_like(by_position)
            place_of_row[by_position] = np.arange(len(by_position))
            is_ascending = np.array_equal(by_position, place_of_row)
            index = IvfPq(book, codes, None if is_ascending else place_of_row)
            yield _Shard(index, positions[by_position])

    @property
    def is_exact(self) -> bool:
        """True where no segment has codes, so that every live item is scored."""
        return not self._shards

    @property
    def nlist(self) -> int:
        """Inverted lists of the codes; 0 where there are none."""
        return 0 if self._book is None else self._book.nlist

    @property
    def has_router(self) -> bool:
        """Whether foreign queries can be routed."""
        return self._routing is not None and self._routing.has_router

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
        parts: Sequence[QueryParts] = (),
    ) -> Ranking:
        """The k best live items for each query; a query's answer depends on itself alone.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1; more than the live items gives all of them.
            settings: how far to look in the codes; None scores every live item.
            excluded: for each query the distinct ids that must not come back; () excludes none.
            parts: for each query what decides which lists it visits; () is the queries themselves,
                of the kind of the gallery.

        Returns:
            Scores and ids, (Q, w): w = k, or less if no query has as many items left. Where the
            visited lists hold too few items, the query is answered exactly.
        """
        k = min(k, max(1, self.n_live))  # a larger one asks for no more
        unwanted = [ids[self.positions_of(ids) != NO_ID] for ids in excluded]
        n_unwanted = np.array([len(ids) for ids in unwanted] or [0] * len(queries), np.int64)
        owed = np.minimum(k, self.n_live - n_unwanted)
        width = int(owed.max(initial=0))
        if width == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if settings is None or self.is_exact:
            return _fitted(self._search_exactly(queries, k, unwanted), width)
        rankings = [self._search_codes(queries, k, settings, unwanted, parts)]
        if any(part.codes is None for part in self._parts):
            rankings.append(self._search_exactly(queries, k, unwanted, uncoded_only=True))
        scores, ids = _fitted(merge_rankings(rankings, k), width)
        short = np.flatnonzero((ids != NO_ID).sum(axis=1) < owed)
        if short.size:
            left_out = [unwanted[number] for number in short] if unwanted else []
            exact = self._search_exactly(queries[short], k, left_out)
            scores[short], ids[short] = _fitted(exact, width)
        return scores, ids

    def candidate_ids(
        self,
        queries: Float32Array,
        k: int,
        settings: SearchSettings,
        parts: Sequence[QueryParts] = (),
    ) -> Int64Array:
        """Ids of the k best codes of live items, best first, not re-scored, (Q, at most k).

        For the choice of settings only: a search re-scores. NO_ID where lists ran out.
        """
        if self.is_exact:
            return np.empty((len(queries), 0), np.int64)
        positions = self._candidates(queries, k, settings, parts)
        return np.where(positions == NO_ID, NO_ID, self.ids[positions])

    def mean_scanned(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts] = ()
    ) -> float:
        """Codes that a search with these settings looks at, mean over queries."""
        sizes = self.list_sizes()
        visited = [
            self._lists(queries[number], number, settings, parts) for number in range(len(queries))
        ]
        return float(np.mean([sizes[lists].sum() for lists in visited]))

    def list_sizes(self) -> Int64Array:
        """Codes in each inverted list, (nlist,)."""
        sizes: Int64Array = np.sum([shard.index.list_sizes() for shard in self._shards], axis=0)
        return sizes

    @property
    def code_bytes(self) -> int:
        """Bytes of one code; 0 where there are none."""
        return 0 if self._book is None else self._book.code_bytes

    @property
    def is_fast(self) -> bool:
        """Whether codes are scanned in registers (FastScan)."""
        return self._book is not None and self._book.is_fast

    def lists_of(self, positions: Int64Array) -> Int64Array:
        """The inverted list of each item, by position."""
        if self._book is None:
            raise ValueError("a gallery without codes has no lists")
        return self._book.lists_of(self.vectors_of(positions))

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
        rows = positions if self._row_of is None else self._row_of[positions]
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

    def _search_exactly(
        self,
        queries: Float32Array,
        k: int,
        unwanted: Sequence[Int64Array],
        *,
        uncoded_only: bool = False,
    ) -> Ranking:
        most = max(map(len, unwanted), default=0)
        scores, ids = merge_rankings(
            (
                exact_search(
                    part.vectors, part.ids, queries, k + most, allowed=self._allowed_in(part, start)
                )
                for part, start in zip(self._parts, self._starts[:-1], strict=True)
                if not (uncoded_only and part.codes is not None)
            ),
            k + most,
        )
        _blank(scores, ids, unwanted)
        return top_k(scores, ids, k)

    def _allowed_in(self, part: Part, start: int) -> BoolArray | None:
        if self._allowed is None:
            return None
        if self._row_of is None:
            return self._allowed[start : start + len(part.ids)]
        return self._allowed[np.searchsorted(self.ids, part.ids)]

    def _search_codes(
        self,
        queries: Float32Array,
        k: int,
        settings: SearchSettings,
        unwanted: Sequence[Int64Array],
        parts: Sequence[QueryParts],
    ) -> Ranking:
        depth = -(-settings.candidates * max(k, RECALL_DEPTH) // RECALL_DEPTH)
        positions = self._candidates(queries, depth, settings, parts)
        block = max(1, _RESCORED_ROWS // max(1, positions.shape[1]))
        rankings = []
        for at in range(0, len(queries), block):
            here = slice(at, at + block)
            scores, ids = self._rescored(queries[here], positions[here])
            _blank(scores, ids, unwanted[here])
            rankings.append(top_k(scores, ids, k))
        return np.vstack([scores for scores, _ in rankings]), np.vstack([i for _, i in rankings])

    def _candidates(
        self,
        queries: Float32Array,
        depth: int,
        settings: SearchSettings,
        parts: Sequence[QueryParts],
    ) -> Int64Array:
        """Positions of the best codes of each query, (Q, at most depth).

        One query at a time: FAISS ranks a batch in another order where codes tie, and a product of
        matrices rounds otherwise than one of a matrix and a vector.
        """
        if self._book is None:
            raise ValueError("a gallery without codes has no candidates")
        found = []
        for number, turned in enumerate(self._book.rotated(queries)):
            lists = self._lists(queries[number], number, settings, parts)
            rankings = [
                shard.candidates(turned, lists, depth, self._allowed) for shard in self._shards
            ]
            found.append(merge_candidates(rankings, depth))
        width = min(depth, sum(shard.index.n for shard in self._shards))
        return np.vstack(found) if found else np.empty((0, width), np.int64)

    def _lists(
        self,
        query: Float32Array,
        number: int,
        settings: SearchSettings,
        parts: Sequence[QueryParts],
    ) -> Int64Array:
        if self._routing is None:
            raise ValueError("a gallery without codes has no lists")
        own = parts[number] if parts else QueryParts.single(query)
        return self._routing.lists(own, settings.nprobe, routed=settings.routed)

    def _rescored(self, queries: Float32Array, positions: Int64Array) -> Ranking:
        """Exact scores and ids of candidates, in the candidates' order, (Q, c)."""
        missing = positions == NO_ID
        known = np.where(missing, 0, positions)
        rows = self.vectors_of(known.ravel()).reshape(*positions.shape, -1)
        scores = pair_scores(rows, queries[:, None, :])
        scores[missing] = -np.inf
        return scores, np.where(missing, NO_ID, self.ids[known])


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
