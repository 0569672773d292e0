"""Bring the approximate index of a collection up to date: train, code, tune, measure, publish.

Training sees a seeded sample over all segments, and writes a new codebook and new codes beside the
old ones; between trainings only segments without codes are coded. Nothing is published before it
was measured against exact search.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from indexer.budget import BuildPlan, check_bounded, give_back, plan_build
from indexer.coding import code_segments, lists_of
from indexer.due import asked_spec, is_due
from indexer.hubness import bring_hubness_up_to_date
from indexer.layout import scratch_folder
from indexer.measure import (
    MAX_TRAINING,
    ForeignQueries,
    draw_items,
    draw_queries,
    fan_out_of,
    foreign_queries,
    published_index,
    recall_record,
)
from indexer.merge import TOP
from indexer.options import BuildOptions, IndexOptions
from indexer.spool import CodesSpool
from indexer.writer import CollectionWriter
from retrieval.ann.coded import OWN_INDEX_ROWS
from retrieval.ann.codes_file import CodesSource
from retrieval.ann.devices import computing_device
from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.ivfpq import Codebook
from retrieval.ann.recall import QuerySet, measure_ms, measure_recall, with_answers
from retrieval.ann.routing import Router
from retrieval.ann.scratch import scratch_rows
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
    specs = asked_spec(record, gallery.n_items, options).trials(gallery.n_items, dim)
    if is_due(record, gallery.n_items, specs[0], options):
        if record is None:
            gallery = _packed(writer, gallery, options, enter)
        return _Build(gallery, specs, options, enter).publish(writer, encoder)
    if record is not None:
        _code_new_segments(writer, gallery, record, options, enter)
    return record


def _packed(
    writer: CollectionWriter, gallery: Gallery, options: BuildOptions, enter: Callable[[str], None]
) -> Gallery:
    """The gallery in few segments, where each would be searched in codes of its own.

    A million vectors in one segment instead of four are scanned in half the time. Before the first
    codes are made is the time for it: later, what is merged would be searched exactly until it is
    coded.
    """
    is_large = gallery.n_items >= OWN_INDEX_ROWS and len(gallery.segments) > 1
    if not is_large or options.max_memory is not None:
        return gallery
    enter("merging the segments")
    writer.compact(TOP * IndexOptions().segment_items)
    return writer.collection.gallery(gallery.name)


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
    spec, dim = IndexSpec.parse(gallery.entry.index.spec), writer.manifest.encoder.dim
    plan = plan_build(gallery.n_items, dim, spec, options.max_memory)
    rng = np.random.default_rng(options.seed)
    foreign = _foreign(writer, name, encoder, options, rng, training=0)
    index = published_index(gallery, options.device, plan.searched_rows)
    chosen, _ = _modes(index, name, foreign, options, rng)
    known = {mode.modality for mode in chosen}
    modes = (*chosen, *(each for each in gallery.entry.index.modes if each.modality not in known))
    writer.publish_modes(name, modes)
    return replace(gallery.entry.index, modes=modes)


@dataclass(frozen=True, slots=True)
class _Trial:
    """An index that is built and measured, and not published yet.

    Attributes:
        spec: of it.
        codebook: the trained, empty index.
        codes: of each segment, by name; read from their files.
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
        self._device = computing_device(options.device)
        self._items = fan_out_of(gallery, device=options.device)
        dim = gallery.segments[0].vectors.dim
        check_bounded(specs, options.max_memory)
        self._plans = {
            spec: plan_build(gallery.n_items, dim, spec, options.max_memory) for spec in specs
        }

    def publish(self, writer: CollectionWriter, encoder: Encoder | None) -> IndexRecord:
        """Train, code, route, tune, measure; then make all of it the next generation."""
        name = self._gallery.name
        rng = np.random.default_rng(self._options.seed)
        most = min(plan.router_texts for plan in self._plans.values())
        foreign = _foreign(writer, name, encoder, self._options, rng, training=most)
        with scratch_folder(writer.folder) as scratch:
            if foreign is not None and self._options.max_memory is not None:
                foreign = foreign.spilled(scratch)
            best = min((self._tried(spec, foreign, scratch) for spec in self._specs), key=_cost)
            record = IndexRecord(
                spec=str(best.spec),
                codebook=codebook_entry(name, best.codebook),
                modes=best.modes,
                n_trained=self._gallery.n_items,
                seed=self._options.seed,
                seconds=best.seconds,
            )
            router = best.router.to_bytes() if best.router else None
            self._begin("publishing the index")
            writer.publish_index(name, record, best.codebook, best.codes, router)
        return writer.manifest.galleries[name].index or record

    def _tried(self, spec: IndexSpec, foreign: ForeignQueries | None, scratch: Path) -> _Trial:
        started_s = time.monotonic()
        rng = np.random.default_rng(self._options.seed)
        plan = self._plans[spec].in_folder(scratch)
        if len(self._specs) > 1:
            self._enter(f"trying {spec}")
        self._begin("training the index")
        sample = self._sample(spec, plan, rng)
        codebook = train_codebook(sample, spec, self._options.seed, self._device, plan.training)
        self._begin("coding the vectors")
        spool = CodesSpool(scratch)
        names = [segment.name for segment in self._gallery.segments]
        code_segments(codebook, self._gallery, names, spool, plan.coding_rows, self._device)
        router = self._router(codebook, sample, foreign, plan)
        del sample
        seconds = time.monotonic() - started_s
        self._begin("measuring the index")
        paths: dict[str, CodesSource] = {**spool.paths}
        index = fan_out_of(
            self._gallery, codebook, paths, router, self._options.device, plan.searched_rows
        )
        modes, cost_ns = _modes(index, self._gallery.name, foreign, self._options, rng)
        is_used = any(mode.routed for mode in modes)
        return _Trial(spec, codebook, spool, router if is_used else None, modes, cost_ns, seconds)

    def _router(
        self, codebook: bytes, sample: Float32Array, foreign: ForeignQueries | None, plan: BuildPlan
    ) -> Router | None:
        """Learned from the lists of the nearest items of the training sample."""
        if foreign is None or len(foreign.training) < _MIN_ROUTER_QUERIES:
            return None
        self._begin("learning the routes")
        book = Codebook(codebook)
        lists = lists_of(book, sample, plan.coding_rows, self._device)
        sizes: Int64Array = np.bincount(lists, minlength=book.nlist)
        targets = nearest_lists(
            foreign.training, sample, lists, device=self._device, blocks=plan.router_blocks
        )
        weight, bias = train_router(
            foreign.training,
            targets,
            book.unrotated_centroids,
            sizes * self._gallery.n_items // len(sample),
            self._options.seed,
            self._device,
        )
        return Router(weight.astype(np.float16), bias)

    def _begin(self, stage: str) -> None:
        """Say what comes next; what the stage before needed is free again."""
        if self._options.max_memory is not None:
            give_back()
        self._enter(stage)

    def _sample(self, spec: IndexSpec, plan: BuildPlan, rng: np.random.Generator) -> Float32Array:
        """Vectors to train on, (sample size, dim)."""
        positions = draw_items(self._items, spec.sample_size, rng)
        scratch = plan.training.scratch
        if scratch is None:
            return self._items.vectors_of(positions)
        sample = scratch_rows(len(positions), self._gallery.segments[0].vectors.dim, scratch)
        step = plan.training.chunk_rows
        for start in range(0, len(positions), step):
            sample[start : start + step] = self._items.vectors_of(positions[start : start + step])
        return sample


def _foreign(
    writer: CollectionWriter,
    name: GalleryName,
    encoder: Encoder | None,
    options: BuildOptions,
    rng: np.random.Generator,
    *,
    training: int = MAX_TRAINING,
) -> ForeignQueries | None:
    if options.foreign_queries is not None:
        return ForeignQueries.split(options.foreign_queries, rng, training)
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
    options: BuildOptions,
    enter: Callable[[str], None],
) -> None:
    short = record.codebook.short
    lacking = [each.name for each in gallery.segments if each.entry.codes(short) is None]
    codebook = gallery.read_codebook()
    if lacking and codebook is not None:
        enter("coding the vectors")
        spec, dim = IndexSpec.parse(record.spec), writer.manifest.encoder.dim
        n_largest = max(each.entry.n_items for each in gallery.segments if each.name in lacking)
        plan = plan_build(n_largest, dim, spec, options.max_memory)
        with scratch_folder(writer.folder) as scratch:
            spool, device = CodesSpool(scratch), computing_device(options.device)
            code_segments(codebook, gallery, lacking, spool, plan.coding_rows, device)
            writer.publish_codes(gallery.name, spool)


def _log_stage(stage: str) -> None:
    logger.info("%s", stage)
