"""Runs one plan: decode ahead -> embed -> commit, a segment at a time.

What is committed is durable and the next run finds it; what is interrupted (Ctrl-C, kill -9, a full
disk) costs at most the segment in flight, and nothing of that is half there.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexer.decode import ReadFile, map_ahead
from indexer.embed import EmbeddedBatch
from indexer.ledger import Ledger
from indexer.readers.base import Skip
from indexer.writer import NewItem
from retrieval.encoders.base import Pixels
from retrieval.model import FileRef, Float32Array, ImageMeta, ItemId
from retrieval.store.changes import PathChange

LOOK_AHEAD_BATCHES = 3
"""Preprocessed pictures held ready: one batch in the encoder, one complete behind it, and one in
the making, so that a few slow files in a row do not leave the encoder idle."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run is cut into batches and segments.

    Attributes:
        batch_size: pictures in one call of the encoder.
        workers: decoding threads.
        segment_items: a segment closes when it has this many entries, ...
        segment_seconds: ... or when its first entry is this old, whichever comes first.
    """

    batch_size: int
    workers: int
    segment_items: int
    segment_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; given to a callback at the start and after every batch and commit.

    Attributes:
        done: files read, of `total`.
        total: files that have to be read in this run.
        skipped: files that could not be used, so far.
        committed: files whose outcome is durable; at most `done`.
        images_per_second: mean over the run; 0.0 before the first file.
        eta_s: seconds to go at that rate; None while it is unknown.
    """

    done: int
    total: int
    skipped: int
    committed: int
    images_per_second: float
    eta_s: float | None


class Target(Protocol):
    """Where a run's results go: a collection, or nowhere (a dry run)."""

    def find_items(self, sha256: Sequence[str]) -> Mapping[str, ItemId]:
        """Those of the contents (hex digests) that are indexed already."""
        ...

    def embed(self, pixels: Sequence[Pixels | None]) -> EmbeddedBatch:
        """Embed one batch; see `indexer.embed.embed_batch`."""
        ...

    def commit(
        self, vectors: Float32Array, items: Sequence[NewItem], changes: Sequence[PathChange]
    ) -> Sequence[ItemId]:
        """Make new items (n, with (n, dim) vectors) and path changes durable; returns n ids."""
        ...


@dataclass(slots=True)
class _Newcomer:
    """Content that the collection does not have yet, and the files that hold it."""

    sha256: str
    meta: ImageMeta
    pixels: Pixels | None
    files: list[FileRef]
    captions: tuple[str, ...]


class Pipeline:
    """One run over one plan; used once."""

    def __init__(
        self,
        ledger: Ledger,
        target: Target,
        pace: Pace,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._target = target
        self._pace = pace
        self._on_progress = on_progress
        # A newcomer is in `_newcomers` until its segment is committed, so that an equal file
        # joins it; in `_batch` until it is embedded; then in `_embedded`, beside `_vectors`.
        self._newcomers: dict[str, _Newcomer] = {}
        self._batch: list[_Newcomer] = []
        self._embedded: list[_Newcomer] = []
        self._vectors: list[Float32Array] = []
        self._opened_s = self._started_s = time.monotonic()
        self._total = self._done = self._committed = 0

    def run(self, decode: Callable[[FileRef], ReadFile | Skip], files: Sequence[FileRef]) -> None:
        """Settle every file in the ledger and commit what came of it, the removals last.

        Args:
            decode: called from `pace.workers` threads.
            files: in the order in which new items get their ids.

        An exception (KeyboardInterrupt included) passes through; segments committed before it stay.
        """
        self._total = len(files)
        self._report()
        window = LOOK_AHEAD_BATCHES * self._pace.batch_size
        with closing(
            map_ahead(decode, files, workers=self._pace.workers, window=window)
        ) as outcomes:
            self._consume(outcomes)
        self._embed()
        self._ledger.sweep()
        self._commit()

    def _consume(self, outcomes: Iterable[ReadFile | Skip]) -> None:
        for outcome in outcomes:
            if not self._n_open:
                self._opened_s = time.monotonic()
            self._settle(outcome)
            self._done += 1
            age_s = time.monotonic() - self._opened_s
            due = age_s >= self._pace.segment_seconds or self._n_open >= self._pace.segment_items
            if len(self._batch) >= self._pace.batch_size or (due and self._n_open):
                self._embed()
            if due and self._n_open:
                self._commit()

    @property
    def _n_open(self) -> int:
        """Entries of the open segment."""
        return len(self._batch) + len(self._embedded) + self._ledger.n_path_changes

    def _settle(self, outcome: ReadFile | Skip) -> None:
        """Enter one file into the ledger, or queue it for the encoder."""
        if isinstance(outcome, Skip):
            self._ledger.skip(outcome.path, outcome.reason)
        elif outcome.sha256 in self._ledger.contents:
            self._ledger.place_known(outcome.file, outcome.sha256)
        elif outcome.sha256 in self._newcomers:
            self._newcomers[outcome.sha256].files.append(outcome.file)
        else:
            assert outcome.picture is not None, "only known content is left undecoded"
            picture = outcome.picture
            newcomer = _Newcomer(
                outcome.sha256, picture.meta, picture.pixels, [outcome.file], picture.descriptions
            )
            self._newcomers[outcome.sha256] = newcomer
            self._batch.append(newcomer)

    def _embed(self) -> None:
        """Send the queued newcomers through the encoder, but those that lie under other roots."""
        queued, self._batch = self._batch, []
        found = self._target.find_items([each.sha256 for each in queued]) if queued else {}
        self._ledger.learn(found)
        for sha256 in found:
            for file in self._newcomers.pop(sha256).files:
                self._ledger.place_known(file, sha256)
        batch = [each for each in queued if each.sha256 not in found]
        if batch:
            embedded = self._target.embed([each.pixels for each in batch])
            self._vectors.append(embedded.vectors)
            self._embedded += [batch[i] for i in embedded.kept]
            for i, reason in embedded.failures.items():
                for file in self._newcomers.pop(batch[i].sha256).files:
                    self._ledger.skip(file.path, reason)
            for each in batch:
                each.pixels = None  # have done their work; a segment's worth would fill the memory
        self._report()

    def _commit(self) -> None:
        """Make the open segment durable."""
        items = [
            NewItem(each.sha256, each.meta, tuple(each.files), each.captions)
            for each in self._embedded
        ]
        for item in items:
            for file in item.files:
                self._ledger.place_new(file)
        changes = self._ledger.take_path_changes()
        if items or changes:
            vectors = np.concatenate(self._vectors) if items else np.empty((0, 0), np.float32)
            ids = self._target.commit(vectors, items, changes)
            self._ledger.learn(dict(zip((item.sha256 for item in items), ids, strict=True)))
        for item in items:
            del self._newcomers[item.sha256]
        self._embedded, self._vectors = [], []
        self._committed = self._done
        self._report()

    def _report(self) -> None:
        if self._on_progress is None:
            return
        elapsed_s = time.monotonic() - self._started_s
        rate = self._done / elapsed_s if elapsed_s > 0 else 0.0
        self._on_progress(
            Progress(
                done=self._done,
                total=self._total,
                skipped=len(self._ledger.tally.skipped),
                committed=self._committed,
                images_per_second=rate,
                eta_s=(self._total - self._done) / rate if rate > 0 else None,
            )
        )
