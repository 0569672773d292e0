"""Choose how each kind of query is searched for, and measure what that finds."""

import numpy as np

from indexer.measure import (
    MAX_TRAINING,
    ForeignQueries,
    draw_queries,
    foreign_queries,
    recall_record,
)
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter
from retrieval.ann.fanout import FanOut, SearchSettings
from retrieval.ann.recall import QuerySet, measure_ms, measure_recall, with_answers
from retrieval.ann.tune import choose_settings
from retrieval.encoders.base import Encoder
from retrieval.model import GalleryName
from retrieval.store.index_record import ModeRecord


def asked_foreign(
    writer: CollectionWriter,
    name: GalleryName,
    encoder: Encoder | None,
    options: BuildOptions,
    rng: np.random.Generator,
    *,
    training: int = MAX_TRAINING,
) -> ForeignQueries | None:
    """Foreign queries for a gallery: those of the options, else what `foreign_queries` finds."""
    if options.foreign_queries is not None:
        return ForeignQueries.split(options.foreign_queries, rng, training)
    return foreign_queries(writer.collection, name, encoder, rng, training=training)


def tuned_modes(
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
