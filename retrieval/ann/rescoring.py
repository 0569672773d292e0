"""Candidates of a search ranked by their exact scores, and rankings put into shape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.ann.exact import NO_ID, Ranking, pair_scores, top_k
from retrieval.ann.rows import SpreadRows
from retrieval.model import Float32Array, Int64Array

RESCORED_ROWS = 16_384
"""Candidate rows in memory at a time: 24 MiB of float32 at 384 dimensions."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """How much a search does at a time; answers are the same whatever it is.

    Attributes:
        rows: vectors in memory.
        threads: that search codes; None is as many as FAISS may use.
    """

    rows: int = RESCORED_ROWS
    threads: int | None = None


def best_of(
    rows: SpreadRows,
    queries: Float32Array,
    positions: Int64Array,
    k: int,
    unwanted: Sequence[Int64Array],
    rows_at_once: int = RESCORED_ROWS,
) -> Ranking:
    """The k best of each query's candidates by their exact scores.

    Args:
        rows: of the gallery.
        queries: (Q, dim).
        positions: (Q, c) of the candidates, distinct for each query; NO_ID behind the last where
            there are fewer.
        k: at least 1.
        unwanted: for each query the ids, of the gallery, that must not come back; () leaves out
            none.
        rows_at_once: vectors in memory at a time.
    """
    block = max(1, rows_at_once // max(1, positions.shape[1]))
    rankings = [
        _best_places(rows, queries[here], positions[here], k, unwanted[here], rows_at_once)
        for here in (slice(at, at + block) for at in range(0, len(queries), block))
    ]
    scores, places = _stacked(rankings)
    return scores, _ids_at(places, rows)


def _best_places(
    rows: SpreadRows,
    queries: Float32Array,
    positions: Int64Array,
    k: int,
    unwanted: Sequence[Int64Array],
    rows_at_once: int,
) -> Ranking:
    """As `best_of`, in positions: they ascend as ids do, so they decide ties alike."""
    scores = _in_pieces(rows, queries, positions, rows_at_once)
    if any(map(len, unwanted)):
        positions = positions.copy()
        blank(scores, positions, [np.searchsorted(rows.ids, ids) for ids in unwanted])
    return top_k(scores, positions, k)


def _stacked(rankings: Sequence[Ranking]) -> Ranking:
    """Rankings of a width as one."""
    if len(rankings) == 1:
        return rankings[0]
    return np.vstack([scores for scores, _ in rankings]), np.vstack([p for _, p in rankings])


def _in_pieces(
    rows: SpreadRows, queries: Float32Array, positions: Int64Array, rows_at_once: int
) -> Float32Array:
    """As `_rescored`; of one query with more candidates than that some after the other."""
    cuts = range(rows_at_once, positions.shape[1], rows_at_once)
    if not cuts:
        return _rescored(rows, queries, positions)
    pieces = np.split(positions, cuts, axis=1)
    return np.hstack([_rescored(rows, queries, piece) for piece in pieces])


def _rescored(rows: SpreadRows, queries: Float32Array, positions: Int64Array) -> Float32Array:
    """Exact scores of candidates, in the candidates' order, (Q, c)."""
    if _are_all_there(positions):  # as good as always
        vectors = rows.vectors_of(positions.ravel()).reshape(*positions.shape, -1)
        return pair_scores(vectors, queries[:, None, :])
    missing = positions == NO_ID
    known = np.where(missing, 0, positions)
    vectors = rows.vectors_of(known.ravel()).reshape(*positions.shape, -1)
    scores = pair_scores(vectors, queries[:, None, :])
    scores[missing] = -np.inf
    return scores


def _are_all_there(ranked: Int64Array) -> bool:
    """Whether no row has fewer than the others: those that have end in NO_ID."""
    return ranked.size > 0 and NO_ID not in ranked[:, -1].tolist()


def _ids_at(places: Int64Array, rows: SpreadRows) -> Int64Array:
    """The ids at positions, (Q, c); NO_ID where it is that."""
    if _are_all_there(places):
        return rows.ids[places]
    missing = places == NO_ID
    ids: Int64Array = np.where(missing, NO_ID, rows.ids[np.where(missing, 0, places)])
    return ids


def blank(scores: Float32Array, ids: Int64Array, unwanted: Sequence[Int64Array]) -> None:
    """Turn the unwanted answers of each query into missing ones, in place."""
    for number, ids_of_one in enumerate(unwanted):
        if len(ids_of_one):
            gone = np.isin(ids[number], ids_of_one)
            scores[number, gone] = -np.inf
            ids[number, gone] = NO_ID


def fitted(ranking: Ranking, width: int) -> Ranking:
    """The ranking cut or padded to a width."""
    scores, ids = ranking
    if scores.shape[1] == width:
        return ranking
    lacking = ((0, 0), (0, max(0, width - scores.shape[1])))
    return (
        np.pad(scores[:, :width], lacking, constant_values=-np.inf),
        np.pad(ids[:, :width], lacking, constant_values=NO_ID),
    )
