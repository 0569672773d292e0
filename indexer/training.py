"""One training of the index of a gallery: train, code, route, tune, measure; then publish.

Training sees a seeded sample over all segments, and writes a new codebook and new codes beside the
old ones. Nothing is published before it was measured against exact search.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.budget import BuildPlan, check_bounded, plan_build
from indexer.coding import code_segments, lists_of
from indexer.layout import scratch_folder
from indexer.measure import (
    ForeignQueries,
    draw_items,
    fan_out_of,
)
from indexer.options import BuildOptions
from indexer.spool import CodesSpool
from indexer.tuned import asked_foreign, tuned_modes
from indexer.writer import CollectionWriter
from retrieval.ann.codebook import Codebook
from retrieval.ann.codes_file import CodesSource
from retrieval.ann.devices import computing_device
from retrieval.ann.routing import Router
from retrieval.ann.scratch import scratch_rows
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.encoders.base import Encoder
from retrieval.learn.router import nearest_lists, train_router
from retrieval.memory import give_back
from retrieval.model import Float32Array, Int64Array
from retrieval.store.collection import Gallery
from retrieval.store.entries import codebook_entry
from retrieval.store.index_record import IndexRecord, ModeRecord

_MIN_ROUTER_QUERIES = 500
"""Fewer queries teach a router next to nothing."""


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


class Build:
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
        foreign = asked_foreign(writer, name, encoder, self._options, rng, training=most)
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
        modes, cost_ns = tuned_modes(index, self._gallery.name, foreign, self._options, rng)
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


def _cost(trial: _Trial) -> float:
    return trial.cost_ns
