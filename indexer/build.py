"""Bring the approximate index of a collection up to date: train, code, tune, measure, publish.

Training sees a seeded sample over all segments, and writes a new codebook and new codes beside the
old ones; between trainings only segments without codes are coded. Nothing is published before it
was measured against exact search.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from retrieval.ann.devices import computing_device
from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.ivfpq import Codebook
from retrieval.ann.recall import QuerySet, measure_ms, measure_recall, with_answers
from retrieval.ann.routing import Router
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.ann.tune import choose_settings
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
    dim = writer.manifest.encoder.dim
    specs = _asked_spec(gallery, options).trials(gallery.n_items, dim)
    if specs[0].kind == "ivfpq" and _is_due(gallery, record, specs[0], options):
        return _Build(gallery, specs, options, enter).publish(writer, encoder)
    if record is not None:
        _code_new_segments(writer, gallery, record, enter, options.device)
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
        The index with its new settings; None where exact search serves. A kind of query that there
        is nothing to measure with keeps those that it has.
    """
    options = options or BuildOptions()
    gallery = writer.collection.gallery(name)
    if gallery.entry.index is None:
        return None
    rng = np.random.default_rng(options.seed)
    foreign = _foreign(writer, name, encoder, options, rng, training=False)
    chosen, _ = _modes(published_index(gallery, options.device), name, foreign, options, rng)
    known = {mode.modality for mode in chosen}
    modes = (*chosen, *(each for each in gallery.entry.index.modes if each.modality not in known))
    writer.publish_modes(name, modes)
    return replace(gallery.entry.index, modes=modes)


def _asked_spec(gallery: Gallery, options: BuildOptions) -> IndexSpec:
    """What the options name; a new training by nobody's name keeps the kind that there is."""
    record = gallery.entry.index
    has_outgrown = record is not None and gallery.n_items >= RETRAIN_GROWTH * record.n_trained
    if record is None or has_outgrown or options.spec.kind != "auto" or not options.retrain:
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


@dataclass(frozen=True, slots=True)
class _Trial:
    """An index that is built and measured, and not published yet.

    Attributes:
        spec: of it.
        codebook: the trained, empty index.
        codes: of each segment, by name.
        router: None where none was learned, or it wins nowhere.
        modes: how each kind of query is searched for.
        cost_ns: of a search by the tuner's model, summed over the kinds of query; infinite where
            one misses its target.
        seconds: that training and coding took.
    """

    spec: IndexSpec
    codebook: bytes
    codes: Mapping[str, bytes]
    router: Router | None
    modes: tuple[ModeRecord, ...]
    cost_ns: float
    seconds: float


class _Build:
    """One training of one gallery; of several specs the one that is searched cheapest stays."""

    def __init__(
        self,
        gallery: Gallery,
        specs: Sequence[IndexSpec],
        options: BuildOptions,
        enter: Callable[[str], None],
    ) -> None:
        self._gallery = gallery
        self._specs = specs
        self._options = options
        self._enter = enter
        self._items = fan_out_of(gallery, device=options.device)
        self._device = computing_device(options.device)

    def publish(self, writer: CollectionWriter, encoder: Encoder | None) -> IndexRecord:
        """Train, code, route, tune, measure; then make all of it the next generation."""
        name = self._gallery.name
        rng = np.random.default_rng(self._options.seed)
        foreign = _foreign(writer, name, encoder, self._options, rng)
        best = min((self._tried(spec, foreign) for spec in self._specs), key=_cost)
        record = IndexRecord(
            spec=str(best.spec),
            codebook=codebook_entry(name, best.codebook),
            modes=best.modes,
            n_trained=self._gallery.n_items,
            seed=self._options.seed,
            seconds=best.seconds,
        )
        router = best.router.to_bytes() if best.router else None
        writer.publish_index(name, record, best.codebook, best.codes, router)
        return writer.manifest.galleries[name].index or record

    def _tried(self, spec: IndexSpec, foreign: ForeignQueries | None) -> _Trial:
        started_s = time.monotonic()
        rng = np.random.default_rng(self._options.seed)
        if len(self._specs) > 1:
            self._enter(f"trying {spec}")
        self._enter("training the index")
        sample = self._items.vectors_of(draw_items(self._items, spec.sample_size, rng))
        codebook = train_codebook(sample, spec, self._options.seed, self._device)
        self._enter("coding the vectors")
        codes = _codes(
            codebook,
            self._gallery,
            [segment.name for segment in self._gallery.segments],
            self._device,
        )
        router = self._router(codebook, sample, foreign)
        del sample
        seconds = time.monotonic() - started_s
        self._enter("measuring the index")
        index = fan_out_of(self._gallery, codebook, codes, router, self._options.device)
        modes, cost_ns = _modes(index, self._gallery.name, foreign, self._options, rng)
        is_used = any(mode.routed for mode in modes)
        return _Trial(spec, codebook, codes, router if is_used else None, modes, cost_ns, seconds)

    def _router(
        self, codebook: bytes, sample: Float32Array, foreign: ForeignQueries | None
    ) -> Router | None:
        """Learned from the lists of the nearest items of the training sample."""
        if foreign is None or len(foreign.training) < _MIN_ROUTER_QUERIES:
            return None
        self._enter("learning the routes")
        book = Codebook(codebook)
        lists = book.lists_of(sample, self._device)
        sizes: Int64Array = np.bincount(lists, minlength=book.nlist)
        targets = nearest_lists(foreign.training, sample, lists, device=self._device)
        weight, bias = train_router(
            foreign.training,
            targets,
            book.unrotated_centroids,
            sizes * self._gallery.n_items // len(sample),
            self._options.seed,
            self._device,
        )
        return Router(weight.astype(np.float16), bias)


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


def _cost(trial: _Trial) -> float:
    return trial.cost_ns


def _modes(
    index: FanOut,
    name: GalleryName,
    foreign: ForeignQueries | None,
    options: BuildOptions,
    rng: np.random.Generator,
) -> tuple[tuple[ModeRecord, ...], float]:
    """The cheapest settings for each kind of query, what they find on others, and their cost."""
    sets = draw_queries(index, name, foreign.test if foreign else None, rng)
    modes, cost_ns = [], 0.0
    for modality, queries in with_answers(index, sets).items():
        tuning, held_out = queries.halves()
        choice = choose_settings(index, tuning, options.target_recall)
        modes.append(_mode(index, modality, choice.settings, held_out, options.target_recall))
        cost_ns += choice.cost_ns
    return tuple(modes), cost_ns


def _mode(
    index: FanOut, modality: str, settings: SearchSettings, held_out: QuerySet, target: float
) -> ModeRecord:
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
    device: str,
) -> None:
    short = record.codebook.short
    lacking = [each.name for each in gallery.segments if each.entry.codes(short) is None]
    codebook = gallery.read_codebook()
    if lacking and codebook is not None:
        enter("coding the vectors")
        codes = _codes(codebook, gallery, lacking, computing_device(device))
        writer.publish_codes(gallery.name, codes)


def _codes(
    codebook: bytes, gallery: Gallery, names: Sequence[str], device: str
) -> dict[str, bytes]:
    """Codes of the named segments, by name."""
    coder = Codebook(codebook)
    return {
        segment.name: coder.encode(segment.vectors.chunks(_CODING_CHUNK), device)
        for segment in gallery.segments
        if segment.name in names
    }


def _log_stage(stage: str) -> None:
    logger.info("%s", stage)
