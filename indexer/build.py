"""Bring the approximate index of a collection up to date: train, code, tune, measure, publish.

Training sees a seeded sample over all segments, and writes a new codebook and new codes beside the
old ones; between trainings only segments without codes are coded. Nothing is published before it
was measured against exact search.
"""

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from indexer.measure import (
    draw_items,
    draw_queries,
    fan_out_of,
    foreign_queries,
    recall_record,
)
from indexer.writer import CollectionWriter
from retrieval.ann.ivfpq import Codebook, train_codebook
from retrieval.ann.spec import IndexSpec, choose_spec
from retrieval.ann.tune import choose_settings, measure_recall
from retrieval.encoders.base import Encoder
from retrieval.model import GalleryName
from retrieval.store.collection import Gallery
from retrieval.store.entries import IndexRecord, codebook_entry

logger = logging.getLogger(__name__)

RETRAIN_GROWTH = 4
"""A gallery this many times as large as at its training gets a new codebook: its lists have become
this much longer, and nlist should have doubled."""

_CODING_CHUNK = 8_192


def bring_index_up_to_date(
    writer: CollectionWriter,
    encoder: Encoder | None,
    *,
    name: GalleryName = "images",
    seed: int = 0,
    on_progress: Callable[[str], None] | None = None,
) -> IndexRecord | None:
    """Train and publish an index where one is due, else code the segments that lack codes.

    Args:
        writer: of the collection.
        encoder: of the collection, for the text queries that recall is measured with; None
            measures image queries only.
        name: of the gallery.
        seed: of the sample, the training and the choice of queries.
        on_progress: called with the name of each stage as it begins.

    Returns:
        The index that the collection now has; None while exact search serves it.

    Raises:
        MissingDependencyError: an index is due and FAISS is not installed.
        CorruptCollectionError: vectors are not what the manifest says.
    """
    gallery = writer.collection.gallery(name)
    record = gallery.entry.index
    spec = choose_spec(gallery.n_items, writer.manifest.encoder.dim)
    enter = on_progress or _log_stage
    if spec.kind == "ivfpq" and (
        record is None or gallery.n_items >= RETRAIN_GROWTH * record.n_trained
    ):
        return _Build(gallery, spec, seed, enter).publish(writer, encoder)
    if record is not None:
        _code_new_segments(writer, gallery, record, enter)
    return record


class _Build:
    """One training of one gallery."""

    def __init__(
        self, gallery: Gallery, spec: IndexSpec, seed: int, enter: Callable[[str], None]
    ) -> None:
        self._gallery = gallery
        self._spec = spec
        self._seed = seed
        self._enter = enter
        self._rng = np.random.default_rng(seed)
        self._items = fan_out_of(gallery)

    def publish(self, writer: CollectionWriter, encoder: Encoder | None) -> IndexRecord:
        """Train, code, tune, measure; then make all of it the next generation."""
        started_s = time.monotonic()
        self._enter("training the index")
        sample = draw_items(self._items, self._spec.sample_size, self._rng)
        codebook = train_codebook(self._items.vectors_of(sample), self._spec, self._seed)
        self._enter("coding the vectors")
        codes = _codes(
            codebook, self._gallery, [segment.name for segment in self._gallery.segments]
        )
        seconds = time.monotonic() - started_s
        self._enter("measuring the index")
        name = self._gallery.name
        index = fan_out_of(self._gallery, codebook, codes)
        foreign = foreign_queries(writer.collection, name, encoder, self._rng)
        query_sets = draw_queries(index, name, foreign, self._rng)
        halves = {modality: queries.halves() for modality, queries in query_sets.items()}
        settings = choose_settings(index, [tuning for tuning, _ in halves.values()])
        recall = {
            modality: measure_recall(index, settings, held_out)
            for modality, (_, held_out) in halves.items()
        }
        record = IndexRecord(
            spec=str(self._spec),
            codebook=codebook_entry(name, codebook),
            nprobe=settings.nprobe,
            candidates=settings.candidates,
            n_trained=self._gallery.n_items,
            seed=self._seed,
            recall=tuple(recall_record(modality, each) for modality, each in recall.items()),
            seconds=seconds,
        )
        writer.publish_index(name, record, codebook, codes)
        return record


def _code_new_segments(
    writer: CollectionWriter,
    gallery: Gallery,
    record: IndexRecord,
    enter: Callable[[str], None],
) -> None:
    short = record.codebook.short
    lacking = [each.name for each in gallery.segments if each.entry.codes(short) is None]
    codebook = gallery.read_codebook()
    if lacking and codebook is not None:
        enter("coding the vectors")
        writer.publish_codes(gallery.name, _codes(codebook, gallery, lacking))


def _codes(codebook: bytes, gallery: Gallery, names: Sequence[str]) -> dict[str, bytes]:
    """Codes of the named segments, by name."""
    coder = Codebook(codebook)
    return {
        segment.name: coder.encode(segment.vectors.chunks(_CODING_CHUNK), segment.ids)
        for segment in gallery.segments
        if segment.name in names
    }


def _log_stage(stage: str) -> None:
    logger.info("%s", stage)
