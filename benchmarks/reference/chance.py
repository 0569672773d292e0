"""What an encoder that knows nothing would reach: the floor under every figure."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.metrics.choices import CHANCE, OF_ASPECT

_FIGURE = re.compile(r"(?:(?P<way>t2i|i2t)_r@|top)(?P<k>\d+)")

_TWO_SIDED_95 = 1.96
"""Standard deviations to either side that hold 95 % of a normal distribution."""


class Chance(NamedTuple):
    """The expected share of a random ranking, and how many queries it is over."""

    share: float
    n_queries: int

    def explains(self, share: float) -> bool:
        """Whether a share is no better than chance, within the error of sampling (95 %)."""
        error = math.sqrt(self.share * (1 - self.share) / self.n_queries)
        return share <= self.share + _TWO_SIDED_95 * error


def chance_of(metric: str, counts: Mapping[str, int], *, folds: int = 1) -> Chance | None:
    """The chance of a figure; None where a count is missing, or for figures that have none here.

    Args:
        metric: "t2i_r@K", "i2t_r@K", "topK", or a score of choices such as "group_score/red".
        counts: as in records: pictures, texts, t2i_queries, i2t_queries, classes and queries, or
            items.
        folds: galleries that pictures and texts are cut into.
    """
    if (found := _FIGURE.fullmatch(metric)) is None:
        return _of_choices(metric, counts)
    way, k = found["way"], int(found["k"])
    try:
        if way is None:
            return Chance(by_chance(counts["classes"], 1, k), counts["queries"])
        pictures, queries = counts["pictures"], counts[f"{way}_queries"]
        if way == "t2i":
            return Chance(by_chance(pictures // folds, 1, k), queries)
        texts = counts["texts"]
        return Chance(by_chance(texts // folds, texts // pictures, k), queries)
    except KeyError:
        return None


def _of_choices(metric: str, counts: Mapping[str, int]) -> Chance | None:
    """The chance of a text, image or group score, of all items or those of an aspect."""
    score, slash, aspect = metric.partition(OF_ASPECT)
    items = counts.get(f"items{slash}{aspect}")
    return Chance(CHANCE[score], items) if score in CHANCE and items else None


def by_chance(gallery: int, right: int, k: int) -> float:
    """The chance that one of the right answers is among the first k of a random ranking.

    1 - C(gallery - right, k) / C(gallery, k), the hypergeometric distribution at none.

    Args:
        gallery: how many there are to rank.
        right: how many of them are right.
        k: at least 1.

    Raises:
        ValueError: a number that cannot be.
    """
    if k < 1 or not 0 <= right <= gallery:
        raise ValueError(f"{right} right answers of {gallery}, {k} looked at")
    k = min(k, gallery)
    return 1 - math.comb(gallery - right, k) / math.comb(gallery, k)
