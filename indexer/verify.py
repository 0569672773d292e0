"""Check a collection: every byte, the catalogue against the segments, and what its index finds."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from indexer.measure import remeasure
from indexer.restore import damaged_files
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.errors import (
    CollectionError,
    EncoderUnavailableError,
    MissingDependencyError,
)
from retrieval.model import GalleryName
from retrieval.store.collection import Collection
from retrieval.store.index_record import RecallRecord
from retrieval.store.manifest import newest_manifest
from retrieval.store.row_check import check_rows
from retrieval.store.tag_rows import all_tags
from retrieval.store.tags import net_tags, read_tag_log

RecallByGallery: TypeAlias = "Mapping[GalleryName, tuple[RecallRecord, ...]]"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify_collection` looked at and found.

    Attributes:
        generation: that was checked.
        n_items: living items.
        n_files: files hashed.
        n_bytes: bytes hashed.
        problems: one line for each thing that is wrong; empty when all is well.
        recall: of the galleries with an approximate index, measured now; empty where there are
            problems.
        recorded_recall: as their builds measured it.
    """

    generation: int
    n_items: int
    n_files: int
    n_bytes: int
    problems: tuple[str, ...]
    recall: RecallByGallery = field(default_factory=dict)
    recorded_recall: RecallByGallery = field(default_factory=dict)


def verify_collection(
    folder: Path,
    *,
    encoder: Encoder | None = None,
    device: str = "auto",
    catalogue_url: str | None = None,
) -> VerifyReport:
    """Hash every file of the newest generation, compare its catalogue, measure its index.

    Receipts of earlier checks do not count here: every byte is read. Recall of an approximate index
    is measured again, with items that came since.

    Args:
        folder: of the collection.
        encoder: for the text queries of that measurement; None makes the collection's own by its
            name; where that cannot be had, image queries alone are asked.
        device: for the encoder made here.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: no manifest verifies, so there is nothing to compare with.
        FormatVersionError: a newer polyseek wrote it.
    """
    manifest, warnings = newest_manifest(folder)
    files = list(manifest.files())
    problems = [*warnings, *damaged_files(folder, manifest).values()]
    if not problems:
        # The comparison reads those files: it tells nothing new of a collection that is damaged.
        problems += _catalogue_problems(folder, catalogue_url)
    now, then = ({}, {}) if problems else _recall(folder, encoder, device, catalogue_url)
    return VerifyReport(
        generation=manifest.generation,
        n_items=sum(gallery.n_items for gallery in manifest.galleries.values()),
        n_files=len(files),
        n_bytes=sum(entry.size_bytes for entry in files),
        problems=tuple(problems),
        recall=now,
        recorded_recall=then,
    )


def _catalogue_problems(folder: Path, catalogue_url: str | None) -> Iterator[str]:
    """Living items of the segments that the catalogue does not give, and the other way round."""
    try:
        with Collection.open(folder, catalogue_url=catalogue_url) as collection:
            catalogue, generation = collection.catalogue, collection.generation
            yield from check_rows(catalogue, generation)
            if all_tags(catalogue, generation) != net_tags(read_tag_log(folder).changes):
                yield "the tags of the catalogue are not those of their log"
            for name in collection.manifest.galleries:
                gallery, n_living = collection.gallery(name), 0
                for segment in gallery.segments:
                    living = np.setdiff1d(segment.ids, gallery.tombstones).tolist()
                    n_living += len(living)
                    found = catalogue.hydrate(living, generation)
                    for item_id in set(living) - found.keys():
                        yield f"item {item_id} of segment {segment.name} is not in the catalogue"
                n_found = catalogue.counts(generation, name).n_items
                if n_found > n_living:
                    yield f"the catalogue has {n_found} {name}, the segments have {n_living}"
    except CollectionError as error:
        yield str(error)


def _recall(
    folder: Path, encoder: Encoder | None, device: str, catalogue_url: str | None
) -> tuple[RecallByGallery, RecallByGallery]:
    """Recall of the newest generation's indexes, measured now and at their builds."""
    with Collection.open(folder, catalogue_url=catalogue_url) as collection:
        expected = collection.manifest.encoder
        indexes = {name: entry.index for name, entry in collection.manifest.galleries.items()}
        if encoder is None and indexes.get("images") is not None:
            with contextlib.suppress(EncoderUnavailableError, MissingDependencyError):
                encoder = get_encoder(expected.name, device=device)
        if encoder and encoder.info.fingerprint != expected.fingerprint:
            encoder = None  # texts of another space would measure nothing
        recorded = {name: index.recall for name, index in indexes.items() if index is not None}
        return {name: remeasure(collection, name, encoder) for name in recorded}, recorded
