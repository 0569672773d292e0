"""All figures of a protocol, from the arrays of ranks that its record keeps and nothing else."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.metrics.choices import OF_ASPECT
from benchmarks.metrics.ranking import (
    average_precision_at_r,
    fraction_recall,
    ndcg,
    r_precision,
)
from benchmarks.metrics.retrieval import figures_of_ranks, recall_at, recalls_of_ranks
from benchmarks.protocols.answers import Answers, bounds_of, further_names
from benchmarks.protocols.evaluation import KS
from retrieval.model import Int64Array

WAYS = ("t2i", "i2t")

TOPS = (1, 5)

DEPTH = max(KS)
"""Of what is asked of an index, and of nDCG."""

_ONLY_FIRST = frozenset({"eccv"})
"""Whose right answers are so many that recall is told at 1 alone, and precision beside it. Source:
S. Chun et al., "ECCV Caption", ECCV 2022, which reports mAP@R, R-Precision and R@1."""

_PESSIMISTIC = "_pessimistic"


def crossmodal_figures(ranks: Mapping[str, Int64Array]) -> dict[str, float]:
    """Of texts and pictures, in one gallery or in folds.

    Args:
        ranks: as `answers` names them, of one direction or both.

    Raises:
        KeyError: an array is missing.
    """
    ways = [way for way in WAYS if way in ranks]
    own = {way: Answers.kept_in(ranks, way) for way in ways}
    several = {way: answers.has_several for way, answers in own.items()}
    bounds = {way: bounds_of(ranks, way) for way in ways}
    folds = [
        dict(zip(ways, parts, strict=True))
        for parts in zip(
            *(own[way].parts(_whole(own[way], bounds[way])) for way in ways), strict=True
        )
    ]
    figures = _mean([_own_figures(fold, several) for fold in folds])
    for way in ways:
        for name in further_names(ranks, way):
            figures |= _further_figures(Answers.kept_in(ranks, f"{way}_{name}"), way, name)
    return figures


def zeroshot_figures(ranks: Mapping[str, Int64Array], n_classes: int) -> dict[str, float]:
    """Of names of classes.

    Where no more than five classes are named there is no top-5: it could be nothing but 1.

    Args:
        ranks: "top" the rank of the right name of every picture; "top_pessimistic", where it is
            another, with what ties before it; "class" the class of every picture.
        n_classes: that are ranked.

    Raises:
        KeyError: an array is missing.
    """
    best = ranks["top"]
    worst = ranks.get("top" + _PESSIMISTIC, best)
    tops = [top for top in TOPS if top == 1 or top < n_classes]
    figures = {f"top{top}": recall_at(best, top) for top in tops}
    classes = ranks["class"]
    figures["mean_per_class_recall"] = float(
        np.mean([recall_at(best[classes == each], 1) for each in np.unique(classes)])
    )
    for top in tops:
        if (lower := recall_at(worst, top)) != figures[f"top{top}"]:
            figures[f"top{top}{_PESSIMISTIC}"] = lower
    return figures


def through_figures(
    ranks: Mapping[str, Int64Array], gallery: Mapping[str, int]
) -> dict[str, float]:
    """Of an index.

    Args:
        ranks: "WAY_within_10" the rank of the best right answer, 0 where it is not among the first
            ten; "WAY_ann_hits" how many of the exact ten were found.
        gallery: how much each direction asks.

    Raises:
        KeyError: an array is missing.
    """
    figures = {}
    for way in WAYS:
        if (within := ranks.get(f"{way}_within_{DEPTH}")) is None:
            continue
        for k in KS:
            figures[f"{way}_r@{k}"] = float(((within >= 1) & (within <= k)).mean())
        name = f"ann_recall@{DEPTH}" if way == "t2i" else f"{way}_ann_recall@{DEPTH}"
        figures[name] = float(ranks[f"{way}_ann_hits"].mean()) / min(DEPTH, gallery[way])
    return figures


def choices_figures(ranks: Mapping[str, Int64Array]) -> dict[str, float]:
    """Of choices between two pictures and two texts: all items, then those of each aspect.

    Args:
        ranks: by score 1 for each item that counts, else 0; "items/ASPECT" 1 for each that has it.
    """
    scores = {name: right for name, right in ranks.items() if OF_ASPECT not in name}
    figures = {name: float(right.mean()) for name, right in scores.items()}
    for name, having in ranks.items():
        if OF_ASPECT in name:
            aspect = name.partition(OF_ASPECT)[2]
            figures |= {
                f"{score}{OF_ASPECT}{aspect}": float(right[having == 1].mean())
                for score, right in scores.items()
            }
    return figures


def _whole(answers: Answers, bounds: Int64Array | None) -> Int64Array:
    return np.array([0, answers.n_queries]) if bounds is None else bounds


def _own_figures(own: Mapping[str, Answers], several: Mapping[str, bool]) -> dict[str, float]:
    """Of one gallery and the data set's own right answers."""
    figures: dict[str, float] = {}
    for way, answers in own.items():
        figures |= figures_of_ranks(answers.best, KS, way)
        found = answers.found
        figures[f"{way}_ndcg@{DEPTH}"] = float(ndcg(found, DEPTH).mean())
        if several[way]:
            for k in KS:
                share = float(fraction_recall(found, k).mean())
                figures[f"{way}_fraction_recall@{k}"] = share
    if len(own) == len(WAYS):
        figures["rsum"] = 100 * sum(figures[f"{way}_r@{k}"] for way in WAYS for k in KS)
    return figures


def _further_figures(answers: Answers, way: str, name: str) -> dict[str, float]:
    """Of right answers that somebody else found."""
    prefix = f"{way}_{name}"
    if name not in _ONLY_FIRST:
        return recalls_of_ranks(answers.best, KS, prefix)
    found = answers.found
    return {
        f"{prefix}_map@r": float(average_precision_at_r(found).mean()),
        f"{prefix}_rprecision": float(r_precision(found).mean()),
        **recalls_of_ranks(answers.best, (1,), prefix),
    }


def _mean(folds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over folds; where ties change nothing in a fold, it has no pessimistic figure."""
    if len(folds) == 1:
        return dict(folds[0])
    names = dict.fromkeys(name for each in folds for name in each)
    return {
        name: float(
            np.mean([each.get(name, each[name.removesuffix(_PESSIMISTIC)]) for each in folds])
        )
        for name in names
    }
