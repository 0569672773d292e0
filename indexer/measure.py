"""Measure what an approximate index finds, against exact search: image and text queries apart."""

from collections.abc import Mapping

import numpy as np

from retrieval.ann.fanout import RECALL_DEPTH, FanOut, Part, SearchSettings
from retrieval.ann.tune import QuerySet, Recall, measure_recall
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.base import Encoder
from retrieval.model import Float32Array, GalleryName, Int64Array
from retrieval.store.collection import Collection, Gallery
from retrieval.store.entries import RecallRecord

MAX_QUERIES = 512
"""Queries of one modality; a build tunes on half of them and measures on the other: a standard
error of recall of about 0.006 where it is 0.95."""


_MIN_QUERIES = 20
"""Fewer say nothing about a recall."""


def draw_items(index: FanOut, size: int, rng: np.random.Generator) -> Int64Array:
    """Positions of living items, drawn without replacement from all segments, ascending."""
    live = index.live_positions
    return np.sort(rng.choice(live, min(size, len(live)), replace=False))


def foreign_queries(
    view: Collection, name: GalleryName, encoder: Encoder | None, rng: np.random.Generator
) -> Float32Array | None:
    """Queries of the other modality than a gallery's: captions for images, images for texts.

    They lie outside the distribution that the index was trained on: the modality gap. None where
    there are too few: no encoder for captions, next to no images.
    """
    if name == "images":
        if encoder is None:
            return None
        captions = rng.permutation(caption_bank())[:MAX_QUERIES].tolist()
        return encoder.encode_texts(captions)
    images = fan_out_of(view.gallery("images"))
    if images.n_live < _MIN_QUERIES:
        return None
    positions = draw_items(images, MAX_QUERIES, rng)
    rng.shuffle(positions)
    return images.vectors_of(positions)


def draw_queries(
    index: FanOut,
    name: GalleryName,
    foreign: Float32Array | None,
    rng: np.random.Generator,
) -> dict[str, QuerySet]:
    """Items asking for their neighbours, and queries of the other modality, by modality.

    Args:
        index: of the gallery.
        name: of the gallery.
        foreign: see `foreign_queries`.
        rng: decides which items, and their order.
    """
    own, other = ("image", "text") if name == "images" else ("text", "image")
    positions = draw_items(index, MAX_QUERIES, rng)
    rng.shuffle(positions)
    own_ids = tuple(index.ids[positions][:, None])
    sets = {own: QuerySet(index.vectors_of(positions), own_ids)}
    return sets if foreign is None else {**sets, other: QuerySet(foreign)}


def remeasure(
    view: Collection, name: GalleryName, encoder: Encoder | None, *, seed: int = 0
) -> tuple[RecallRecord, ...]:
    """Recall of a gallery's published index as it stands now; () where exact search serves.

    Items that came since the build take part; some captions are those it was tuned on.

    Raises:
        CorruptCollectionError: a file of the index is not what the manifest says.
        MissingDependencyError: FAISS is not installed.
    """
    gallery = view.gallery(name)
    record = gallery.entry.index
    if record is None:
        return ()
    short = record.codebook.short
    codes = {each.name: each.read_codes(short) for each in gallery.segments}
    index = fan_out_of(
        gallery, gallery.read_codebook(), {key: each for key, each in codes.items() if each}
    )
    settings = SearchSettings(record.nprobe, record.candidates)
    rng = np.random.default_rng(seed)
    queries = draw_queries(index, name, foreign_queries(view, name, encoder, rng), rng)
    return tuple(
        recall_record(modality, measure_recall(index, settings, each))
        for modality, each in queries.items()
    )


def recall_record(modality: str, recall: Recall) -> RecallRecord:
    """A measurement as a manifest holds it."""
    return RecallRecord(
        modality, RECALL_DEPTH, recall.mean, recall.standard_error, recall.n_queries
    )


def fan_out_of(
    gallery: Gallery, codebook: bytes | None = None, codes: Mapping[str, bytes] | None = None
) -> FanOut:
    """A gallery as one array, searched by these codes (by segment), or exactly."""
    known = codes or {}
    return FanOut(
        [Part(each.ids, each.vectors, known.get(each.name)) for each in gallery.segments],
        codebook=codebook,
        dead=gallery.tombstones,
    )
