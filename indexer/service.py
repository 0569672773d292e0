"""What the indexer does for its callers: bring a collection up to date, check it, cut it down.

Everything below is put together here; a caller gives folders and options and gets a report.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.captions import TextTally
from indexer.compact import CompactReport, compact_collection
from indexer.maintain import Deleted, delete_items, destroy_collection, repair_catalogue
from indexer.options import IndexOptions
from indexer.pipeline import Progress
from indexer.readers.base import Skip
from indexer.readers.globs import Globs
from indexer.readers.sources import SourceOptions, readers_for
from indexer.repair import RepairReport, repair_collection
from indexer.run import Run
from indexer.verify import VerifyReport, verify_collection
from retrieval.encoders.base import Encoder

__all__ = [
    "CompactReport",
    "Deleted",
    "IndexOptions",
    "IndexReport",
    "Progress",
    "RepairReport",
    "Skip",
    "VerifyReport",
    "compact_collection",
    "delete_items",
    "destroy_collection",
    "index_folders",
    "repair_catalogue",
    "repair_collection",
    "verify_collection",
]


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
    run = Run(readers, options, on_progress)
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


def _source_options(options: IndexOptions, collection: Path) -> SourceOptions:
    return SourceOptions(
        globs=Globs.parse(options.include, options.exclude),
        avoid=os.path.realpath(os.fsencode(collection)),
        columns=options.columns,
    )
