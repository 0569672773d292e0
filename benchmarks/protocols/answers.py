"""The ranks of one direction as a record keeps them: what all figures are computed from.

    t2i, i2t              the rank of the best right answer of every query
    WAY_positive          the ranks of all right answers, query after query, where one has several
    WAY_offsets           where those of each query begin, and where the last end
    WAY_pessimistic       the best rank if what ties goes before, where that is another
    WAY_folds             where the queries of each fold begin, and where the last end

Right answers that somebody else found have WAY_NAME in place of WAY ("i2t_eccv_positive"), always
with offsets; a query that has none begins where it ends, and is in no other array of theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from benchmarks.metrics.ranking import Found
from benchmarks.metrics.ranks import PositiveRanks, Ranks
from retrieval.model import Int64Array

_POSITIVE, _OFFSETS, _PESSIMISTIC, _FOLDS = "_positive", "_offsets", "_pessimistic", "_folds"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Where the right answers of Q queries stand.

    Attributes:
        ranks: (P,) of all right answers, ties by number.
        offsets: (Q + 1,) where those of each query begin, and where the last end.
        pessimistic: the best rank of each query that has any, if what ties goes before it.
    """

    ranks: Int64Array
    offsets: Int64Array
    pessimistic: Int64Array

    @classmethod
    def of(cls, found: PositiveRanks) -> Self:
        """As they were ranked."""
        return cls(found.ranks, found.positives.offsets, found.best.pessimistic)

    @classmethod
    def joined(cls, parts: Sequence["Answers"]) -> Self:
        """One after the other."""
        sizes = [np.diff(each.offsets) for each in parts]
        return cls(
            np.concatenate([each.ranks for each in parts]),
            np.concatenate([[0], np.cumsum(np.concatenate(sizes))]),
            np.concatenate([each.pessimistic for each in parts]),
        )

    @classmethod
    def kept_in(cls, arrays: Mapping[str, Int64Array], name: str) -> Self:
        """As `arrays` gave them.

        Raises:
            KeyError: they are not there.
        """
        if name + _OFFSETS in arrays:
            ranks, offsets = arrays[name + _POSITIVE], arrays[name + _OFFSETS]
        else:
            ranks = arrays[name]
            offsets = np.arange(len(ranks) + 1)
        pessimistic = arrays.get(name + _PESSIMISTIC)
        if pessimistic is None:
            pessimistic = arrays[name] if name in arrays else Found.of(ranks, offsets).best
        return cls(ranks, offsets, pessimistic)

    def arrays(self, name: str, *, is_own: bool = True) -> dict[str, Int64Array]:
        """What a record keeps under a name.

        Args:
            name: "t2i", "i2t_eccv".
            is_own: whether these are the data set's own right answers, of which every query has
                one at least.
        """
        best = self.found.best
        kept = {name: best} if is_own else {}
        if self.has_several or not is_own:
            kept |= {name + _POSITIVE: self.ranks, name + _OFFSETS: self.offsets}
        if (self.pessimistic != best).any():
            kept[name + _PESSIMISTIC] = self.pessimistic
        return kept

    @property
    def found(self) -> Found:
        """For measures over all right answers."""
        return Found.of(self.ranks, self.offsets)

    @property
    def best(self) -> Ranks:
        """For measures of the best one."""
        return Ranks(self.found.best, self.pessimistic)

    @property
    def has_several(self) -> bool:
        """Whether any query has more than one right answer."""
        return bool((np.diff(self.offsets) > 1).any())

    @property
    def n_queries(self) -> int:
        """Queries that have any."""
        return len(self.pessimistic)

    def parts(self, bounds: Int64Array) -> list["Answers"]:
        """The queries between each two bounds; every query has an answer."""
        found = []
        for first, last in pairwise(bounds.tolist()):
            offsets = self.offsets[first : last + 1]
            ranks = self.ranks[offsets[0] : offsets[-1]]
            found.append(Answers(ranks, offsets - offsets[0], self.pessimistic[first:last]))
        return found


def bounds_of(arrays: Mapping[str, Int64Array], way: str) -> Int64Array | None:
    """Where the queries of each fold begin; None where there are none."""
    return arrays.get(way + _FOLDS)


def with_bounds(way: str, sizes: Sequence[int]) -> dict[str, Int64Array]:
    """What a record keeps of folds with so many queries."""
    return {way + _FOLDS: np.concatenate([[0], np.cumsum(sizes)])}


def further_names(arrays: Mapping[str, Int64Array], way: str) -> list[str]:
    """Whose further right answers are kept for a direction, sorted: "eccv"."""
    names = [name for name in arrays if name.startswith(f"{way}_") and name.endswith(_OFFSETS)]
    return sorted(name[len(way) + 1 : -len(_OFFSETS)] for name in names if name != way + _OFFSETS)
