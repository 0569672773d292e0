"""How much memory a build may take, and what fits into it."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from retrieval.ann.clustering import CHUNK_ROWS, PRODUCTS
from retrieval.ann.exact import QUERY_BLOCK as QUERIES_AT_ONCE
from retrieval.ann.rescoring import RESCORED_ROWS
from retrieval.ann.spec import POINTS_PER_CENTROID, IndexSpec
from retrieval.ann.training import TrainingLimits, points_wanted
from retrieval.errors import SettingsError
from retrieval.learn.router import ITEM_BLOCK, QUERY_BLOCK
from retrieval.memory import size_text, sqlite_within

_FIXED = 14_000_000
"""What the libraries and the catalogue take, whatever the sizes (here and below measured by
`python -m benchmarks.perf.build_memory`)."""

_CATALOGUE_BYTES = 4 << 20
"""Of SQLite's caches, together."""

_ID_BYTES = 200
"""Of each id that is put in, until all are in."""

_RECORD_BYTES = 3_000
"""Of each row on its way to the disk, its numbers not counted."""

_HELD_BYTES = 200
"""Of each item of a gallery whose index is built."""

_COPIES_OF_LISTS = 5
"""Centroids with their sums and means, or the router with its gradients and moments."""

_COPIES_OF_CODES = 2
"""Lists that double as they grow, and packed ones for FastScan."""

_MIN_ROWS = 128


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """How much each stage of a build holds in memory at a time; the defaults are the fastest.

    Attributes:
        training: of the codebook.
        coding_rows: vectors coded at a time.
        router_texts: foreign queries that the router learns from, at most.
        router_blocks: queries and items that are multiplied at a time for it; None sets none.
        searched_rows: vectors in memory while recall is measured.
        on_disk: whether the sample, and the codes that are not published yet, lie in files.
    """

    training: TrainingLimits = field(default_factory=TrainingLimits)
    coding_rows: int = 8_192
    router_texts: int = 20_000
    router_blocks: tuple[int, int] | None = None
    searched_rows: int = RESCORED_ROWS
    on_disk: bool = False

    def in_folder(self, scratch: Path) -> "BuildPlan":
        """The same, with that folder for files that it needs meanwhile, if it needs any."""
        if not self.on_disk:
            return self
        return replace(self, training=replace(self.training, scratch=scratch))


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How ready vectors are put in.

    Attributes:
        read_rows: read and checked at a time.
        segment_rows: committed at a time.
    """

    read_rows: int = 4_096
    segment_rows: int = 262_144


def plan_import(n: int, dim: int, max_memory: int | None) -> ImportPlan:
    """How to put n ready vectors of dimension dim in with so much memory.

    Raises:
        SettingsError: it is too little for anything.
    """
    if max_memory is None:
        return ImportPlan()
    fixed = _FIXED + _ID_BYTES * n
    room = _room(max_memory, fixed, _MIN_ROWS * _import_bytes(dim), what=f"{n:,} vectors")
    rows = room // _import_bytes(dim)
    return ImportPlan(min(4_096, max(_MIN_ROWS, rows // 4)), max(_MIN_ROWS, rows))


def plan_build(n: int, dim: int, spec: IndexSpec, max_memory: int | None) -> BuildPlan:
    """How to build an index over n items with so much memory.

    Args:
        n: items.
        dim: of their vectors.
        spec: resolved, of kind "ivfpq".
        max_memory: bytes; None sets no limit.

    Raises:
        SettingsError: it is too little for anything.
    """
    if max_memory is None:
        return BuildPlan()
    lists = 4 * spec.nlist * dim
    fixed = _FIXED + _HELD_BYTES * n + _COPIES_OF_LISTS * lists
    codes = _COPIES_OF_CODES * (spec.code_bytes + 8) * n
    coding = 14 * dim + 6 * spec.nlist
    least = 3 * _MIN_ROWS * (coding + 10 * dim)
    room = _room(max_memory, fixed + codes, least, what=f"index {spec} of {n:,} items")
    free = max_memory - fixed  # before there are codes
    points = max(POINTS_PER_CENTROID << spec.bits, free // 2 // (12 * dim))
    side = math.isqrt(max(1, free // 8 // 6))
    return BuildPlan(
        training=TrainingLimits(
            chunk_rows=_clamped(free // 3 // (10 * dim + 2 * spec.nlist), CHUNK_ROWS),
            most_points=min(points, points_wanted(spec)),
            products=min(PRODUCTS, max(1, free // 4 // 16)),
        ),
        coding_rows=_clamped(room // 3 // coding, 8_192),
        router_texts=min(20_000, free // 5 // (6 * dim)),
        router_blocks=(min(QUERY_BLOCK, side), min(ITEM_BLOCK, side)),
        searched_rows=_clamped(room // 3 // (10 * dim + 4 * QUERIES_AT_ONCE), RESCORED_ROWS),
        on_disk=True,
    )


def check_bounded(specs: Sequence[IndexSpec], max_memory: int | None) -> None:
    """Refuse a budget for the training of indexes that would not keep to it.

    A rotation is trained by FAISS, in as much memory as it likes; the second of several trials
    finds what the first has left (12,000 x 64 grew by 55 MB where 40 were allowed).

    Args:
        specs: that are to be trained; of several, "tuned" keeps one.
        max_memory: bytes; None sets no limit.

    Raises:
        SettingsError: there is a limit, and they do not keep to one.
    """
    if max_memory is None:
        return
    if len(specs) > 1:
        raise SettingsError(
            "--max-memory with --index tuned is not supported: trials do not keep to it",
            hint="take --index auto, or no --max-memory",
        )
    if specs[0].opq:
        raise SettingsError(
            f"--max-memory with opq is not supported: to train {specs[0]} does not keep to it",
            hint="take an index without opq, or no --max-memory",
        )


@contextmanager
def within(max_memory: int | None) -> Iterator[None]:
    """Keep what the libraries hold for speed small while work goes on that has so much memory.

    SQLite's caches of all connections of the process share a few megabytes then.
    """
    if max_memory is None:
        yield
        return
    with sqlite_within(_CATALOGUE_BYTES):
        yield


def _clamped(rows: int, most: int) -> int:
    return min(most, max(_MIN_ROWS, rows))


def _import_bytes(dim: int) -> int:
    """Of a row on its way into a segment: as it came, of length 1, as stored, and its record."""
    return 12 * dim + _RECORD_BYTES


def _room(max_memory: int, fixed: int, least: int, *, what: str) -> int:
    """What is left to work with."""
    if max_memory < fixed + least:
        needed = -(-(fixed + least) // 10**6)
        raise SettingsError(
            f"{size_text(max_memory)} of memory are too little for {what}",
            hint=f"give it --max-memory {needed}MB or more",
        )
    return max_memory - fixed
