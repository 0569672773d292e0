"""Exact search over the parts of a gallery: every item is scored, or every one of a choice."""

from collections.abc import Sequence

import numpy as np

from retrieval.ann.coded import Part
from retrieval.ann.exact import (
    CHUNK_ROWS,
    BoolArray,
    Ranking,
    exact_search,
    merge_rankings,
    top_k,
)
from retrieval.ann.product_scan import ProductScan
from retrieval.ann.rescoring import RESCORED_ROWS, blank
from retrieval.ann.rows import SpreadRows
from retrieval.ann.subset import ChosenRows
from retrieval.model import Float32Array, Int64Array


class FullScan:
    """Scores items one and all, by torch's product where that is quicker."""

    def __init__(
        self,
        parts: Sequence[Part],
        rows: SpreadRows,
        allowed: BoolArray | None,
        device: str,
        rows_at_once: int,
    ) -> None:
        """Take the parts of a gallery.

        Args:
            parts: by their first id.
            rows: of these parts.
            allowed: (n,) False for dead rows; None where all live.
            device: see `ProductScan`.
            rows_at_once: vectors in memory at a time.
        """
        self._parts = parts
        self._rows = rows
        self._allowed = allowed
        self._rows_at_once = rows_at_once
        self._n_live = len(rows.ids) if allowed is None else int(allowed.sum())
        self._n_uncoded = sum(len(each.ids) for each in parts if each.codes is None)
        self._product = ProductScan(rows, len(rows.ids), device)

    @property
    def live_positions(self) -> Int64Array:
        """Where the live items stand, ascending."""
        everything = len(self._rows.ids)
        return np.arange(everything) if self._allowed is None else np.flatnonzero(self._allowed)

    def search(
        self,
        queries: Float32Array,
        k: int,
        unwanted: Sequence[Int64Array],
        *,
        chosen: Int64Array | None = None,
        uncoded_only: bool = False,
    ) -> Ranking:
        """The k best live items for each query, k columns or less; see `FanOut.search`.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1.
            unwanted: for each query the ids that must not come back; () leaves out none.
            chosen: positions of the items that may come back, ascending; None is all that live.
            uncoded_only: whether only segments without codes are looked at.
        """
        depth = k + max(map(len, unwanted), default=0)
        found = self._by_product(queries, depth, chosen, uncoded_only=uncoded_only)
        if found is None:
            found = self._by_dot_products(queries, depth, chosen, uncoded_only=uncoded_only)
        scores, ids = found
        blank(scores, ids, unwanted)
        return top_k(scores, ids, k)

    def _uncoded(self, positions: Int64Array) -> Int64Array:
        """Those of the positions whose segment has no codes."""
        is_uncoded = np.array([each.codes is None for each in self._parts])
        uncoded: Int64Array = positions[is_uncoded[self._rows.segments_of(positions)]]
        return uncoded

    def _by_product(
        self, queries: Float32Array, k: int, chosen: Int64Array | None, *, uncoded_only: bool
    ) -> Ranking | None:
        """The ranking by torch; None where `exact_search` is quicker."""
        if self._rows_at_once < RESCORED_ROWS:
            return None  # a product holds more rows than that
        n_rows = self._n_live if chosen is None else len(chosen)
        if uncoded_only:
            n_rows = min(n_rows, self._n_uncoded)
        if not self._product.serves(n_rows, len(queries)):
            return None
        positions = self.live_positions if chosen is None else chosen
        positions = self._uncoded(positions) if uncoded_only else positions
        if not len(positions):
            return None
        return self._product.search(positions, self._rows.ids[positions], queries, k)

    def _by_dot_products(
        self, queries: Float32Array, k: int, chosen: Int64Array | None, *, uncoded_only: bool
    ) -> Ranking:
        """Every live item is scored, or those at the chosen positions; then no others are read."""
        if chosen is not None:
            chosen = self._uncoded(chosen) if uncoded_only else chosen
            # Positions ascend as ids do, so they decide ties alike.
            scores, found = exact_search(
                ChosenRows(self._rows, chosen),
                chosen,
                queries,
                k,
                chunk_rows=min(CHUNK_ROWS, self._rows_at_once),
            )
            return scores, self._rows.ids[found]
        return merge_rankings(
            (
                exact_search(
                    part.vectors,
                    part.ids,
                    queries,
                    k,
                    allowed=self._allowed_in(number),
                    chunk_rows=min(CHUNK_ROWS, self._rows_at_once),
                )
                for number, part in enumerate(self._parts)
                if not (uncoded_only and part.codes is not None)
            ),
            k,
        )

    def _allowed_in(self, number: int) -> BoolArray | None:
        return None if self._allowed is None else self._allowed[self._rows.positions_in(number)]
