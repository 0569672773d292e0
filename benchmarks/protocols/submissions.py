"""Rankings for the servers that keep the targets of CIRR's and CIRCO's test splits.

    CIRR    two files: {"version": "rc2", "metric": "recall", PAIRID: [50 names], ...}, without the
            reference, and {"version": "rc2", "metric": "recall_subset", PAIRID: [3 names], ...} of
            the group
    CIRCO   {ID: [50 numbers], ...}, the reference among them

Sources: test-server.md of Cuberick-Orion/CIRR; README of miccunifi/CIRCO.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.datasets.base import Composed
from benchmarks.protocols.composed import Numbered, scores_of
from retrieval.model import Float32Array, Int64Array
from retrieval.query.plan import Plan

_DEPTH, _SUBSET_DEPTH = 50, 3

_MARGIN = np.float32(1e-4)
"""How far below the last of the best a score by a matrix product is looked at closely: five times
what `benchmarks.metrics.ranks` takes for unsure."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who keeps targets.

    Attributes:
        address: where files are sent.
        files: what each is made of, by what is said of it in its name.
    """

    address: str
    files: Mapping[str, Callable[[Composed, Float32Array, Plan], Mapping[str, Any]]]


def _whole(data: Composed, pictures: Float32Array, asked: Plan) -> dict[str, list[str]]:
    """The names of the best pictures for each query, by its key."""
    excluded = Numbered.of(data).excluded.tolist()
    names = [each.key for each in data.pictures]
    return {
        each.key: [names[row] for row in best_rows(asked, query, pictures, _DEPTH, out)]
        for query, (each, out) in enumerate(zip(data.queries, excluded, strict=True))
    }


def _of_groups(data: Composed, pictures: Float32Array, asked: Plan) -> dict[str, list[str]]:
    """The names of the best of each group."""
    names = [each.key for each in data.pictures]
    found = {}
    for query, (each, rows) in enumerate(zip(data.queries, Numbered.of(data).subsets, strict=True)):
        order = np.lexsort((rows, -scores_of(asked, query, pictures[rows])))
        found[each.key] = [names[row] for row in rows[order[:_SUBSET_DEPTH]]]
    return found


def _recall(data: Composed, pictures: Float32Array, asked: Plan) -> Mapping[str, Any]:
    return {"version": "rc2", "metric": "recall", **_whole(data, pictures, asked)}


def _recall_subset(data: Composed, pictures: Float32Array, asked: Plan) -> Mapping[str, Any]:
    return {"version": "rc2", "metric": "recall_subset", **_of_groups(data, pictures, asked)}


def _numbers(data: Composed, pictures: Float32Array, asked: Plan) -> Mapping[str, Any]:
    return {key: list(map(int, own)) for key, own in _whole(data, pictures, asked).items()}


SERVERS = {
    "cirr": Server("cirr.cecs.anu.edu.au", {"recall": _recall, "recall_subset": _recall_subset}),
    "circo": Server("circo.micc.unifi.it", {"map": _numbers}),
}
"""By data set."""


def best_rows(asked: Plan, query: int, pictures: Float32Array, k: int, out: int) -> Int64Array:
    """The rows of the k best pictures for a query, ties by number, one of them left out.

    Args:
        asked: what ranks for each query.
        query: its number.
        pictures: (n, dim) unit rows.
        k: at least 1.
        out: the row that is left out; -1 leaves out none.
    """
    rows = np.arange(len(pictures))
    if asked.fusions[query] is None:
        rough = pictures @ asked.vectors[query]
        place = max(0, len(rough) - k - 1)
        rows = np.flatnonzero(rough >= np.partition(rough, place)[place] - _MARGIN)
    scores = scores_of(asked, query, pictures[rows])
    ranked = rows[np.lexsort((rows, -scores))]
    found: Int64Array = ranked[ranked != out][:k]
    return found
