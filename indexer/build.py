"""Bring the approximate index of a collection up to date.

Where an index is due, one is trained (training.py); between trainings only segments without codes
are coded.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from indexer.budget import plan_build
from indexer.coding import code_segments
from indexer.due import asked_spec, is_due
from indexer.hubness import bring_hubness_up_to_date
from indexer.layout import scratch_folder
from indexer.measure import (
    published_index,
)
from indexer.merge import TOP
from indexer.options import BuildOptions, IndexOptions
from indexer.spool import CodesSpool
from indexer.training import Build
from indexer.tuned import asked_foreign, tuned_modes
from indexer.writer import CollectionWriter
from retrieval.ann.coded import OWN_INDEX_ROWS
from retrieval.ann.devices import computing_device
from retrieval.ann.spec import IndexSpec
from retrieval.encoders.base import Encoder
from retrieval.model import GalleryName
from retrieval.store.collection import Gallery
from retrieval.store.index_record import IndexRecord

logger = logging.getLogger(__name__)


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
        return Build(gallery, specs, options, enter).publish(writer, encoder)
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
    # Others may have codes, and would be searched exactly until the next run.
    writer.compact(TOP * IndexOptions().segment_items, only=gallery.name)
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
    foreign = asked_foreign(writer, name, encoder, options, rng, training=0)
    index = published_index(gallery, options.device, plan.searched_rows)
    chosen, _ = tuned_modes(index, name, foreign, options, rng)
    known = {mode.modality for mode in chosen}
    modes = (*chosen, *(each for each in gallery.entry.index.modes if each.modality not in known))
    writer.publish_modes(name, modes)
    return replace(gallery.entry.index, modes=modes)


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
