"""Measures of a ranking whose right answers are known, one value a query.

All but the first take the ranks of every right answer, from which nothing else of the ranking is
needed. Recall at k as image-text retrieval has it asks whether any right answer is among the first
k; the share of them that is there is `fraction_recall`, and goes by that name alone.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.model import Int64Array

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The ranks of all right answers of queries, each with one at least.

    Attributes:
        offsets: (Q + 1,) where those of each query begin, and where the last end.
        ranks: (P,) from 1, ascending for each query.
        order: (P,) where each of them stood in what was given.
    """

    offsets: Int64Array
    ranks: Int64Array
    order: Int64Array

    @classmethod
    def of(cls, ranks: Int64Array, offsets: Int64Array) -> "Found":
        """From ranks in any order for each query; queries without any are left out.

        Raises:
            ValueError: no query has any, a rank is below 1, or two of a query are equal.
        """
        owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        if len(ranks) == 0 or len(owners) != len(ranks) or ranks.min() < 1:
            raise ValueError(f"{len(ranks)} ranks of {len(owners)} right answers, or one below 1")
        order = np.lexsort((ranks, owners))
        ordered = ranks[order]
        if ((np.diff(ordered) == 0) & (np.diff(owners) == 0)).any():
            raise ValueError("two right answers of a query have the same rank")
        return cls(np.unique(offsets), ordered, order)

    @property
    def counts(self) -> Int64Array:
        """(Q,) how many right answers each query has."""
        return np.diff(self.offsets)

    @property
    def best(self) -> Int64Array:
        """(Q,) the rank of the first."""
        return self.ranks[self.offsets[:-1]]

    @property
    def places(self) -> Int64Array:
        """(P,) the how-manieth right answer each is, from 1."""
        return np.arange(len(self.ranks)) - np.repeat(self.offsets[:-1], self.counts) + 1

    def total(self, values: npt.NDArray[np.floating[Any]]) -> FloatArray:
        """(P,) values summed for each query, (Q,)."""
        sums: FloatArray = np.add.reduceat(values, self.offsets[:-1])
        return sums


def fraction_recall(found: Found, k: int) -> FloatArray:
    """The share of the right answers that are among the first k, (Q,).

    Source: C. Manning, P. Raghavan, H. Schuetze, "Introduction to Information Retrieval", 2008,
    section 8.3; `recall_at_k` of MTEB. With five captions a picture it is at most 0.2 at k = 1.
    """
    shares: FloatArray = found.total((found.ranks <= k) * 1.0) / found.counts
    return shares


def r_precision(found: Found) -> FloatArray:
    """The share of right answers among the first R, of which there are R, (Q,).

    Source: Manning et al., section 8.4; S. Chun et al., "ECCV Caption: Correcting False Negatives
    by Collecting Machine-and-Human-verified Image-Caption Associations for MS-COCO", ECCV 2022,
    section 4.
    """
    room = np.repeat(found.counts, found.counts)
    shares: FloatArray = found.total((found.ranks <= room) * 1.0) / found.counts
    return shares


def average_precision_at_r(found: Found) -> FloatArray:
    """The average precision of the first R, of which there are R, (Q,).

    1 / R * sum over places i <= R of [i is right] * precision at i. Source: K. Musgrave,
    S. Belongie, S. Lim, "A Metric Learning Reality Check", ECCV 2020, section 3.2 (MAP@R); Chun et
    al., ECCV 2022, section 4.
    """
    within = found.ranks <= np.repeat(found.counts, found.counts)
    averages: FloatArray = found.total(within * found.places / found.ranks) / found.counts
    return averages


def average_precision_of_k(found: Found, k: int) -> FloatArray:
    """The average precision of the k best, (Q,); what `average_precision_at_k` gives, of ranks."""
    within = found.ranks <= k
    averages: FloatArray = found.total(within * found.places / found.ranks)
    return averages / np.minimum(found.counts, k)


def reciprocal_rank(found: Found) -> FloatArray:
    """One over the rank of the best right answer, (Q,); its mean is the MRR.

    Source: E. Voorhees, "The TREC-8 Question Answering Track Report", 1999.
    """
    inverse: FloatArray = 1 / found.best
    return inverse


def ndcg(found: Found, k: int, gains: FloatArray | None = None) -> FloatArray:
    """The discounted gain of the first k over the most that there could be, (Q,).

    An answer at rank r adds its gain / log2(r + 1). Source: K. Jarvelin, J. Kekalainen, "Cumulated
    Gain-based Evaluation of IR Techniques", TOIS 20(4), 2002, with the discount of C. Burges et
    al., "Learning to Rank using Gradient Descent", ICML 2005; gains count as they stand, as
    trec_eval has it, and not as 2^gain - 1.

    Args:
        found: ranks.
        k: how many count.
        gains: (P,) of each right answer, above 0, in the order that `Found.of` was given; None is 1
            for each.

    Raises:
        ValueError: a gain is not above 0, or they are not as many as right answers.
    """
    given = np.ones(len(found.ranks)) if gains is None else gains
    if given.shape != found.ranks.shape or not (given > 0).all():
        raise ValueError(f"gains {given.shape} of {len(found.ranks)}, or one is not above 0")
    own = given[found.order]
    reached = found.total(own * (found.ranks <= k) / np.log2(found.ranks + 1))
    owners = np.repeat(np.arange(len(found.counts)), found.counts)
    highest = own[np.lexsort((-own, owners))]
    most = found.total(highest * (found.places <= k) / np.log2(found.places + 1))
    shares: FloatArray = reached / most
    return shares


def average_precision_at_k(relevant: BoolArray, n_relevant: Int64Array) -> FloatArray:
    """The average precision of the k best of each query, (Q,).

    The mean of the precision at each relevant place, over the relevant items that k places have
    room for: AP@k = 1 / min(k, R) * sum over places i of [i is relevant] * precision at i.

    Source: A. Baldrati, L. Agnolucci, M. Bertini, A. Del Bimbo, "Zero-Shot Composed Image Retrieval
    with Textual Inversion", ICCV 2023, section 4 (mAP@K of CIRCO).

    Args:
        relevant: (Q, k) whether the item at each place, best first, answers the query.
        n_relevant: (Q,) how many items of the gallery do; at least 1.

    Raises:
        ValueError: a query has no right answer.
    """
    if (n_relevant < 1).any():
        raise ValueError("a query without a right answer has no average precision")
    places = np.arange(1, relevant.shape[1] + 1)
    precision = relevant.cumsum(axis=1) / places
    room = np.minimum(n_relevant, relevant.shape[1])
    averages: FloatArray = (precision * relevant).sum(axis=1) / room
    return averages
