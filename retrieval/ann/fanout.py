"""Search a gallery of many segments as if it were one array.

Candidates come from the merged codes and are re-scored exactly from the float16 vectors; segments
without codes are scored in full and merged in. The answer does not depend on how the items are
spread over segments: bit for bit, scores included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from retrieval.ann.coded import CodedParts, Part, SearchSettings
from retrieval.ann.codes_file import CodesSource
from retrieval.ann.exact import (
    CHUNK_ROWS,
    NO_ID,
    BoolArray,
    Ranking,
    exact_search,
    merge_rankings,
    pair_scores,
    top_k,
)
from retrieval.ann.gpu_codes import gpu_device
from retrieval.ann.product_scan import ProductScan
from retrieval.ann.routing import QueryParts, Router
from retrieval.ann.subset import ChosenRows, is_cheaper_in_full, lowered, widened
from retrieval.model import Float16Array, Float32Array, Int64Array, as_single

__all__ = ["RECALL_DEPTH", "FanOut", "Part", "SearchSettings"]

RECALL_DEPTH = 10
"""k for which `SearchSettings.candidates` is stated; a larger k gathers in proportion."""

RESCORED_ROWS = 16_384
"""Candidate rows in memory at a time: 24 MiB of float32 at 384 dimensions."""


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
        device: str = "cpu",
        rows_at_once: int = RESCORED_ROWS,
    ) -> None:
        """Take the parts together.

        Args:
            parts: with disjoint ids.
            codebook: that all codes were made with; None searches every part exactly.
            router: of the lists, for foreign queries.
            dead: ids that are deleted and must not show.
            device: for exact search; see `ProductScan`. The answers are the same on each. Codes
                are searched there, too, if FAISS has a GPU; see `GpuCodes`.
            rows_at_once: vectors in memory at a time; answers are the same whatever it is.
        """
        self._rows_at_once = rows_at_once
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
        self._product = ProductScan(self, len(ids), device)
        self._coded: CodedParts | None = None
        if codebook and any(part.codes is not None for part in self._parts):
            self._coded = CodedParts(
                codebook, self._positions_of_codes(), router, device=gpu_device(device)
            )

    def _positions_of_codes(self) -> list[tuple[CodesSource, Int64Array]]:
        position_of_row = np.arange(len(self.ids))
        if self._row_of is not None:
            position_of_row[self._row_of] = np.arange(len(self.ids))
        return [
            (part.codes, position_of_row[start : start + len(part.ids)])
            for part, start in zip(self._parts, self._starts[:-1], strict=True)
            if part.codes is not None
        ]

    @property
    def is_exact(self) -> bool:
        """True where no segment has codes, so that every live item is scored."""
        return self._coded is None

    @property
    def nlist(self) -> int:
        """Inverted lists of the codes; 0 where there are none."""
        return 0 if self._coded is None else self._coded.book.nlist

    @property
    def has_router(self) -> bool:
        """Whether foreign queries can be routed."""
        return self._coded is not None and self._coded.routing.has_router

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
        only: Int64Array | None = None,
    ) -> Ranking:
        """The k best live items for each query; a query's answer depends on itself alone.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1; more than the live items gives all of them.
            settings: how far to look in the codes; None scores every live item.
            excluded: for each query the distinct ids that must not come back; () excludes none.
            parts: for each query what decides which lists it visits; () is the queries themselves,
                of the kind of the gallery.
            only: ascending ids of the items that may come back; None allows all. Few are scored in
                full; among many, more lists are visited than `settings` says (subset.py).

        Returns:
            Scores and ids, (Q, w): w = k, or less if no query has as many items left. Where the
            visited lists hold too few items, or far fewer of `only` than by chance, the query is
            answered exactly.
        """
        chosen = None if only is None else self._known_positions(only)
        n_shown = self.n_live if chosen is None else len(chosen)
        k = min(k, max(1, n_shown))  # a larger one asks for no more
        unwanted = [ids[self.positions_of(ids) != NO_ID] if len(ids) else ids for ids in excluded]
        if only is not None:
            unwanted = [ids[np.isin(ids, only)] for ids in unwanted]
        n_unwanted = np.array([len(ids) for ids in unwanted] or [0] * len(queries), np.int64)
        owed = np.minimum(k, n_shown - n_unwanted)
        width = int(owed.max(initial=0))
        if width == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if chosen is not None and settings is not None:
            settings = self._among(settings, k, len(chosen))
        if settings is None or self._coded is None:
            return _fitted(self._search_exactly(queries, k, unwanted, chosen=chosen), width)
        allowed = self._allowed if chosen is None else self._mask(chosen)
        found = self._coded.candidates(queries, _depth(settings, k), settings, parts, allowed)
        rankings = [self._best_of(queries, found, k, unwanted)]
        if any(part.codes is None for part in self._parts):
            rankings.append(
                self._search_exactly(queries, k, unwanted, chosen=chosen, uncoded_only=True)
            )
        scores, ids = _fitted(merge_rankings(rankings, k), width)
        is_short = (ids != NO_ID).sum(axis=1) < owed
        if chosen is not None and allowed is not None:
            is_short |= self._coded.starved(queries, settings, parts, allowed)
        short = np.flatnonzero(is_short)
        if short.size:
            left_out = [unwanted[number] for number in short] if unwanted else []
            exact = self._search_exactly(queries[short], k, left_out, chosen=chosen)
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
        if self._coded is None:
            return np.empty((len(queries), 0), np.int64)
        positions = self._coded.candidates(queries, k, settings, parts, self._allowed)
        return np.where(positions == NO_ID, NO_ID, self.ids[positions])

    def list_orders(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts] = ()
    ) -> Iterator[Int64Array]:
        """For each query the lists that a search visits, in its order, (min(nprobe, nlist),)."""
        return iter(()) if self._coded is None else self._coded.lists(queries, settings, parts)

    def mean_scanned(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts] = ()
    ) -> float:
        """Codes that a search with these settings looks at, mean over queries."""
        sizes = self.list_sizes()
        visited = self.list_orders(queries, settings, parts)
        return float(np.mean([sizes[lists].sum() for lists in visited]))

    def mean_visited(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts] = ()
    ) -> float:
        """Lists that a search with these settings visits, mean over queries."""
        if self._coded is None:
            return 0.0
        return float(np.mean([len(own) for own in self._coded.lists(queries, settings, parts)]))

    def list_sizes(self) -> Int64Array:
        """Codes in each inverted list, (nlist,); () where there are none."""
        return np.empty(0, np.int64) if self._coded is None else self._coded.list_sizes()

    @property
    def code_bytes(self) -> int:
        """Bytes of one code; 0 where there are none."""
        return 0 if self._coded is None else self._coded.book.code_bytes

    @property
    def is_fast(self) -> bool:
        """Whether codes are scanned in registers (FastScan)."""
        return self._coded is not None and self._coded.book.is_fast

    def lists_of(self, positions: Int64Array) -> Int64Array:
        """The inverted list of each item, by position."""
        if self._coded is None:
            raise ValueError("a gallery without codes has no lists")
        lists = np.empty(len(positions), np.int64)
        for start in range(0, len(positions), self._rows_at_once):
            here = slice(start, start + self._rows_at_once)
            lists[here] = self._coded.book.lists_of(self.vectors_of(positions[here]))
        return lists

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
        return as_single(self.halves_of(positions))

    def halves_of(self, positions: Int64Array) -> Float16Array:
        """The same as they are kept, in float16."""
        rows = positions if self._row_of is None else self._row_of[positions]
        if len(self._parts) == 1:
            return self._parts[0].vectors.gather_half(rows)
        order = np.argsort(rows)  # neighbours share pages, and each part is asked once
        rows = rows[order]
        cuts = np.searchsorted(rows, self._starts).tolist()
        halves = np.empty((len(rows), self._parts[0].vectors.dim), np.float16)
        for number, part in enumerate(self._parts):
            here = slice(cuts[number], cuts[number + 1])
            if here.start < here.stop:
                own_rows = rows[here] - self._starts[number]
                halves[order[here]] = part.vectors.gather_half(own_rows)
        return halves

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
        return replace(
            settings, nprobe=nprobe, floor=lowered(settings.floor, nprobe / settings.nprobe)
        )

    def _uncoded(self, positions: Int64Array) -> Int64Array:
        """Those of the positions whose segment has no codes."""
        rows = positions if self._row_of is None else self._row_of[positions]
        part = np.searchsorted(self._starts, rows, side="right") - 1
        is_uncoded = np.array([each.codes is None for each in self._parts])
        uncoded: Int64Array = positions[is_uncoded[part]]
        return uncoded

    def _by_product(
        self, queries: Float32Array, k: int, chosen: Int64Array | None, *, uncoded_only: bool
    ) -> Ranking | None:
        """The ranking by torch; None where `exact_search` is quicker."""
        if self._rows_at_once < RESCORED_ROWS:
            return None  # a product holds more rows than that
        n_rows = self.n_live if chosen is None else len(chosen)
        if uncoded_only:
            n_rows = min(n_rows, sum(len(each.ids) for each in self._parts if each.codes is None))
        if not self._product.serves(n_rows, len(queries)):
            return None
        positions = self.live_positions if chosen is None else chosen
        positions = self._uncoded(positions) if uncoded_only else positions
        if not len(positions):
            return None
        return self._product.search(positions, self.ids[positions], queries, k)

    def _search_exactly(
        self,
        queries: Float32Array,
        k: int,
        unwanted: Sequence[Int64Array],
        *,
        chosen: Int64Array | None = None,
        uncoded_only: bool = False,
    ) -> Ranking:
        depth = k + max(map(len, unwanted), default=0)
        found = self._by_product(queries, depth, chosen, uncoded_only=uncoded_only)
        if found is None:
            found = self._by_dot_products(queries, depth, chosen, uncoded_only=uncoded_only)
        scores, ids = found
        _blank(scores, ids, unwanted)
        return top_k(scores, ids, k)

    def _by_dot_products(
        self, queries: Float32Array, k: int, chosen: Int64Array | None, *, uncoded_only: bool
    ) -> Ranking:
        """Every live item is scored, or those at the chosen positions; then no others are read."""
        if chosen is not None:
            chosen = self._uncoded(chosen) if uncoded_only else chosen
            return exact_search(ChosenRows(self, chosen), self.ids[chosen], queries, k)
        return merge_rankings(
            (
                exact_search(
                    part.vectors,
                    part.ids,
                    queries,
                    k,
                    allowed=self._allowed_in(part, start),
                    chunk_rows=min(CHUNK_ROWS, self._rows_at_once),
                )
                for part, start in zip(self._parts, self._starts[:-1], strict=True)
                if not (uncoded_only and part.codes is not None)
            ),
            k,
        )

    def _allowed_in(self, part: Part, start: int) -> BoolArray | None:
        if self._allowed is None:
            return None
        if self._row_of is None:
            return self._allowed[start : start + len(part.ids)]
        return self._allowed[np.searchsorted(self.ids, part.ids)]

    def _best_of(
        self,
        queries: Float32Array,
        positions: Int64Array,
        k: int,
        unwanted: Sequence[Int64Array],
    ) -> Ranking:
        """The k best of each query's candidates, (Q, c), by their exact scores."""
        block = max(1, self._rows_at_once // max(1, positions.shape[1]))
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
