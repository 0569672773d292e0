"""Put vectors that somebody else has made into a collection, as they are.

    source = Embeddings(Path("vectors.npy"), Path("ids.txt"), model="openclip:ViT-B-32:openai")
    report = index_embeddings(source, Path(".polyseek"))

An item is one vector: its identity is the sha256 of the row as float32, and ids that share a row
are its files. What space the vectors are of cannot be seen in them. The user says it, and a
collection of another space refuses them.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.budget import ImportPlan, plan_import, within
from indexer.build import bring_index_up_to_date
from indexer.foresight import announce_builds, check_memory
from indexer.open_segment import OpenSegment
from indexer.pipeline import Progress
from indexer.readers.base import Skip
from indexer.readers.vectors import VectorPart, read_folder, read_pair
from indexer.service import IndexOptions, IndexReport
from indexer.space import (
    measuring_encoder,
    name_space,
    recorded_encoder,
    recorded_galleries,
)
from indexer.vector_rows import Row, check_any_usable, read_rows
from indexer.writer import CollectionWriter
from retrieval.collector import garbage_left_alone
from retrieval.errors import CollectionMissingError, SourceError
from retrieval.memory import give_back
from retrieval.model import (
    FIRST_ID,
    EncoderInfo,
    FileRef,
    GalleryName,
    display_path,
    gallery_of,
)
from retrieval.store.catalogue import Catalogue
from retrieval.store.collection import Collection

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 256 << 20
"""Most float16 vectors in memory before they become a segment; their rows' names and texts come to
about as much again at 512 dimensions."""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors, what they belong to, and what made them.

    Attributes:
        vectors: a .npy file, or a folder that clip-retrieval wrote.
        ids: file of the ids of a .npy file, one a line; None for a folder.
        gallery: that they go into; None is images, and of a folder both.
        model: name of the encoder that made them; None is that of the collection.
        fingerprint: of that encoder, where it is not at hand to be asked.
    """

    vectors: Path
    ids: Path | None = None
    gallery: GalleryName | None = None
    model: str | None = None
    fingerprint: str | None = None


def index_embeddings(
    source: Embeddings,
    collection: Path,
    *,
    options: IndexOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Put vectors into a collection; make it if need be. A second time changes nothing.

    Args:
        source: what to put in.
        collection: its folder.
        options: of which device, dry_run, import_items, segment_items, catalogue_url, cache_dir
            and build apply.
        on_progress: called after every few thousand rows and every commit.

    Returns:
        The report of a run; its counts are of ids.

    Raises:
        SourceError: a file is missing or is not what it should be, or holds no usable vector.
        SettingsError: nothing says what made the vectors, or the fingerprint is none.
        EncoderUnavailableError: the encoder is not at hand, so that its fingerprint is unknown.
        EncoderMismatchError: the collection is of another space.
        LockedError: another process is writing.
        CollectionError: the collection is damaged or of a newer format.
    """
    options = options or IndexOptions()
    parts = _open(source)
    dim = _one_dim(parts)
    encoder = name_space(
        source.model,
        source.fingerprint,
        recorded_encoder(collection),
        dim=dim,
        device=options.device,
    )
    check_any_usable(parts)
    run = _Import(parts, options, on_progress)
    started_s = time.monotonic()
    generation = run.rehearse(collection) if options.dry_run else run.carry_out(collection, encoder)
    seconds = time.monotonic() - started_s
    if run.n_scaled:
        logger.warning("%d vectors were not of length 1 and were normalised", run.n_scaled)
    return IndexReport(
        added=run.added,
        updated=run.updated,
        moved=0,
        removed=0,
        unchanged=run.unchanged,
        skipped=tuple(run.skipped),
        generation=generation,
        seconds=seconds,
        images_per_second=sum(len(part.ids) for part in parts) / max(seconds, 1e-9),
    )


@dataclass(slots=True)
class _Import:
    """One run over all parts: reads, compares, commits, counts."""

    parts: Sequence[VectorPart]
    options: IndexOptions
    on_progress: Callable[[Progress], None] | None
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    n_scaled: int = 0
    skipped: list[Skip] = field(default_factory=list)
    _seen: dict[GalleryName, set[bytes]] = field(default_factory=dict)
    _n_done: int = 0
    _n_committed: int = 0
    _started_s: float = field(default_factory=time.monotonic)
    _plan: ImportPlan = field(init=False)

    def __post_init__(self) -> None:
        n = sum(len(part.ids) for part in self.parts)
        dim = int(self.parts[0].vectors.shape[1])
        self._plan = plan_import(n, dim, self.options.build.max_memory)

    def rehearse(self, folder: Path) -> int:
        """Count what a run would do; returns the generation that was looked at."""
        with contextlib.ExitStack() as resources:
            view = None
            with contextlib.suppress(CollectionMissingError):
                view = resources.enter_context(
                    Collection.open(folder, catalogue_url=self.options.catalogue_url)
                )
            for part in self.parts:
                for rows in self._chunks(part):
                    self._sift(part.gallery, rows, view)
            return view.generation if view else 0

    def carry_out(self, folder: Path, encoder: EncoderInfo) -> int:
        """Put the rows in; returns the generation that holds them."""
        options = self.options
        self._check_memory(folder, encoder.dim)
        writer = CollectionWriter.open(
            folder, encoder, catalogue_url=options.catalogue_url, cache_dir=options.cache_dir
        )
        with writer, within(options.build.max_memory):
            with garbage_left_alone():
                self._put_in(writer)
            self._seen.clear()
            writer.merge_small_segments(options.segment_items)
            asked = measuring_encoder(writer, options.device)
            for gallery in tuple(writer.manifest.galleries):
                bring_index_up_to_date(writer, asked, name=gallery, options=self.options.build_here)
            writer.collect_garbage()
            return writer.manifest.generation

    def _check_memory(self, folder: Path, dim: int) -> None:
        """Refuse too small a budget before anything is committed; tell what a long build takes."""
        added: dict[GalleryName, int] = {}
        for part in self.parts:
            added[part.gallery] = added.get(part.gallery, 0) + len(part.ids)
        there = recorded_galleries(folder)
        check_memory(there, added, dim, self.options.build)
        announce_builds(there, added, dim, self.options.build)

    def _put_in(self, writer: CollectionWriter) -> None:
        """Commit what the collection lacks of every part."""
        for part in self.parts:
            segment = OpenSegment(part, self._segment_rows(part))
            for rows in self._chunks(part):
                segment.add(self._sift(part.gallery, rows, writer.collection))
                if segment.is_full:
                    self._commit(writer, segment)
            self._commit(writer, segment)

    def _segment_rows(self, part: VectorPart) -> int:
        """Rows that a segment takes, by number and by memory."""
        bytes_a_row = 2 * int(part.vectors.shape[1])
        most = min(self.options.import_items, self._plan.segment_rows)
        return max(1, min(most, SEGMENT_BYTES // bytes_a_row))

    def _chunks(self, part: VectorPart) -> Iterator[list[Row]]:
        """Usable rows, some at a time; the others are counted."""
        step = min(self._plan.read_rows, self._segment_rows(part))
        for start in range(0, len(part.ids), step):
            span = range(start, min(start + step, len(part.ids)))
            yield self._read(part, span)
            self._n_done += len(span)
            self._report()

    def _commit(self, writer: CollectionWriter, segment: OpenSegment) -> None:
        """Make the rows of an open segment durable; it is empty afterwards."""
        if segment.n:
            writer.commit(segment.vectors, segment.items(), gallery=segment.part.gallery)
            segment.clear()
            if self.options.build.max_memory is not None:
                give_back()
        self._n_committed = self._n_done
        self._report()

    def _report(self) -> None:
        if self.on_progress is None:
            return
        total = sum(len(part.ids) for part in self.parts)
        rate = self._n_done / max(time.monotonic() - self._started_s, 1e-9)
        self.on_progress(
            Progress(
                done=self._n_done,
                total=total,
                skipped=len(self.skipped),
                committed=self._n_committed,
                images_per_second=rate,
                eta_s=(total - self._n_done) / rate if rate > 0 else None,
            )
        )

    def _read(self, part: VectorPart, span: range) -> list[Row]:
        rows = []
        for outcome in read_rows(part, span):
            if isinstance(outcome, Skip):
                self.skipped.append(outcome)
            elif not self._claim(part.gallery, outcome):
                self.skipped.append(Skip(outcome.file.path, "the same id again"))
            else:
                self.n_scaled += outcome.was_scaled
                rows.append(outcome)
        return rows

    def _claim(self, gallery: GalleryName, row: Row) -> bool:
        """Whether nobody was here before: a path is that of one picture, or of many texts."""
        key = row.file.path if gallery == "images" else row.file.path + row.sha256.encode()
        seen = self._seen.setdefault(gallery, set())
        is_first = key not in seen
        seen.add(key)
        return is_first

    def _sift(self, gallery: GalleryName, rows: list[Row], view: Collection | None) -> list[Row]:
        """Count rows against what the collection has; returns those that bring something."""
        if view is None:
            self.added += len(rows)
            return rows
        catalogue, generation = view.catalogue, view.generation
        items = catalogue.items_by_sha256({row.sha256 for row in rows}, generation)
        there = _holders(catalogue, generation, gallery, [row.file.path for row in rows])
        wanted = []
        for row in rows:
            if gallery_of(items.get(row.sha256, FIRST_ID[gallery])) != gallery:
                self.skipped.append(Skip(row.file.path, "the other gallery has this vector"))
                continue
            held = there.get(row.file.path, {})
            if row.sha256 in held:
                self.unchanged += 1
                if held[row.sha256] != row.file:
                    wanted.append(row)
                continue
            is_update = gallery == "images" and bool(held)
            self.updated += is_update
            self.added += not is_update
            wanted.append(row)
        return wanted


def _open(source: Embeddings) -> list[VectorPart]:
    if source.ids is not None:
        return [read_pair(source.vectors, source.ids, source.gallery or "images")]
    if not source.vectors.is_dir() and source.vectors.exists():
        raise SourceError(
            f"nothing says what the rows of {source.vectors} belong to",
            hint="name a file of ids with --ids, one a line",
        )
    return read_folder(source.vectors, [source.gallery] if source.gallery else ["images", "texts"])


def _one_dim(parts: Sequence[VectorPart]) -> int:
    dims = {int(part.vectors.shape[1]): part.name for part in parts}
    if len(dims) > 1:
        (one, first), (other, second), *_ = dims.items()
        raise SourceError(
            f"vectors of {one} numbers in {display_path(first)}, of {other} in "
            f"{display_path(second)}",
            hint="all have to come from one encoder",
        )
    return next(iter(dims))


def _holders(
    catalogue: Catalogue, generation: int, gallery: GalleryName, paths: Sequence[bytes]
) -> dict[bytes, dict[str, FileRef]]:
    """What a gallery has at paths: files by path and content."""
    found: dict[bytes, dict[str, FileRef]] = {}
    for entry in catalogue.files_at(paths, generation):
        if gallery_of(entry.item_id) == gallery:
            found.setdefault(entry.file.path, {})[entry.sha256] = entry.file
    return found
