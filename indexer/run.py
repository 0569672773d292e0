"""One run over sources: plan, pipeline, captions, indexes, garbage; and what is left behind."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from indexer.build import bring_index_up_to_date
from indexer.captions import Arrivals, CaptionPass, TextTally
from indexer.captions_due import left_over, overlap, read_due, write_due
from indexer.decode import FileDecoder, default_workers
from indexer.deferred import DeferredEncoder
from indexer.foresight import announce_builds, check_memory
from indexer.ledger import Ledger, Tally
from indexer.options import IndexOptions
from indexer.pipeline import Pace, Pipeline, Progress
from indexer.readers.base import Reader
from indexer.readers.sidecars import SUPERSEDED
from indexer.recover import discard_catalogue
from indexer.scan import Changes, plan_changes
from indexer.targets import CollectionTarget, Rehearsal
from indexer.writer import CollectionWriter
from retrieval.encoders.base import Encoder
from retrieval.errors import (
    CollectionMissingError,
    CorruptCatalogueError,
    CorruptCollectionError,
    SourceError,
)
from retrieval.model import EncoderInfo, GalleryName, display_path
from retrieval.store.collection import Collection
from retrieval.store.manifest import GalleryEntry, newest_manifest

logger = logging.getLogger(__name__)


class Run:
    """One call of `service.index_folders`: the plan, the pipeline over it, and what is left."""

    def __init__(
        self,
        readers: Sequence[Reader],
        options: IndexOptions,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.tally = Tally()
        self.images_per_second = 0.0
        self.missing_roots: tuple[bytes, ...] = ()
        self.texts: TextTally | None = None
        self._readers = readers
        self._options = options
        self._on_progress = on_progress

    def rehearse(self, folder: Path) -> int:
        """Do all that writes nothing; returns the generation that the run looked at."""
        view = _open_view(folder, self._options)
        if view is None:
            self._pipe(self._plan(None), Rehearsal(None), None)
            return 0
        with view:
            self._pipe(self._plan(view), Rehearsal(view), None)
            return view.generation

    def carry_out(self, folder: Path, wanted: Encoder | str | None) -> int:
        """Index; returns the generation that holds the result.

        A catalogue that proves damaged is rebuilt on the way.
        """
        try:
            return self._carry_out(folder, wanted)
        except CorruptCatalogueError as error:
            logger.warning("%s; rebuilding it", error)
            discard_catalogue(folder, self._options.catalogue_url)
            return self._carry_out(folder, wanted)

    def _carry_out(self, folder: Path, wanted: Encoder | str | None) -> int:
        options = self._options
        recorded = _recorded_encoder(folder)
        encoder = DeferredEncoder(wanted, recorded, device=options.device)
        if recorded is None:
            # A source without a picture, or too small a budget, must not leave an empty collection.
            self._check_memory({}, self._plan(None), encoder.info)
        else:
            encoder.check_if_another()
        writer = CollectionWriter.open(
            folder,
            encoder.info if recorded is None else None,
            catalogue_url=options.catalogue_url,
            cache_dir=options.cache_dir,
        )
        with writer:
            target = CollectionTarget(writer, encoder, [reader.root for reader in self._readers])
            changes = self._plan(writer.collection)
            self._check_memory(writer.manifest.galleries, changes, writer.manifest.encoder)
            added: dict[GalleryName, int] = {"images": len(changes.to_read)}
            dim = writer.manifest.encoder.dim
            announce_builds(writer.manifest.galleries, added, dim, options.build_here)
            roots = {reader.root for reader in self._readers}
            due = read_due(folder)
            if changes.to_read or changes.gone:
                write_due(folder, due | roots)
            ledger = self._pipe(changes, target, encoder)
            target.record_roots()
            if options.captions:
                is_due = overlap(due, roots)
                self._follow_captions(writer, encoder, changes, ledger, is_due=is_due)
                write_due(folder, left_over(due, roots))
            _tidy(writer, options.segment_items)
            for name in tuple(writer.manifest.galleries):
                bring_index_up_to_date(writer, encoder, name=name, options=options.build_here)
            writer.collect_garbage()
            self.missing_roots = _missing_roots(writer.collection)
            return writer.manifest.generation

    def _plan(self, view: Collection | None) -> Changes:
        changes = plan_changes(
            self._readers,
            view.catalogue if view else None,
            view.generation if view else 0,
            prune=self._options.prune,
        )
        if not (changes.to_read or changes.unchanged or changes.gone or changes.skips):
            shown = ", ".join(display_path(reader.root) for reader in self._readers)
            raise SourceError(
                f"no picture found in {shown}",
                hint="check the folder, and the --include and --exclude patterns if there are any",
            )
        return changes

    def _check_memory(
        self, galleries: Mapping[GalleryName, GalleryEntry], changes: Changes, encoder: EncoderInfo
    ) -> None:
        """Refuse a budget that is too small for the index of the images that are to come."""
        added: dict[GalleryName, int] = {"images": len(changes.to_read)}
        check_memory(galleries, added, encoder.dim, self._options.build_here)

    def _follow_captions(
        self,
        writer: CollectionWriter,
        encoder: Encoder,
        changes: Changes,
        ledger: Ledger,
        *,
        is_due: bool,
    ) -> None:
        """Bring the texts gallery in step; `is_due` says that an earlier run did not come to it."""
        arrivals = Arrivals(
            arrived=frozenset(ledger.arrived),
            departed=frozenset(ledger.departed),
            superseded=frozenset(
                skip.path for skip in changes.skips if skip.reason.startswith(SUPERSEDED)
            ),
            is_all=is_due,
        )
        follow = CaptionPass(
            writer, encoder, self._readers, arrivals, segment_items=self._options.segment_items
        )
        self.texts = follow.run(changes.captions)

    def _pipe(
        self, changes: Changes, target: CollectionTarget | Rehearsal, encoder: Encoder | None
    ) -> Ledger:
        options = self._options
        ledger = Ledger(changes)
        self.tally = ledger.tally
        pace = Pace(
            batch_size=options.batch_size,
            workers=options.workers or default_workers(),
            segment_items=options.segment_items,
            segment_seconds=options.segment_seconds,
        )
        started_s = time.monotonic()
        decoder = FileDecoder(
            encoder, ledger.contents, options.limits, changes.fetch, target.processors_free
        )
        Pipeline(ledger, target, pace, self._on_progress).run(decoder, changes.to_read)
        self.images_per_second = len(changes.to_read) / (time.monotonic() - started_s)
        return ledger


def _tidy(writer: CollectionWriter, segment_items: int) -> None:
    """Merge small segments. What is damaged stays as it is: the run itself has done its work."""
    try:
        writer.merge_small_segments(segment_items)
    except CorruptCatalogueError:
        raise
    except CorruptCollectionError as error:
        logger.warning("segments are not merged: %s", error)


def _missing_roots(view: Collection) -> tuple[bytes, ...]:
    """Sources that are gone while files of them are kept."""
    return tuple(
        root
        for root in view.manifest.roots
        if not os.path.lexists(root)
        and next(view.catalogue.files_under(root, view.generation), None) is not None
    )


def _recorded_encoder(folder: Path) -> EncoderInfo | None:
    """What made the collection; None where there is none yet, or nothing in it."""
    try:
        manifest, _ = newest_manifest(folder)
    except CollectionMissingError:
        return None
    return manifest.encoder if manifest.galleries else None


def _open_view(folder: Path, options: IndexOptions) -> Collection | None:
    try:
        return Collection.open(
            folder, catalogue_url=options.catalogue_url, cache_dir=options.cache_dir
        )
    except CollectionMissingError:
        return None
