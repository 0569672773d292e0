"""What the indexer does for its callers: bring a collection up to date, check it, cut it down.

Everything below is put together here; a caller gives folders and options and gets a report.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer import durable
from indexer.build import bring_index_up_to_date
from indexer.captions import Arrivals, CaptionPass, TextTally
from indexer.decode import FileDecoder, default_workers
from indexer.deferred import DeferredEncoder
from indexer.layout import CAPTIONS_DUE
from indexer.ledger import Ledger, Tally
from indexer.maintain import delete_items, destroy_collection, repair_catalogue
from indexer.pipeline import Pace, Pipeline, Progress
from indexer.readers.base import Reader, Skip
from indexer.readers.columns import Columns
from indexer.readers.globs import Globs
from indexer.readers.sidecars import SUPERSEDED
from indexer.readers.sources import SourceOptions, readers_for
from indexer.recover import discard_catalogue
from indexer.scan import Changes, plan_changes
from indexer.targets import CollectionTarget, Rehearsal
from indexer.verify import VerifyReport, verify_collection
from indexer.writer import CollectionWriter
from retrieval.encoders.base import Encoder
from retrieval.errors import (
    CollectionMissingError,
    CorruptCatalogueError,
    CorruptCollectionError,
    SourceError,
)
from retrieval.images import PixelLimits
from retrieval.model import EncoderInfo, display_path
from retrieval.store.collection import Collection
from retrieval.store.manifest import newest_manifest

logger = logging.getLogger(__name__)

__all__ = [
    "IndexOptions",
    "IndexReport",
    "Progress",
    "Skip",
    "VerifyReport",
    "delete_items",
    "destroy_collection",
    "index_folders",
    "repair_catalogue",
    "verify_collection",
]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index; the defaults suit a folder of photographs on one machine.

    Attributes:
        include: patterns (see `indexer.readers.globs`) of which a file must match one, if any.
        exclude: patterns of which a file may match none.
        prune: take out the files of a known root that is missing or lost more than half of them.
        batch_size: pictures in one call of the encoder.
        workers: decoding threads; None chooses by the number of processors.
        device: where the encoder runs: "auto", "cpu", "cuda" or "mps".
        limits: on the pixels of one picture.
        dry_run: change nothing, only report what a run would do.
        segment_items: a segment is committed when it has this many items, ...
        segment_seconds: ... or is this old, whichever comes first.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.
        captions: take in the texts that come with pictures, too (not in a dry run).
        columns: of tables among the sources.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prune: bool = False
    batch_size: int = 32
    workers: int | None = None
    device: str = "auto"
    limits: PixelLimits = field(default_factory=PixelLimits)
    dry_run: bool = False
    segment_items: int = 4096
    segment_seconds: float = 20.0
    catalogue_url: str | None = None
    cache_dir: Path | None = None
    captions: bool = True
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Outcome of one run: every file seen is in exactly one of added ... skipped.

    Attributes:
        added: new paths, with new content or a copy.
        updated: known paths with other content.
        moved: known content at a new path, whose old path is gone.
        removed: files of the catalogue that no longer exist (moved ones are not among them).
        unchanged: same path, same content.
        skipped: what could not be used, with reasons; an earlier version stays in the index.
        generation: of the collection after the run.
        seconds: duration of the run.
        images_per_second: files read, over the time that reading and embedding took.
        missing_roots: sources of earlier runs that are no longer there; their files stay in the
            collection until they are pruned.
        texts: what became of the captions; None where none were looked for.
    """

    added: int
    updated: int
    moved: int
    removed: int
    unchanged: int
    skipped: tuple[Skip, ...]
    generation: int
    seconds: float
    images_per_second: float
    missing_roots: tuple[bytes, ...] = ()
    texts: TextTally | None = None


def index_folders(
    sources: Sequence[Path],
    collection: Path,
    *,
    encoder: Encoder | str | None = None,
    options: IndexOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Bring a collection up to date with the pictures of some sources; make it if need be.

    A source is a folder, an archive, a table or a list (`indexer.readers.sources`). Its symbolic
    links are resolved, those below it are not followed. A run that finds nothing to read loads no
    encoder.

    Args:
        sources: they become roots of the collection; braces in a name stand for several.
        collection: its folder. It may lie inside a source and is then not indexed itself.
        encoder: for a new collection (None is the built-in one); for an existing one it must be
            the collection's own, which None means.
        options: None is `IndexOptions()`.
        on_progress: called from this thread, after every batch and commit.

    Raises:
        SourceError: a source is missing, is not what its name says or lost most of its files, or
            none holds a picture.
        MissingDependencyError: a source needs an extra that is not installed.
        SettingsError: a pattern cannot be understood.
        EncoderUnavailableError: the encoder cannot be had, or can embed nothing.
        EncoderMismatchError: another encoder made the collection.
        LockedError: another process is writing.
        CollectionError: the collection is damaged or of a newer format.
    """
    options = options or IndexOptions()
    readers = readers_for(sources, _source_options(options, collection))
    run = _Run(readers, options, on_progress)
    started_s = time.monotonic()
    generation = run.rehearse(collection) if options.dry_run else run.carry_out(collection, encoder)
    return IndexReport(
        added=run.tally.added,
        updated=run.tally.updated,
        moved=run.tally.moved,
        removed=run.tally.removed,
        unchanged=run.tally.unchanged,
        skipped=tuple(sorted(run.tally.skipped, key=lambda skip: skip.path)),
        generation=generation,
        seconds=time.monotonic() - started_s,
        images_per_second=run.images_per_second,
        missing_roots=run.missing_roots,
        texts=run.texts,
    )


class _Run:
    """One call of `index_folders`: the plan, the pipeline over it, and what they leave behind."""

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
            self._plan(None)  # a source without a picture must not leave an empty collection
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
            is_due = (folder / CAPTIONS_DUE).exists()
            if options.captions and (changes.to_read or changes.gone):
                durable.write_file(folder / CAPTIONS_DUE, b"")
            ledger = self._pipe(changes, target, encoder)
            target.record_roots()
            if options.captions:
                self._follow_captions(writer, encoder, changes, ledger, is_due=is_due)
            _tidy(writer, options.segment_items)
            for name in tuple(writer.manifest.galleries):
                bring_index_up_to_date(writer, encoder, name=name)
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
        durable.remove(writer.folder / CAPTIONS_DUE)

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


def _source_options(options: IndexOptions, collection: Path) -> SourceOptions:
    return SourceOptions(
        globs=Globs.parse(options.include, options.exclude),
        avoid=os.path.realpath(os.fsencode(collection)),
        columns=options.columns,
    )


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
