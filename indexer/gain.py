"""What taking a share of the hubness bias off the cosines does to queries with known answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from indexer.matches import Matches
from retrieval.ann.adjusted import Penalties, adjust
from retrieval.ann.exact import Ranking
from retrieval.ann.fanout import FanOut
from retrieval.model import Float32Array, Int64Array
from retrieval.store.hubness_record import HubnessRecall

DEPTHS = (1, 5, 10)
"""k of each recall: shares of queries with a right answer in the top k."""

ALPHAS = (0.25, 0.5, 0.75, 1.0)
"""Shares that are tried; Chowdhury et al. 2024 use .25 to .75."""

CANDIDATES = 100
"""Best by cosine that are ranked again: ten times the deepest recall."""

Found: TypeAlias = npt.NDArray[np.bool_]
"""(q, len(DEPTHS)): whether a query has a right answer that high."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Queries by cosine alone and with the bias taken off.

    Attributes:
        plain: by cosine alone.
        adjusted: with the bias taken off.
        groups: (q,) queries of one group are not independent.
    """

    plain: Found
    adjusted: Found
    groups: Int64Array

    @property
    def recall(self) -> tuple[HubnessRecall, ...]:
        """Both recalls at each depth, and the standard error of their difference."""
        return tuple(
            HubnessRecall(
                k,
                float(self.plain[:, at].mean()),
                float(self.adjusted[:, at].mean()),
                self._standard_error(at),
            )
            for at, k in enumerate(DEPTHS)
        )

    @property
    def is_clear(self) -> bool:
        """Whether R@1 rises by more than a standard error."""
        first = self.recall[0]
        return first.adjusted - first.plain > first.standard_error

    def _standard_error(self, at: int) -> float:
        """Of the mean difference over queries, whose groups alone are independent.

        Source: A. C. Cameron, D. L. Miller, "A Practitioner's Guide to Cluster-Robust Inference",
        Journal of Human Resources, 2015; for a mean.
        """
        change = self.adjusted[:, at].astype(np.float64) - self.plain[:, at]
        _, number = np.unique(self.groups, return_inverse=True)
        sums = np.bincount(number, weights=change - change.mean())
        n_groups = len(sums)
        if n_groups < 2:
            return float("inf")
        return float(np.sqrt((sums**2).sum() * n_groups / (n_groups - 1)) / len(change))


class Trial:
    """Queries with known answers, searched for once and ranked again for each share of a bias."""

    def __init__(self, ids: Int64Array, ranking: Ranking, matches: Matches) -> None:
        """Take queries and what was found for them.

        Args:
            ids: (n,) of the gallery, ascending.
            ranking: of the queries by cosine, (q, c).
            matches: the queries, at least one.
        """
        self._ids = ids
        self._matches = matches
        self._ranking = ranking
        self._plain = found_at(ranking[1], matches.wanted)

    @classmethod
    def search(cls, index: FanOut, matches: Matches) -> Self:
        """Search a gallery exactly."""
        return cls(index.ids, index.search(matches.queries, CANDIDATES), matches)

    def gain(self, bias: Float32Array, alpha: float) -> Gain:
        """With a share of the bias taken off.

        Args:
            bias: (n,) of all rows of the gallery.
            alpha: the share.
        """
        penalties = Penalties(self._ids, np.float32(alpha) * bias)
        best = adjust(self._ranking, penalties.of(self._ranking[1]), max(DEPTHS))
        return Gain(self._plain, found_at(best.ids, self._matches.wanted), self._matches.groups)


def best_alpha(trial: Trial, bias: Float32Array, alphas: Sequence[float] = ALPHAS) -> float:
    """The share with the highest R@1, the smallest among equals."""
    recalls = {alpha: trial.gain(bias, alpha).recall[0].adjusted for alpha in alphas}
    return max(sorted(recalls), key=lambda alpha: recalls[alpha])


def found_at(ids: Int64Array, wanted: Sequence[Int64Array]) -> Found:
    """Whether each query has a right answer in the top k, for each of DEPTHS.

    Args:
        ids: (q, c) best first.
        wanted: (q,) right answers.
    """
    found = np.zeros((len(ids), len(DEPTHS)), np.bool_)
    for number, (row, right) in enumerate(zip(ids, wanted, strict=True)):
        places = np.flatnonzero(np.isin(row, right))
        found[number] = [bool(places.size) and places[0] < k for k in DEPTHS]
    return found
