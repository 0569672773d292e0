"""Measure what an approximate index finds, against exact search: image and text queries apart."""

from collections.abc import Mapping

import numpy as np

from retrieval.ann.fanout import RECALL_DEPTH, FanOut, Part, SearchSettings
from retrieval.ann.tune import QuerySet, Recall, measure_recall
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.base import Encoder
from retrieval.model import Int64Array
from retrieval.store.collection import Gallery
from retrieval.store.entries import RecallRecord

MAX_QUERIES = 512
"""Queries of one modality; a build tunes on half of them and measures on the other: a standard
error of recall of about 0.006 where it is 0.95."""


def draw_items(index: FanOut, size: int, rng: np.random.Generator) -> Int64Array:
    """Positions of living items, drawn without replacement from all segments, ascending."""
    live = index.live_positions
    return np.sort(rng.choice(live, min(size, len(live)), replace=False))


def draw_queries(
    index: FanOut, encoder: Encoder | None, rng: np.random.Generator
) -> dict[str, QuerySet]:
    """Items asking for their neighbours, and captions that no item was made from, by modality.

    Args:
        index: of the gallery.
        encoder: of the collection; None draws no texts.
        rng: decides which items and captions, and their order.
    """
    positions = draw_items(index, MAX_QUERIES, rng)
    rng.shuffle(positions)
    own_ids = tuple(index.ids[positions][:, None])
    sets = {"image": QuerySet(index.vectors_of(positions), own_ids)}
    if encoder is not None:
        captions = rng.permutation(caption_bank())[:MAX_QUERIES].tolist()
        sets["text"] = QuerySet(encoder.encode_texts(captions))
    return sets


def remeasure(
    gallery: Gallery, encoder: Encoder | None, *, seed: int = 0
) -> tuple[RecallRecord, ...]:
    """Recall of a gallery's published index as it stands now; () where exact search serves.

    Items that came since the build take part; some captions are those it was tuned on.

    Raises:
        CorruptCollectionError: a file of the index is not what the manifest says.
        MissingDependencyError: FAISS is not installed.
    """
    record = gallery.entry.index
    if record is None:
        return ()
    short = record.codebook.short
    codes = {each.name: each.read_codes(short) for each in gallery.segments}
    index = fan_out_of(
        gallery, gallery.read_codebook(), {name: each for name, each in codes.items() if each}
    )
    settings = SearchSettings(record.nprobe, record.candidates)
    queries = draw_queries(index, encoder, np.random.default_rng(seed))
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
