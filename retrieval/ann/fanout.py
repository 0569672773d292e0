"""Search a gallery of many segments as if it were one array.

Candidates come from the merged codes and are re-scored exactly from the float16 vectors; segments
without codes are scored in full and merged in. The answer does not depend on how the items are
spread over segments: bit for bit, scores included.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retrieval.ann.coded import CodedParts, Part, SearchSettings
from retrieval.ann.codes_file import CodesSource
from retrieval.ann.exact import (
    NO_ID,
    BoolArray,
    Ranking,
    merge_rankings,
)
from retrieval.ann.full_scan import FullScan
from retrieval.ann.gpu_codes import gpu_device
from retrieval.ann.rescoring import AtOnce, best_of, fitted
from retrieval.ann.routing import QueryParts, RankedLists, Router
from retrieval.ann.rows import SpreadRows
from retrieval.ann.subset import is_cheaper_in_full, lowered, widened
from retrieval.model import Float16Array, Float32Array, Int64Array

__all__ = ["RECALL_DEPTH", "AtOnce", "FanOut", "Part", "SearchSettings"]

RECALL_DEPTH = 10
"""k for which `SearchSettings.candidates` is stated; a larger k gathers in proportion."""


_FASTEST = AtOnce()

_LOOKED_UP = 65_536
"""Ids whose positions are looked up at a time."""


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
        at_once: AtOnce = _FASTEST,
    ) -> None:
        """Take the parts together.

        Args:
            parts: with disjoint ids.
            codebook: that all codes were made with; None searches every part exactly.
            router: of the lists, for foreign queries.
            dead: ids that are deleted and must not show.
            device: for exact search; see `FullScan`. The answers are the same on each. Codes
                are searched there, too, if FAISS has a GPU; see `GpuCodes`.
            at_once: how much is done at a time; answers are the same whatever it is.
        """
        self._rows_at_once = at_once.rows
        self._parts = tuple(sorted((p for p in parts if len(p.ids)), key=lambda p: int(p.ids[0])))
        self._rows = SpreadRows(self._parts)
        self.ids: Int64Array = self._rows.ids
        self._allowed = None
        self.n_live = len(self.ids)
        if dead is not None and len(dead):
            allowed = _all_but(dead, self.ids)
            self.n_live = int(allowed.sum())
            self._allowed = allowed if self.n_live < len(self.ids) else None
        self._scan = FullScan(self._parts, self._rows, self._allowed, device, at_once.rows)
        self._coded: CodedParts | None = None
        if codebook and any(part.codes is not None for part in self._parts):
            self._coded = CodedParts(
                codebook,
                self._positions_of_codes(),
                router,
                device=gpu_device(device),
                threads=at_once.threads,
            )

    def _positions_of_codes(self) -> list[tuple[CodesSource, Int64Array]]:
        every = np.arange(len(self.ids))
        return [
            (part.codes, every[self._rows.positions_in(number)])
            for number, part in enumerate(self._parts)
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
        return self._scan.live_positions

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
            answered exactly, unless `settings` let it fall short.
        """
        chosen = None if only is None else self._known_positions(only)
        n_shown = self.n_live if chosen is None else len(chosen)
        k = min(k, max(1, n_shown))  # a larger one asks for no more
        unwanted = [ids[self.positions_of(ids) != NO_ID] if len(ids) else ids for ids in excluded]
        if only is not None:
            unwanted = [ids[_are_in(ids, only)] for ids in unwanted]
        n_unwanted = [len(ids) for ids in unwanted] or [0] * len(queries)
        owed = [min(k, n_shown - n) for n in n_unwanted]
        width = max(owed, default=0)
        if width == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if chosen is not None and settings is not None:
            settings = self._among(settings, k, len(chosen))
        if settings is None or self._coded is None:
            return fitted(self._scan.search(queries, k, unwanted, chosen=chosen), width)
        allowed = self._allowed if chosen is None else self._mask(chosen)
        lists = self._coded.lists(queries, settings, parts)
        found = self._coded.candidates(queries, lists, _depth(settings, k), allowed)
        rankings = [best_of(self._rows, queries, found, k, unwanted, self._rows_at_once)]
        if any(part.codes is None for part in self._parts):
            rankings.append(
                self._scan.search(queries, k, unwanted, chosen=chosen, uncoded_only=True)
            )
        scores, ids = fitted(merge_rankings(rankings, k), width)
        if settings.may_fall_short or (chosen is None and NO_ID not in ids[:, -1].tolist()):
            return scores, ids  # none is short: a ranking that is ends in NO_ID
        is_short = (ids != NO_ID).sum(axis=1) < owed
        if chosen is not None and allowed is not None:
            is_short |= self._coded.starved(lists, allowed)
        short = np.flatnonzero(is_short)
        if short.size:
            left_out = [unwanted[number] for number in short] if unwanted else []
            exact = self._scan.search(queries[short], k, left_out, chosen=chosen)
            scores[short], ids[short] = fitted(exact, width)
        return scores, ids

    def looked_at(
        self,
        query: Float32Array,
        k: int,
        settings: SearchSettings | None,
        excluded: Int64Array,
        parts: QueryParts,
        only: Int64Array | None = None,
    ) -> Int64Array:
        """Where the items stand that `search` ranks for one query, (w,), in no order.

        NO_ID stands for those that must not come back, and where there are no more. Their vectors
        are read only where `search` has to choose among them: where some segments have no codes.

        Args:
            query: (dim,) unit row.
            k: at least 1: so many codes, or more by `settings.candidates`; of what is scored in
                full the k best.
            settings: as for `search`, like what follows; all of one query.
            excluded: ids that must not come back.
            parts: what decides which lists it visits.
            only: ascending ids of the items that may come back; None allows all.
        """
        if any(part.codes is None for part in self._parts):
            ranking = self.search(query[None], k, settings, [excluded], [parts], only)
            return self.positions_of(ranking[1][0])
        chosen = None if only is None else self._known_positions(only)
        k = min(k, max(1, self.n_live if chosen is None else len(chosen)))
        if chosen is not None and settings is not None:
            settings = self._among(settings, k, len(chosen))
        if settings is None or self._coded is None:
            ranking = self._scan.search(query[None], k, [excluded], chosen=chosen)
            return self.positions_of(ranking[1][0])
        allowed = self._allowed if chosen is None else self._mask(chosen)
        lists = self._coded.lists(query[None], settings, [parts])
        found = self._coded.candidates(query[None], lists, _depth(settings, k), allowed).ravel()
        if len(excluded):
            found = np.where(np.isin(found, self.positions_of(excluded)), NO_ID, found)
        return found

    def candidate_ids(
        self, queries: Float32Array, lists: Sequence[Int64Array], k: int
    ) -> Int64Array:
        """Ids of the k best codes of live items in the lists of each query, best first.

        For the choice of settings only: a search re-scores. (Q, at most k); NO_ID where lists ran
        out.
        """
        if self._coded is None:
            return np.empty((len(queries), 0), np.int64)
        positions = self._coded.candidates(queries, lists, k, self._allowed)
        return np.where(positions == NO_ID, NO_ID, self.ids[positions])

    def ranked_lists(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts] = ()
    ) -> list[RankedLists]:
        """The lists that a search for each query visits, but for the floor; none without codes."""
        return [] if self._coded is None else self._coded.ranked_lists(queries, settings, parts)

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
        return self._rows.vectors_of(positions)

    def halves_of(self, positions: Int64Array) -> Float16Array:
        """The same as they are kept, in float16."""
        return self._rows.halves_of(positions)

    def _known_positions(self, ids: Int64Array) -> Int64Array:
        """Where those of `ids` that are alive stand, ascending."""
        known, n_known = np.empty(len(ids), np.int64), 0
        for at in range(0, len(ids), _LOOKED_UP):  # each step of `positions_of` copies all
            found = self.positions_of(ids[at : at + _LOOKED_UP])
            found = found[found != NO_ID]
            known[n_known : n_known + len(found)] = found
            n_known += len(found)
        return known[:n_known]

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


def _are_in(some: Int64Array, ids: Int64Array) -> BoolArray:
    """Which of some ids are among ascending ones, in the shape of `some`."""
    if not len(ids):
        return np.zeros(some.shape, np.bool_)
    found: BoolArray = ids[np.minimum(np.searchsorted(ids, some), len(ids) - 1)] == some
    return found


def _all_but(dead: Int64Array, ids: Int64Array) -> BoolArray:
    """Which of ascending ids are not dead, (len(ids),)."""
    alive = np.ones(len(ids), np.bool_)
    alive[np.searchsorted(ids, dead[_are_in(dead, ids)])] = False
    return alive


def _depth(settings: SearchSettings, k: int) -> int:
    """Candidates for a k."""
    return -(-settings.candidates * max(k, RECALL_DEPTH) // RECALL_DEPTH)
