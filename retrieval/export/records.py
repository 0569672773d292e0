"""Reads what is exported from an open collection, a few thousand items at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from retrieval.export.columns import Row
from retrieval.hits import records_of
from retrieval.model import (
    FileRef,
    Float16Array,
    GalleryName,
    Hit,
    Int64Array,
    ItemId,
    ItemRecord,
)
from retrieval.store.collection import Collection, Gallery
from retrieval.store.segment import Segment

ITEMS_AT_ONCE = 4096
_SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class VectorChunk:
    """Some living items with their vectors.

    Attributes:
        vectors: (n, dim) unit rows, as they are stored.
        records: of the n items, in the order of the rows.
    """

    vectors: Float16Array
    records: tuple[ItemRecord, ...]

    @property
    def ids(self) -> Int64Array:
        """(n,) ids of the items."""
        return np.array([record.id for record in self.records], np.int64)


def count_items(collection: Collection, name: GalleryName) -> int:
    """How many items `vector_chunks` gives."""
    return sum(len(rows) for _, rows in _living(collection.gallery(name)))


def vector_chunks(collection: Collection, name: GalleryName) -> Iterator[VectorChunk]:
    """Every living item of a gallery with its vector, segment by segment.

    Raises:
        GenerationGoneError: the generation was collected meanwhile.
        CatalogueError: the catalogue lacks an item.
        CorruptCollectionError: a file or row is not what was written.
    """
    for segment, rows in _living(collection.gallery(name)):
        records = _records(collection, segment.ids[rows])
        yield VectorChunk(segment.vectors.gather_half(rows), records)


def catalogue_rows(collection: Collection, name: GalleryName) -> Iterator[Row]:
    """All that is known of a gallery, one row a file: columns IMAGE_FILES or TEXT_FILES.

    Raises as `vector_chunks` does; reads no vector.
    """
    for segment, rows in _living(collection.gallery(name)):
        for record in _records(collection, segment.ids[rows]):
            for file in record.files:
                yield _file_row(record, file, name)


def hit_rows(hits: Iterable[Hit], name: GalleryName) -> Iterator[Row]:
    """Hits of a query, one row a hit: columns IMAGE_HITS or TEXT_HITS."""
    for hit in hits:
        known = (hit.rank, hit.item.id, round(hit.score, _SCORE_DIGITS), hit.path)
        about = (hit.text,) if name == "texts" else _picture(hit.item)
        yield (*known, *about, hit.item.sha256, tuple(file.path for file in hit.item.files))


def _file_row(record: ItemRecord, file: FileRef, name: GalleryName) -> Row:
    item, stat = (record.id, record.sha256, file.path), (file.size_bytes, file.mtime_ns)
    if name == "texts":
        return (*item, record.captions[0], file.source, *stat)
    return (*item, *stat, record.meta.format, *_picture(record), record.captions)


def _picture(record: ItemRecord) -> Row:
    meta = record.meta
    place = (meta.latitude, meta.longitude)
    return (meta.width, meta.height, meta.taken, meta.camera, *place)


def _living(gallery: Gallery) -> Iterator[tuple[Segment, Int64Array]]:
    """Segments with rows of living items in them, ITEMS_AT_ONCE rows at most."""
    for segment in sorted(gallery.segments, key=lambda each: each.ids[:1].tolist()):
        rows = np.flatnonzero(~np.isin(segment.ids, gallery.tombstones))
        for start in range(0, len(rows), ITEMS_AT_ONCE):
            yield segment, rows[start : start + ITEMS_AT_ONCE]


def _records(collection: Collection, ids: Int64Array) -> tuple[ItemRecord, ...]:
    return tuple(records_of(collection, [ItemId(item_id) for item_id in ids.tolist()]).values())
