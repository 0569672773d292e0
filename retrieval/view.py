"""One generation of a collection, ready to be searched: ids are ranked here and turned into hits.

Nothing here changes after it was made, so many threads share one view.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrieval.ann.exact import NO_ID, Ranking
from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.errors import CatalogueError, QueryError
from retrieval.model import Float32Array, Hit, Int64Array, ItemId, ItemRecord, SearchResult
from retrieval.store.collection import Collection, Gallery


class View:
    """The images of an open collection, with their index in memory.

    Attributes:
        collection: the open generation.
    """

    def __init__(self, collection: Collection) -> None:
        """Read the codes and the codebook; vectors are read as they are needed.

        Raises:
            CorruptCollectionError: a file of the index is not what the manifest says.
            MissingDependencyError: the index needs FAISS, which is not installed.
        """
        self.collection = collection
        gallery = collection.gallery("images")
        index = gallery.entry.index
        self._settings = SearchSettings(index.nprobe, index.candidates) if index else None
        self._fan_out = _fan_out(gallery)

    def rank(self, vectors: Float32Array, k: int, excluded: Sequence[Int64Array]) -> Ranking:
        """See `FanOut.search`; the settings are the collection's own."""
        return self._fan_out.search(vectors, k, self._settings, excluded)

    def results(self, ranking: Ranking) -> list[SearchResult]:
        """Hits with their records, one result for each row of a ranking.

        Raises:
            GenerationGoneError: the generation was collected meanwhile.
            CatalogueError: the catalogue lacks an item.
        """
        scores, ids = ranking
        wanted = [ItemId(item_id) for item_id in np.unique(ids).tolist() if item_id != NO_ID]
        found = self.collection.catalogue.hydrate(wanted, self.collection.generation)
        records = {item_id: _with_a_present_file_first(each) for item_id, each in found.items()}
        if len(records) < len(wanted):
            missing = next(item_id for item_id in wanted if item_id not in records)
            raise CatalogueError(
                f"the catalogue does not know item {missing}, which the collection holds",
                hint="`polyseek collection repair` rebuilds the catalogue",
            )
        return [
            SearchResult(
                hits=_hits(row_scores, row_ids, records),
                generation=self.collection.generation,
                exact=self._fan_out.is_exact,
            )
            for row_scores, row_ids in zip(scores.tolist(), ids.tolist(), strict=True)
        ]

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        """Stored vectors, (n, dim); raises QueryError for an id that names no live item."""
        positions = self._fan_out.positions_of(np.array(ids, np.int64))
        for item_id, position in zip(ids, positions.tolist(), strict=True):
            if position == NO_ID:
                raise QueryError(
                    f"no item {item_id} in the collection", hint="ids are in the output of a query"
                )
        return self._fan_out.vectors_of(positions)

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        """Items by the sha256 of their content; contents without an item are left out."""
        return self.collection.catalogue.items_by_sha256(hexes, self.collection.generation)


def _fan_out(gallery: Gallery) -> FanOut:
    index = gallery.entry.index
    return FanOut(
        [
            Part(
                segment.ids,
                segment.vectors,
                segment.read_codes(index.codebook.short) if index else None,
            )
            for segment in gallery.segments
        ],
        codebook=gallery.read_codebook(),
        dead=gallery.tombstones,
    )


def _with_a_present_file_first(record: ItemRecord) -> ItemRecord:
    """Of several files the first that exists is shown: others may lie in a folder that went."""
    if len(record.files) == 1 or os.path.lexists(record.files[0].path):
        return record
    present = next((file for file in record.files if os.path.lexists(file.path)), record.files[0])
    return replace(record, files=(present, *(file for file in record.files if file != present)))


def _hits(
    scores: Sequence[float], ids: Sequence[int], records: Mapping[ItemId, ItemRecord]
) -> tuple[Hit, ...]:
    """The hits of one ranking; the score of float16 rows may pass 1 by a rounding, so it is cut."""
    return tuple(
        Hit(rank, max(-1.0, min(1.0, score)), records[ItemId(item_id)])
        for rank, (score, item_id) in enumerate(zip(scores, ids, strict=True), start=1)
        if item_id != NO_ID
    )
