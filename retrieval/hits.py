"""From ranked ids to hits with their records."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrieval.ann.adjusted import Adjusted
from retrieval.ann.exact import NO_ID
from retrieval.collector import garbage_left_alone
from retrieval.errors import CatalogueError
from retrieval.model import Hit, ItemId, ItemRecord, SearchResult
from retrieval.store.collection import Collection
from retrieval.store.quick_values import hit

_FEW = 100
"""Hits of an answer that make too few objects for Python's collector to be kept away."""


def results_of(
    ranking: Adjusted, collection: Collection, *, is_exact: bool, n_matching: int | None
) -> list[SearchResult]:
    """One result for each row of a ranking.

    Args:
        ranking: of living items.
        collection: that they are in.
        is_exact: whether all items were scored.
        n_matching: see `SearchResult`.

    Raises:
        GenerationGoneError: the generation was collected meanwhile.
        CatalogueError: the catalogue lacks an item.
    """
    if ranking.ids.size <= _FEW:
        return _results_of(ranking, collection, is_exact=is_exact, n_matching=n_matching)
    with garbage_left_alone():
        return _results_of(ranking, collection, is_exact=is_exact, n_matching=n_matching)


def _results_of(
    ranking: Adjusted, collection: Collection, *, is_exact: bool, n_matching: int | None
) -> list[SearchResult]:
    wanted = [ItemId(each) for each in sorted({*ranking.ids.ravel().tolist()} - {NO_ID})]
    records = {
        item_id: _with_a_present_file_first(each)
        for item_id, each in records_of(collection, wanted).items()
    }
    return [
        SearchResult(
            hits=_hits(*row, records),
            generation=collection.generation,
            exact=is_exact,
            n_matching=n_matching,
        )
        for row in zip(
            ranking.scores.tolist(),
            ranking.ids.tolist(),
            ranking.adjusted.tolist(),
            strict=True,
        )
    ]


def records_of(collection: Collection, wanted: Sequence[ItemId]) -> Mapping[ItemId, ItemRecord]:
    """The records of living items.

    Raises:
        GenerationGoneError: the generation was collected meanwhile.
        CatalogueError: the catalogue lacks an item.
    """
    found = collection.catalogue.hydrate(wanted, collection.generation)
    if len(found) < len(wanted):
        missing = next(item_id for item_id in wanted if item_id not in found)
        raise CatalogueError(
            f"the catalogue does not know item {missing}, which the collection holds",
            hint="`polyseek collection repair` rebuilds the catalogue",
        )
    return found


def _with_a_present_file_first(record: ItemRecord) -> ItemRecord:
    """Of several files the first that exists is shown: others may lie in a folder that went."""
    if len(record.files) == 1 or os.path.lexists(record.files[0].path):
        return record
    present = next((file for file in record.files if os.path.lexists(file.path)), record.files[0])
    return replace(record, files=(present, *(file for file in record.files if file != present)))


def _hits(
    scores: Sequence[float],
    ids: Sequence[int],
    adjusted: Sequence[float],
    records: Mapping[ItemId, ItemRecord],
) -> tuple[Hit, ...]:
    """The hits of one ranking; the score of float16 rows may pass 1 by a rounding, so it is cut."""
    return tuple(
        hit(
            rank,
            max(-1.0, min(1.0, score)),
            records[ItemId(item_id)],
            None if math.isnan(less) else less,
        )
        for rank, (score, item_id, less) in enumerate(
            zip(scores, ids, adjusted, strict=True), start=1
        )
        if item_id != NO_ID
    )
