"""Bring the approximate index of a collection up to date: train, code, tune, measure, publish.

Training sees a seeded sample over all segments, and writes a new codebook and new codes beside the
old ones; between trainings only segments without codes are coded. Nothing is published before it
was measured against exact search.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from indexer.hubness import bring_hubness_up_to_date
from indexer.measure import (
    ForeignQueries,
    draw_items,
    draw_queries,
    fan_out_of,
    foreign_queries,
    published_index,
    recall_record,
)
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter
from retrieval.ann.fanout import FanOut
from retrieval.ann.ivfpq import Codebook
from retrieval.ann.routing import Router
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.ann.tune import QuerySet, choose_settings, measure_ms, measure_recall
from retrieval.encoders.base import Encoder
from retrieval.learn.router import nearest_lists, train_router
from retrieval.model import Float32Array, GalleryName, Int64Array
from retrieval.store.collection import Gallery
from retrieval.store.entries import codebook_entry
from retrieval.store.index_record import IndexRecord, ModeRecord

logger = logging.getLogger(__name__)

RETRAIN_GROWTH = 4
"""A gallery this many times as large as at its training gets a new codebook: its lists have become
this much longer, and nlist should have doubled."""

_CODING_CHUNK = 8_192

_MIN_ROUTER_QUERIES = 500
"""Fewer queries teach a router next to nothing."""


def bring_index_up_to_date(
    writer: CollectionWriter,
    encoder: Encoder | None,
    *,
    name: GalleryName = "images",
    options: BuildOptions | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> IndexRecord | None:
    """Train and publish an index where one is due, else code the segments that lack codes.

    An index is due if there is none, if the gallery is four times as large as at its training, or
    if the options ask for a new one or name another kind than it has.

    Args:
        writer: of the collection.
        encoder: of the collection, for the text queries that recall is measured with; None
            measures image queries only.
        name: of the gallery.
        options: which index, for which recall.
        on_progress: called with the name of each stage as it begins.

    Returns:
        The index that the collection now has; None while exact search serves it.

    Raises:
        MissingDependencyError: an index is due and FAISS is not installed.
        CorruptCollectionError: vectors are not what the manifest says.
        SettingsError: the index that is asked for does not fit the gallery.
    """
    options = options or BuildOptions()
    record = _bring_up_to_date(writer, encoder, name, options, on_progress)
    bring_hubness_up_to_date(
        writer, encoder, on_progress or _log_stage, name=name, seed=options.seed
    )
    return record


def _bring_up_to_date(
    writer: CollectionWriter,
    encoder: Encoder | None,
    name: GalleryName,
    options: BuildOptions,
    on_progress: Callable[[str], None] | None,
) -> IndexRecord | None:
    gallery = writer.collection.gallery(name)
    record = gallery.entry.index
    enter = on_progress or _log_stage
    if options.spec.kind == "exact":
        if record is not None:
            writer.drop_index(name)
        return None
    spec = _asked_spec(gallery, options).resolved(gallery.n_items, writer.manifest.encoder.dim)
    if spec.kind == "ivfpq" and _is_due(gallery, record, spec, options):
        return _Build(gallery, spec, options, enter).publish(writer, encoder)
    if record is not None:
        _code_new_segments(writer, gallery, record, enter)
    return record


def retune(
    writer: CollectionWriter,
    encoder: Encoder | None,
    *,
    name: GalleryName = "images",
    options: BuildOptions | None = None,
) -> IndexRecord | None:
    """Choose again how far each kind of query looks, with the codes as they are.

    Args:
        writer: of the collection.
        encoder: as for `bring_index_up_to_date`.
        name: of the gallery.
        options: for which recall.

    Returns:
        The index with its new settings; None where exact search serves.
    """
    options = options or BuildOptions()
    gallery = writer.collection.gallery(name)
    if gallery.entry.index is None:
        return None
    rng = np.random.default_rng(options.seed)
    foreign = _foreign(writer, name, encoder, options, rng, training=False)
    modes = _modes(published_index(gallery), name, foreign, options, rng)
    writer.publish_modes(name, modes)
    return replace(gallery.entry.index, modes=modes)


def _asked_spec(gallery: Gallery, options: BuildOptions) -> IndexSpec:
    """What the options name; a new training by nobody's name keeps the kind that there is."""
    record = gallery.entry.index
    has_outgrown = record is not None and gallery.n_items >= RETRAIN_GROWTH * record.n_trained
    if record is None or has_outgrown or not options.spec.is_open or not options.retrain:
        return options.spec
    return IndexSpec.parse(record.spec)


def _is_due(
    gallery: Gallery, record: IndexRecord | None, spec: IndexSpec, options: BuildOptions
) -> bool:
    if record is None or options.retrain:
        return True
    if gallery.n_items >= RETRAIN_GROWTH * record.n_trained:
        return True
    return not options.spec.is_open and record.spec != str(spec)


class _Build:
    """One training of one gallery."""

    def __init__(
        self,
        gallery: Gallery,
        spec: IndexSpec,
        options: BuildOptions,
        enter: Callable[[str], None],
    ) -> None:
        self._gallery = gallery
        self._spec = spec
        self._options = options
        self._enter = enter
        self._rng = np.random.default_rng(options.seed)
        self._items = fan_out_of(gallery)

    def publish(self, writer: CollectionWriter, encoder: Encoder | None) -> IndexRecord:
        """Train, code, route, tune, measure; then make all of it the next generation."""
        started_s = time.monotonic()
        name = self._gallery.name
        self._enter("training the index")
        sample = self._items.vectors_of(draw_items(self._items, self._spec.sample_size, self._rng))
        codebook = train_codebook(sample, self._spec, self._options.seed)
        self._enter("coding the vectors")
        codes = _codes(
            codebook, self._gallery, [segment.name for segment in self._gallery.segments]
        )
        foreign = _foreign(writer, name, encoder, self._options, self._rng)
        router = self._router(codebook, sample, foreign)
        del sample
        seconds = time.monotonic() - started_s
        self._enter("measuring the index")
        index = fan_out_of(self._gallery, codebook, codes, router)
        modes = _modes(index, name, foreign, self._options, self._rng)
        if not any(mode.routed for mode in modes):
            router = None  # it wins nowhere
        record = IndexRecord(
            spec=str(self._spec),
            codebook=codebook_entry(name, codebook),
            modes=modes,
            n_trained=self._gallery.n_items,
            seed=self._options.seed,
            seconds=seconds,
        )
        writer.publish_index(name, record, codebook, codes, router.to_bytes() if router else None)
        return writer.manifest.galleries[name].index or record

    def _router(
        self, codebook: bytes, sample: Float32Array, foreign: ForeignQueries | None
    ) -> Router | None:
        """Learned from the lists of the nearest items of the training sample."""
        if foreign is None or len(foreign.training) < _MIN_ROUTER_QUERIES:
            return None
        self._enter("learning the routes")
        book = Codebook(codebook)
        lists = book.lists_of(sample)
        sizes: Int64Array = np.bincount(lists, minlength=book.nlist)
        targets = nearest_lists(foreign.training, sample, lists)
        weight, bias = train_router(
            foreign.training,
            targets,
            book.unrotated_centroids,
            sizes * self._gallery.n_items // len(sample),
            self._options.seed,
        )
        return Router(weight, bias)


def _foreign(
    writer: CollectionWriter,
    name: GalleryName,
    encoder: Encoder | None,
    options: BuildOptions,
    rng: np.random.Generator,
    *,
    training: bool = True,
) -> ForeignQueries | None:
    if options.foreign_queries is not None:
        return ForeignQueries.split(options.foreign_queries, rng)
    return foreign_queries(writer.collection, name, encoder, rng, training=training)


def _modes(
    index: FanOut,
    name: GalleryName,
    foreign: ForeignQueries | None,
    options: BuildOptions,
    rng: np.random.Generator,
) -> tuple[ModeRecord, ...]:
    """The cheapest settings for each kind of query, and what they find on other queries of it."""
    sets = draw_queries(index, name, foreign.test if foreign else None, rng)
    return tuple(
        _mode(index, modality, queries, options.target_recall) for modality, queries in sets.items()
    )


def _mode(index: FanOut, modality: str, queries: QuerySet, target: float) -> ModeRecord:
    tuning, held_out = queries.halves()
    settings = choose_settings(index, tuning, target).settings
    return ModeRecord(
        modality=modality,
        target=target,
        nprobe=settings.nprobe,
        candidates=settings.candidates,
        routed=settings.routed,
        recall=recall_record(modality, measure_recall(index, settings, held_out)),
        ms=measure_ms(index, settings, held_out),
        floor=settings.floor,
    )


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
        segment.name: coder.encode(segment.vectors.chunks(_CODING_CHUNK))
        for segment in gallery.segments
        if segment.name in names
    }


def _log_stage(stage: str) -> None:
    logger.info("%s", stage)
