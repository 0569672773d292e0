"""What each query adds to a figure, from the ranks that were recorded.

R@K, top-K, recall of the exact ten, average precision, the reciprocal rank, the mean rank and what
counts or does not are means over queries, so that pictures can be drawn anew. Medians, rsum,
figures by class and pessimistic ones are not, and get no interval.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.bootstrap import FloatArray
from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import RunRecord
from retrieval.model import Int64Array

OLDER_RUN = "of an older run: run again"
"""Why a figure has no interval whose texts are not known to belong to pictures."""

NOT_A_MEAN = "not a mean over queries"

_FIGURE = re.compile(
    r"(?:(?P<way>[a-z0-9]+)_)?(?P<what>r@|ann_recall@|map@|top|mrr$|mean_rank$)(?P<k>\d*)"
)

_WITHIN = "_within_10"
"""Behind a direction whose ranks go no further; 0 is further."""

_LIKE = 1e-9
"""How near the mean of the values comes to the figure that was recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class PerQuery:
    """What the queries of one record add to one figure.

    Attributes:
        values: (Q,) whose mean is the figure.
        pictures: (Q,) the picture of each query.
    """

    values: FloatArray
    pictures: Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class KeptRanks:
    """The ranks of a record and the pictures of their queries, read once for all its figures."""

    record: RunRecord
    ranks: Mapping[str, Int64Array]
    pictures: Mapping[str, Int64Array]

    @classmethod
    def of(cls, folder: RunFolder, record: RunRecord) -> "KeptRanks":
        """Those of a record; empty ones where it has none.

        Raises:
            BenchmarkError: their file is missing, or is not what the record names.
        """
        if not record.ranks:
            return cls(record, {}, {})
        return cls(record, folder.ranks_of(record), folder.pictures_of(record))

    def per_query(self, name: str) -> PerQuery | str:
        """What each query adds to a figure; else why that is not known."""
        direction, values = self._values(name)
        if values is None:
            return NOT_A_MEAN
        way = direction.partition("_")[0]
        pictures = self.pictures.get(way)
        if pictures is None:
            if way == "t2i":
                return OLDER_RUN
            pictures = np.arange(len(values))
        values = self._weighed(values, pictures)
        if abs(float(values.mean()) - self.record.figures[name]) > _LIKE:
            return NOT_A_MEAN
        return PerQuery(values, pictures)

    def _values(self, name: str) -> tuple[str, FloatArray | None]:
        """Direction of a figure, and what its queries add; None where ranks do not tell."""
        bare, _, aspect = name.partition("/")
        if bare in self.ranks:  # what is kept says of each item whether it counts
            return bare, self._of_aspect(bare, aspect)
        if (found := _FIGURE.fullmatch(name)) is None:
            return "", None
        way, what, k = found["way"], found["what"], int(found["k"] or 0)
        direction = self._direction(way, what)
        ranks = self.ranks.get(direction)
        if ranks is None or (k == 0 and direction.endswith(_WITHIN)):
            return direction, None
        return direction, self._of_ranks(ranks, what, k)

    def _direction(self, way: str | None, what: str) -> str:
        """The ranks that a figure is made of."""
        if what == "ann_recall@":
            return f"{way or 't2i'}_ann_hits"
        if way is None:
            return {"top": "top", "map@": "positives"}.get(what, "target")
        return way if way in self.ranks else f"{way}{_WITHIN}"

    def _of_ranks(self, ranks: Int64Array, what: str, k: int) -> FloatArray:
        if what == "mrr":
            return 1 / ranks
        if what == "mean_rank":
            return ranks.astype(np.float64)
        if what == "ann_recall@":
            return ranks / k
        if what == "map@":
            return self._average_precisions(ranks, k)
        return ((ranks >= 1) & (ranks <= k)).astype(np.float64)

    def _average_precisions(self, ranks: Int64Array, k: int) -> FloatArray:
        """Of each query, from the ranks of all its right answers."""
        owners = self.ranks["positives_of"]
        n_relevant = np.bincount(owners)
        relevant = np.zeros((len(n_relevant), k), np.bool_)
        near = ranks <= k
        relevant[owners[near], ranks[near] - 1] = True
        return average_precision_at_k(relevant, n_relevant)

    def _of_aspect(self, name: str, aspect: str) -> FloatArray | None:
        values = self.ranks[name].astype(np.float64)
        if not aspect:
            return values
        having = self.ranks.get(f"items/{aspect}")
        return None if having is None else values[having == 1]

    def _weighed(self, values: FloatArray, pictures: Int64Array) -> FloatArray:
        """Values whose mean is the mean over folds, which may have different numbers of texts."""
        folds = self.record.key.folds
        if folds == 1:
            return values
        fold_of = pictures * folds // self.record.counts["pictures"]
        sizes = np.bincount(fold_of, minlength=folds)
        weighed: FloatArray = values * (len(values) / (folds * sizes[fold_of]))
        return weighed
