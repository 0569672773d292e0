"""Move a query towards what was marked as right, and away from what was marked as wrong.

Marks are mostly images while the query is mostly a text, and an image lies far from all texts: as
they are, the marks would swallow the text. So all is centred and put on one scale here. From a mark
the mean of its kind is taken off, which leaves what sets it apart; and each part of the new query
counts by how much it spreads the scores of the gallery, not by its length:

    q1 = n( a q0 / s(q0)  +  b p / s(p)  -  c r / s(r) )

where n makes a vector one of length 1, p and r are the means of what is right and of what is wrong,
and s(v) is the standard deviation of v . x over items x of the gallery. From `ENOUGH_MARKS` marks
on, one of them right, a logistic regression of the marks (and of items of the gallery, which count
as wrong) gives one direction w in the place of p and r.

Sources: J. Rocchio, "Relevance Feedback in Information Retrieval", in Salton (ed.), "The SMART
Retrieval System", 1971; the constants are those of Manning, Raghavan, Schuetze, "Introduction to
Information Retrieval", 2008, section 9.1.1. The scale is ours (docs/feedback.md has what it gives).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrieval.errors import QueryError
from retrieval.model import Float32Array, Modality
from retrieval.query.logistic import Float64Array, logistic_weights

START, LIKED, DISLIKED = 1.0, 0.75, 0.15
"""Shares of the query, of what is right and of what is wrong: a, b and c of Rocchio's formula."""

PROBED = 0.75
"""Share of the direction that the regression gives, beside START."""

ENOUGH_MARKS = 3
"""Right and wrong ones together, from which on a regression beats the difference of means."""

CLOSENESS = 10.0
"""C of the regression. In its loss the right ones count as one together, as many as they are; so do
the items of the gallery, and the wrong ones by DISLIKED / LIKED: hits that were wrong by accident
tell little of what was meant."""

_NEGATIVES = 256
"""Items of the gallery that count as wrong, at most."""

_THE_SAME = 0.999
"""Cosine from which an item of the gallery is one that was marked as right."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What feedback needs to know of a collection.

    Attributes:
        searched: (m, dim) vectors of items of the gallery that is searched; m may be 0.
        mean_of: gives the mean of the vectors of a kind, (dim,).
    """

    searched: Float32Array
    mean_of: Callable[[Modality], Float32Array]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Centred vectors of marked items: (p, dim) of right ones and (r, dim) of wrong ones."""

    liked: Float32Array
    disliked: Float32Array


def moved(
    start: Float32Array | None,
    marks: Marks,
    searched: Float32Array,
    *,
    enough_marks: int = ENOUGH_MARKS,
) -> Float32Array:
    """The query after feedback, a unit vector (dim,).

    Args:
        start: what was asked for, (dim,) of length 1; None where the marks are all there is.
        marks: at least one.
        searched: (m, dim) items of the gallery; where they do not differ, nothing is scaled.
        enough_marks: from which on a regression takes the place of means.

    Raises:
        QueryError: the parts cancel out.
    """
    centred = _centred(searched)
    if len(marks.liked) and len(marks.liked) + len(marks.disliked) >= enough_marks:
        parts = [(PROBED, probe(marks, centred))]
    else:
        parts = [
            (share, rows.astype(np.float64).mean(axis=0))
            for share, rows in ((LIKED, marks.liked), (-DISLIKED, marks.disliked))
            if len(rows)
        ]
    if start is not None:
        parts.append((START, start.astype(np.float64)))
    total = np.sum([share * part / _spread(part, centred) for share, part in parts], axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise QueryError(
            "the query cancels out: the marks say nothing, or the contrary of what was asked",
            hint="drop a mark",
        )
    direction: Float32Array = (total / length).astype(np.float32)
    return direction


def probe(marks: Marks, centred: Float64Array) -> Float64Array:
    """The direction, (dim,), along which what is right differs from what is wrong, and from others.

    Args:
        marks: at least one is right.
        centred: (m, dim) items of the gallery without their mean; those that are not among what is
            right count as wrong.
    """
    others = centred[:: max(1, -(-len(centred) // _NEGATIVES))]
    others = others[_largest_cosine(others, marks.liked) < _THE_SAME]
    kinds: list[tuple[Float32Array | Float64Array, bool, float]] = [
        (marks.liked, True, 1.0),
        (marks.disliked, False, DISLIKED / LIKED),
        (others, False, 1.0),
    ]
    given = [each for each in kinds if len(each[0])]
    if len(given) == 1:
        return np.asarray(marks.liked.mean(axis=0), np.float64)
    return logistic_weights(
        np.concatenate([rows for rows, _, _ in given]),
        np.concatenate([np.full(len(rows), right) for rows, right, _ in given]),
        np.concatenate([np.full(len(rows), share / len(rows)) for rows, _, share in given]),
        CLOSENESS,
    )


def _centred(rows: Float32Array) -> Float64Array:
    wide = rows.astype(np.float64)
    return wide - wide.mean(axis=0) if len(wide) else wide


def _spread(part: Float64Array, centred: Float64Array) -> float:
    """The standard deviation of the scores of a part; 1 where items do not differ in it."""
    if not len(centred):
        return 1.0
    spread = float((centred @ part).std())
    return spread if spread > 1e-9 else 1.0


def _largest_cosine(rows: Float64Array, liked: Float32Array) -> Float64Array:
    largest: Float64Array = (_unit(rows) @ _unit(liked).T).max(axis=1, initial=-1.0)
    return largest


def _unit(rows: Float32Array | Float64Array) -> Float64Array:
    wide = rows.astype(np.float64)
    unit: Float64Array = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return unit
