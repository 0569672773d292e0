"""Rank a gallery for planned queries: by cosine, and by what else counts for an item."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from retrieval.ann.adjusted import (
    Adjusted,
    Penalties,
    PenaltyOf,
    assembled,
    by_score,
    search_adjusted,
)
from retrieval.ann.exact import NO_ID, Ranking, pair_scores
from retrieval.ann.fanout import FanOut
from retrieval.kinds import in_blocks, kind_of
from retrieval.model import Float32Array, Int64Array, Modality
from retrieval.query.plan import MadeOf, Plan
from retrieval.query.product import Fusion

PROBED = 500
"""Items that each part of a product brings, at least; they are ranked by the product."""

SAMPLED = 2_048
"""Items that stand for a gallery where its mean or its spread is asked for."""

RankByScore: TypeAlias = Callable[[Plan, int], Ranking]
"""The best items of planned queries by cosine, as many as asked for."""


@dataclass(frozen=True, slots=True)
class PlannedSearch:
    """Ranks one gallery.

    Queries of the foreign kind are ranked by cosine less the hubness bias, where there is one;
    those with a penalty by cosine less that too; products by the fused score. All others are ranked
    by cosine alone: what is adjusted of them is NaN.

    Attributes:
        rank: by cosine.
        fan_out: holds the vectors of items.
        foreign: the kind of query that finds items of the other kind.
        bias: of hubness; None where there is none, or it is not wanted.
        at_once: queries whose over-fetched candidates are held together; None sets no limit.
    """

    rank: RankByScore
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
        if len(plain) == len(plan.vectors):
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
        return self._less(plan, k, lambda _, ids: bias.of(ids))

    def _rescored(self, plan: Plan, k: int) -> Adjusted:
        (fusion,), (penalty,) = plan.fusions, plan.penalties
        if fusion is not None:
            return self._fused(plan, fusion, k)
        assert penalty is not None  # one of the two
        bias = self.bias if kind_of(plan.made_of[0]) == self.foreign else None

        def penalty_of(_: Int64Array, ids: Int64Array) -> Float32Array:
            own = np.zeros(ids.shape, np.float32)
            there = ids != NO_ID
            own[there] = penalty.of(self._vectors_of(ids[there]))
            return own if bias is None else own + bias.of(ids)

        return self._less(plan, k, penalty_of, is_biased=bias is not None)

    def _less(
        self, plan: Plan, k: int, penalty_of: PenaltyOf, *, is_biased: bool = True
    ) -> Adjusted:
        """By cosine less penalties.

        Exact search gives the ranking of all items so; through codes it is that of those that
        `search_adjusted` brings.
        """
        is_exact = self.fan_out.is_exact
        least = self.bias.least(is_exact=is_exact) if self.bias and is_biased else np.float32(0)
        return search_adjusted(
            lambda some, depth: self.rank(plan.part(some), depth),
            len(plan.vectors),
            k,
            penalty_of,
            least=least,
            is_exact=is_exact,
        )

    def _fused(self, plan: Plan, fusion: Fusion, k: int) -> Adjusted:
        """The k best of one product among the best of each of its parts."""
        (made_of,) = plan.made_of
        depth = max(PROBED, k)
        brought = []
        for row, modality in zip(made_of.vectors, made_of.modalities, strict=True):
            part = replace(plan, vectors=row[None], made_of=(MadeOf(row[None], (modality,)),))
            brought.append(self.rank(part, depth)[1].ravel())
        ids = np.unique(np.concatenate(brought))
        ids = ids[ids != NO_ID]
        rows = self._vectors_of(ids)
        fused = fusion.of_items(rows)
        order = np.lexsort((ids, -fused))[:k]
        scores = pair_scores(rows[order], plan.vectors[0])
        return Adjusted(scores[None], ids[order][None], fused[order][None])

    def _vectors_of(self, ids: Int64Array) -> Float32Array:
        return self.fan_out.vectors_of(self.fan_out.positions_of(ids))


def sample_of(fan_out: FanOut, most: int = SAMPLED) -> Float32Array:
    """Vectors of living items from all over a gallery, (m, dim), m <= most."""
    positions = fan_out.live_positions
    step = max(1, -(-len(positions) // most))
    return fan_out.vectors_of(positions[::step])
