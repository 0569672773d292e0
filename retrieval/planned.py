"""Rank a gallery for planned queries: by cosine, and by what else counts for an item."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from retrieval.ann.adjusted import (
    OVER_FETCH,
    Adjusted,
    Penalties,
    adjust,
    assembled,
    by_score,
    search_adjusted,
)
from retrieval.ann.exact import NO_ID, Ranking, pair_scores
from retrieval.ann.fanout import RECALL_DEPTH, FanOut
from retrieval.kinds import in_blocks, kind_of
from retrieval.model import Float32Array, Int64Array, Modality
from retrieval.query.plan import Fused, MadeOf, Plan

BROUGHT = 500
"""Items that exact search brings to be ranked again."""

TIMES = (4, 16)
"""Codes bring so many times the candidates of a plain search where penalties rank them again; the
greater number where the first leaves it open which are the best."""

SAMPLED = 1_024
"""Items that stand for a gallery where its mean or its spread is asked for."""

RankByScore: TypeAlias = Callable[[Plan, int], Ranking]
"""The best items of planned queries by cosine, as many as asked for."""

Bring: TypeAlias = Callable[[Plan, int], Int64Array]
"""Where the items stand that a plain search for one query looks at closely, or so many times as
many, in no order; NO_ID for those that must not come back, and where its lists hold no more."""


@dataclass(frozen=True, slots=True)
class PlannedSearch:
    """Ranks one gallery.

    Queries of the foreign kind are ranked by cosine less the hubness bias, where there is one;
    those with a penalty by cosine less that too; products by the fused score. All others are ranked
    by cosine alone: what is adjusted of them is NaN.

    Attributes:
        rank: by cosine.
        bring: what is ranked again.
        fan_out: holds the vectors of items.
        foreign: the kind of query that finds items of the other kind.
        bias: of hubness; None where there is none, or it is not wanted.
        at_once: queries whose over-fetched candidates are held together; None sets no limit.
    """

    rank: RankByScore
    bring: Bring
    fan_out: FanOut
    foreign: Modality
    bias: Penalties | None
    at_once: int | None

    def best(self, plan: Plan, k: int) -> Adjusted:
        """The k best items for each query.

        Args:
            plan: of at least one query.
            k: at least 1.
        """
        is_foreign = np.array([kind_of(each) == self.foreign for each in plan.made_of])
        is_own = np.array([any(each) for each in zip(plan.penalties, plan.fusions, strict=True)])
        is_biased = is_foreign & ~is_own & (self.bias is not None)
        plain = np.flatnonzero(~(is_biased | is_own))
        if len(plain) == len(plan.vectors) or not self.fan_out.n_live:
            return by_score(self.rank(plan, k))
        found = [(plain, by_score(self.rank(plan.part(plain), k)))] if len(plain) else []
        biased = np.flatnonzero(is_biased)
        blocks = in_blocks(biased, self.at_once) if len(biased) else []
        found += [(here, self._biased(plan.part(here), k)) for here in blocks]
        found += [
            (number, self._rescored(plan.part(number), k))
            for number in np.flatnonzero(is_own)[:, None]
        ]
        return assembled(found, len(plan.vectors))

    def _biased(self, plan: Plan, k: int) -> Adjusted:
        bias = self.bias
        assert bias is not None  # nothing is biased without one
        is_exact = self.fan_out.is_exact
        return search_adjusted(
            lambda some, depth: self.rank(plan.part(some), depth),
            len(plan.vectors),
            k,
            lambda _, ids: bias.of(ids),
            least=bias.least(is_exact=is_exact),
            is_exact=is_exact,
        )

    def _rescored(self, plan: Plan, k: int) -> Adjusted:
        (fusion,), (penalty,) = plan.fusions, plan.penalties
        if fusion is not None:
            return self._fused(plan, fusion, k)
        assert penalty is not None  # one of the two
        bias = self.bias if kind_of(plan.made_of[0]) == self.foreign else None

        def penalty_of(ids: Int64Array, rows: Float32Array) -> Float32Array:
            own = penalty.of(rows)
            return own if bias is None else own + bias.of(ids)

        least = np.float32(0) if bias is None else bias.least(is_exact=self.fan_out.is_exact)
        if not self.fan_out.is_exact:
            return self._penalised_among_codes(plan, k, penalty_of, least)

        def penalties_of(_: Int64Array, ids: Int64Array) -> Float32Array:
            penalties = np.zeros(ids.shape, np.float32)
            there = ids != NO_ID
            rows = self.fan_out.vectors_of(self.fan_out.positions_of(ids[there]))
            penalties[there] = penalty_of(ids[there], rows)
            return penalties

        return search_adjusted(
            lambda _, depth: self.rank(plan, depth),
            1,
            k,
            penalties_of,
            least=least,
            is_exact=True,
        )

    def _penalised_among_codes(
        self,
        plan: Plan,
        k: int,
        penalty_of: Callable[[Int64Array, Float32Array], Float32Array],
        least: np.float32,
    ) -> Adjusted:
        """The k best of what is brought, as many as may be needed to know that they are."""
        per_hit = -(-k // RECALL_DEPTH)
        for times in TIMES:
            brought = self._brought(plan, times * per_hit, k)
            ids, rows = self._items_at(brought)
            scores = pair_scores(rows, plan.vectors[0])
            best = adjust((scores[None], ids[None]), penalty_of(ids, rows)[None], k)
            is_all = len(ids) < max(k, len(brought))
            if is_all or best.adjusted[0, -1] >= scores.min() - least:
                break
        return best

    def _fused(self, plan: Plan, fusion: Fused, k: int) -> Adjusted:
        """The k best by a fused score, less penalties, among what each of its parts brings."""
        (made_of,), (penalty,) = plan.made_of, plan.penalties
        per_hit = -(-k // RECALL_DEPTH)
        brought = []
        for row, modality in zip(made_of.vectors, made_of.modalities, strict=True):
            part = replace(plan, vectors=row[None], made_of=(MadeOf(row[None], (modality,)),))
            brought.append(self._brought(part, per_hit, k))
        ids, rows = self._items_at(np.unique(np.concatenate(brought)))
        fused = fusion.of_items(rows)
        if penalty is not None:  # of a score that is as large as a cosine: `normal` sees to it
            fused = fused - penalty.of(rows)
        order = np.lexsort((ids, -fused))[:k]
        scores = pair_scores(rows[order], plan.vectors[0])
        return Adjusted(scores[None], ids[order][None], fused[order][None])

    def _brought(self, plan: Plan, times: int, k: int) -> Int64Array:
        """Where the items stand that are ranked again, at least k if there are as many."""
        brought = self.bring(plan, times)
        if np.count_nonzero(brought != NO_ID) < k:
            return self.fan_out.positions_of(self.rank(plan, OVER_FETCH * k)[1][0])
        return brought

    def _items_at(self, positions: Int64Array) -> tuple[Int64Array, Float32Array]:
        """Ids and vectors of the items at some positions; NO_ID is left out."""
        positions = positions[positions != NO_ID]
        return self.fan_out.ids[positions], self.fan_out.vectors_of(positions)


def sample_of(fan_out: FanOut, most: int = SAMPLED) -> Float32Array:
    """Vectors of living items from all over a gallery, (m, dim), m <= most."""
    return fan_out.vectors_of(spread_out(fan_out.live_positions, most))


def spread_out(positions: Int64Array, most: int) -> Int64Array:
    """At most so many of some positions, as far apart as possible."""
    return positions[:: max(1, -(-len(positions) // most))]
