"""Queries of one kind are searched for together, and their answers put back in order."""

from collections.abc import Sequence

import numpy as np

from retrieval.ann.exact import NO_ID, Ranking
from retrieval.model import Int64Array
from retrieval.query.plan import MadeOf


def kind_of(made_of: MadeOf) -> str:
    """What a query is made of: "image", "text", or "composed" of both."""
    first, *others = made_of.modalities
    return first if all(each == first for each in others) else "composed"


def alike(kinds: Sequence[str], at_once: int | None) -> list[Int64Array]:
    """The numbers of queries that are searched for together: of one kind, and not too many."""
    if len(set(kinds)) == 1:
        return in_blocks(np.arange(len(kinds)), at_once)
    numbers = {kind: np.flatnonzero(np.array(kinds) == kind) for kind in dict.fromkeys(kinds)}
    return [block for own in numbers.values() for block in in_blocks(own, at_once)]


def in_blocks(numbers: Int64Array, at_once: int | None) -> list[Int64Array]:
    """Numbers of queries, at most so many together; all in one block if that is None."""
    step = at_once or max(1, len(numbers))
    return [numbers[at : at + step] for at in range(0, len(numbers), step)]


def put_together(found: Sequence[tuple[Int64Array, Ranking]], n_queries: int) -> Ranking:
    """One ranking of the queries from rankings of some of them, by their numbers."""
    width = max(ids.shape[1] for _, (_, ids) in found)
    scores = np.full((n_queries, width), -np.inf, np.float32)
    all_ids = np.full((n_queries, width), NO_ID, np.int64)
    for numbers, (own_scores, ids) in found:
        scores[numbers, : ids.shape[1]] = own_scores
        all_ids[numbers, : ids.shape[1]] = ids
    return scores, all_ids
