"""A picture and words find pictures: recall, recall within a group, mean average precision.

The score is the cosine of float32 unit rows, or what ways rank by that are no single vector. Of
equal scores the picture of the smaller number goes first. Whether the reference is taken out of a
ranking is said by the data set.

Sources: CIRR: Z. Liu et al., ICCV 2021, section 5 (recall of the target without the reference;
recall among the five others of its group; the headline is the mean of R@5 and R_subset@1).
FashionIQ: H. Wu et al., CVPR 2021 (R@10 and R@50 of each category). CIRCO: A. Baldrati et al., ICCV
2023, section 4 (mAP@K over all targets; recall of the first one; mAP@10 by semantic aspect).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.base import Composed
from benchmarks.metrics.counting import exact_scores
from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.metrics.ranks import Positives, Ranks, best_ranks
from benchmarks.metrics.retrieval import recall_at
from benchmarks.protocols.evaluation import Evaluation
from retrieval.model import Float32Array, Int64Array
from retrieval.query.plan import Fused, Plan

ASPECT_K = 10
"""Depth of the mean average precision by aspect."""


@dataclass(frozen=True, slots=True)
class Depths:
    """What is reported of a data set, at which depths.

    Attributes:
        recall: of the first target.
        subset: of the target among its group.
        precision: of mean average precision over all targets.
    """

    recall: tuple[int, ...]
    subset: tuple[int, ...] = ()
    precision: tuple[int, ...] = ()


_ASPECT, _PESSIMISTIC = "aspect_", "_pessimistic"

DEPTHS = {
    "cirr": Depths((1, 5, 10, 50), subset=(1, 2, 3)),
    "fashioniq": Depths((10, 50)),
    "circo": Depths((1, 5, 10, 25, 50), precision=(5, 10, 25, 50)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """Queries, with pictures as their rows in the gallery.

    Attributes:
        references: (Q,).
        targets: for each query, those that are right, the first one first.
        subsets: for each query the pictures of its group but for the reference.
        excluded: (Q,) what is left out of each ranking, -1 for nothing.
    """

    references: Int64Array
    targets: tuple[Int64Array, ...]
    subsets: tuple[Int64Array, ...]
    excluded: Int64Array

    @classmethod
    def of(cls, data: Composed) -> "Numbered":
        """Of a subset what is there."""
        row_of = {each.key: row for row, each in enumerate(data.pictures)}
        references = np.array([row_of[each.reference] for each in data.queries], np.int64)
        return cls(
            references,
            tuple(np.array([row_of[n] for n in each.targets], np.int64) for each in data.queries),
            tuple(
                np.array([row_of[n] for n in each.subset if n in row_of], np.int64)
                for each in data.queries
            ),
            references if data.removes_reference else np.full_like(references, -1),
        )


def evaluate_composed(data: Composed, pictures: Float32Array, asked: Plan) -> Evaluation:
    """Rank the gallery for each query.

    Ranks are of the first target ("target"), of it among its group ("subset"), and of all targets,
    one query after the other ("positives", "positives_of" says which), with the numbers of the
    queries that are about an aspect ("aspect_NAME"), and pessimistic ones (`composed_figures`). The
    picture of a query is its reference.

    Args:
        data: n pictures, Q queries with targets.
        pictures: (n, dim) unit rows.
        asked: what ranks for each query.
    """
    depths, numbered = DEPTHS[data.origin.name], Numbered.of(data)
    queries = np.arange(len(data.queries))
    first = np.array([each[0] for each in numbered.targets])
    target = ranks_of(asked, pictures, (queries, first), numbered.excluded)
    ranks, counts = _kept(target, "target"), {"queries": len(queries)}
    if depths.subset:
        ranks |= _kept(_within(asked, pictures, first, numbered.subsets), "subset")
    if depths.precision:
        owners = np.repeat(queries, [len(each) for each in numbered.targets])
        items = np.concatenate(numbered.targets)
        ranks["positives"] = ranks_of(asked, pictures, (owners, items), numbered.excluded).best
        ranks["positives_of"] = owners
        about = _about(data)
        ranks |= {_ASPECT + name: own for name, own in about.items()}
        counts |= {f"queries_{name}": len(own) for name, own in about.items()}
    ranked = [name for name in ("target", "subset", "positives") if name in ranks]
    shown: dict[str, Int64Array] = {name: numbered.references for name in ranked}
    return Evaluation(composed_figures(data.origin.name, ranks), counts, ranks, pictures=shown)


def composed_figures(dataset: str, ranks: Mapping[str, Int64Array]) -> dict[str, float]:
    """All figures of composed queries, from the ranks that a record keeps and nothing else.

    Args:
        dataset: by name.
        ranks: as `evaluate_composed` says; "target_pessimistic" and "subset_pessimistic" where what
            ties goes before and that is another rank.

    Raises:
        KeyError: an array is missing.
    """
    depths = DEPTHS[dataset]
    figures = _recalls(_as_kept(ranks, "target"), depths.recall)
    if depths.subset:
        figures |= _recalls(_as_kept(ranks, "subset"), depths.subset, "subset_")
        figures["average"] = (figures["r@5"] + figures["subset_r@1"]) / 2
    if depths.precision:
        about = {
            name.removeprefix(_ASPECT): own
            for name, own in ranks.items()
            if name.startswith(_ASPECT)
        }
        figures |= _precisions(ranks["positives"], ranks["positives_of"], depths.precision, about)
    return figures


def _kept(ranks: Ranks, name: str) -> dict[str, Int64Array]:
    kept = {name: ranks.best}
    if (ranks.pessimistic != ranks.best).any():
        kept[name + _PESSIMISTIC] = ranks.pessimistic
    return kept


def _as_kept(ranks: Mapping[str, Int64Array], name: str) -> Ranks:
    return Ranks(ranks[name], ranks.get(name + _PESSIMISTIC, ranks[name]))


def ranks_of(
    asked: Plan,
    pictures: Float32Array,
    pairs: tuple[Int64Array, Int64Array],
    excluded: Int64Array,
) -> Ranks:
    """The rank of pictures for queries, whatever else is right for these.

    Args:
        asked: what ranks for each of Q queries.
        pictures: (n, dim) unit rows.
        pairs: numbers of queries and of pictures, (P,) each.
        excluded: (Q,) what is left out of each ranking, -1 for nothing.

    Returns:
        (P,) ranks, from 1.
    """
    owners, items = pairs
    if all(each is None for each in asked.fusions):
        each = Positives.of([[item] for item in items.tolist()])
        return best_ranks(asked.vectors[owners], pictures, each, excluded[owners])
    best, pessimistic = np.empty(len(items), np.int64), np.empty(len(items), np.int64)
    for query in np.unique(owners).tolist():
        scores = scores_of(asked, query, pictures)
        if excluded[query] >= 0:
            scores[excluded[query]] = -np.inf
        for at in np.flatnonzero(owners == query).tolist():
            best[at], pessimistic[at] = _rank(scores, np.arange(len(scores)), items[at])
    return Ranks(best, pessimistic)


def scores_of(asked: Plan, query: int, rows: Float32Array) -> Float32Array:
    """What some pictures, (n, dim), are ranked by for a query, (n,)."""
    fused: Fused | None = asked.fusions[query]
    if fused is not None:
        return fused.of_items(rows)
    return exact_scores(np.broadcast_to(asked.vectors[query], rows.shape), rows)


def _within(
    asked: Plan, pictures: Float32Array, first: Int64Array, subsets: tuple[Int64Array, ...]
) -> Ranks:
    """The rank of each target among the pictures of its group."""
    found = [
        _rank(scores_of(asked, query, pictures[subset]), subset, first[query])
        for query, subset in enumerate(subsets)
    ]
    best, pessimistic = np.array(found, np.int64).T
    return Ranks(best, pessimistic)


def _rank(scores: Float32Array, numbers: Int64Array, item: np.int64) -> tuple[int, int]:
    """The rank of one of some numbered items, and its rank if it were the last of those that tie.

    Args:
        scores: (n,).
        numbers: (n,) ascending or not.
        item: one of them.
    """
    own = scores[numbers == item]
    above, level = int((scores > own).sum()), int((scores == own).sum())
    before = int(((scores == own) & (numbers < item)).sum())
    return 1 + above + before, above + level


def _recalls(ranks: Ranks, ks: tuple[int, ...], prefix: str = "") -> dict[str, float]:
    """Recall at some depths; twice where it is lower if ties count against."""
    figures = {f"{prefix}r@{k}": recall_at(ranks.best, k) for k in ks}
    lower = {f"{prefix}r@{k}_pessimistic": recall_at(ranks.pessimistic, k) for k in ks}
    differ = {name for name in figures if lower[f"{name}_pessimistic"] != figures[name]}
    return figures | {
        f"{name}_pessimistic": lower[f"{name}_pessimistic"] for name in sorted(differ)
    }


def _precisions(
    ranks: Int64Array, owners: Int64Array, ks: tuple[int, ...], about: dict[str, Int64Array]
) -> dict[str, float]:
    """Mean average precision at some depths, and by aspect."""
    figures = {f"map@{k}": float(_average_precisions(ranks, owners, k).mean()) for k in ks}
    at_ten = _average_precisions(ranks, owners, ASPECT_K)
    by_aspect = {f"map@{ASPECT_K}_{name}": float(at_ten[own].mean()) for name, own in about.items()}
    return figures | by_aspect


def _average_precisions(
    ranks: Int64Array, owners: Int64Array, k: int
) -> "np.typing.NDArray[np.float64]":
    """Of each query, (Q,), from the ranks of all of its right answers."""
    n_relevant = np.bincount(owners)
    relevant = np.zeros((len(n_relevant), k), np.bool_)
    near = ranks <= k
    relevant[owners[near], ranks[near] - 1] = True
    return average_precision_at_k(relevant, n_relevant)


def _about(data: Composed) -> dict[str, Int64Array]:
    """The numbers of the queries that are about each aspect, by its name, in order."""
    return {
        name: np.flatnonzero([name in each.aspects for each in data.queries])
        for name in sorted({aspect for each in data.queries for aspect in each.aspects})
    }
