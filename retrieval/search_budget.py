"""How much memory searching a collection may take, and what fits into it: from sizes alone."""

from collections.abc import Collection as AnyOf
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from retrieval.ann.coded import OWN_INDEX_ROWS
from retrieval.ann.exact import CHUNK_ROWS
from retrieval.ann.exact import QUERY_BLOCK as QUERIES_AT_ONCE
from retrieval.ann.list_ranker import ranker_bytes
from retrieval.ann.rescoring import AtOnce
from retrieval.ann.spec import IndexSpec
from retrieval.errors import SettingsError
from retrieval.memory import size_text
from retrieval.model import GalleryName
from retrieval.store.collection import Collection, Gallery
from retrieval.store.entries import GalleryEntry

FILTERS_KEPT = 8
"""Answers of the catalogue to filters that are kept: 8 MB each, for a million items."""

_FIXED = 5_000_000
"""What the libraries and the catalogue take, whatever the sizes (here and below measured by
`python -m benchmarks.perf.search_memory`)."""

_CATALOGUE_BYTES = (4 << 20, 64 << 20)
"""Of SQLite's caches, together: at least, and as much as helps."""

_ID_BYTES = 8

_SUM_BYTES = 32 / 65_536
"""Of the sum of a block, for each byte of vectors."""

_MIXED_BYTES = 24
"""Of a row whose segment's ids do not follow those of the one before: its number by position, its
position by number, and its position among the codes."""

_LIST_BYTES = 96
"""Of a list of a segment that is searched where it lies: where, and how many."""

_FAST_BLOCK = 32
_FILTER_BYTES = 22
"""Of an item that a filter lets through, while a search goes on: its id, half as much more as ids
come in, its position, and whether it is allowed."""

_SINGLE_BYTES = 4
"""Of a row: its hubness penalty, or its list."""

_BIAS_BYTES = 20
"""Of a row of a segment, while its hubness biases are read: these three times, and its place."""

_MERGED_COPIES = 1.5
"""Of codes, beside the ones that stay: flat lists, which have room to grow."""

_THREAD_BYTES = 1_000_000
_QUERY_BYTES = 48
"""Of a candidate of a query, while others are looked for."""

_CANDIDATES = 20_000
"""Of one query, at least: for 100 hits."""

_HIT_BYTES = 4_000
"""Of a hit with its record."""

_HITS = 100
_MIN_ROWS = 128
_MOST_SEARCHES = 8


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How much an engine holds in memory at a time; the defaults are the fastest.

    Attributes:
        at_once: vectors and threads of one search.
        candidates: of the queries that are searched for together; None sets no limit.
        filters_kept: answers of the catalogue to filters that are kept.
        hits: with their records, of queries that are answered together; None sets no limit.
        catalogue_bytes: of SQLite's caches; None sets no limit.
        searches: at the same time; others wait. None sets no limit.
    """

    at_once: AtOnce = field(default_factory=AtOnce)
    candidates: int | None = None
    filters_kept: int = FILTERS_KEPT
    hits: int | None = None
    catalogue_bytes: int | None = None
    searches: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether there is a budget."""
        return self.catalogue_bytes is not None

    def queries(self, n_candidates: int) -> int | None:
        """Queries to search for together, of so many candidates each; None sets no limit."""
        return None if self.candidates is None else max(1, self.candidates // max(1, n_candidates))


def plan_search(
    galleries: Mapping[GalleryName, GalleryEntry],
    dim: int,
    max_memory: int | None,
    mixed: AnyOf[GalleryName] = (),
) -> SearchPlan:
    """How to search a collection with so much memory.

    Args:
        galleries: as the manifest lists them.
        dim: of their vectors.
        max_memory: bytes; None sets no limit.
        mixed: the galleries in which the ids of segments do not follow each other.

    Raises:
        SettingsError: it is too little for anything.
    """
    if max_memory is None:
        return SearchPlan()
    needs = _Needs.of(galleries, dim, mixed)
    floor = _FIXED + needs.kept + needs.least + _CATALOGUE_BYTES[0]
    if max_memory < floor:
        n = sum(each.n_rows for each in galleries.values())
        raise SettingsError(
            f"{size_text(max_memory)} of memory are too little to search {n:,} items",
            hint=f"give it --max-memory {-(-floor // 10**6)}MB or more",
        )
    room = max_memory - floor
    catalogue = min(_CATALOGUE_BYTES[1] - _CATALOGUE_BYTES[0], room // 8)
    filters = min(FILTERS_KEPT - 1, room // 4 // max(1, needs.filter_answer))
    work = room - catalogue - filters * needs.filter_answer + needs.least - needs.search
    searches = min(_MOST_SEARCHES, 1 + work // (needs.search + CHUNK_ROWS * needs.row))
    more = (work - (searches - 1) * needs.search) // searches  # than the least, for each
    return SearchPlan(
        at_once=AtOnce(
            rows=min(CHUNK_ROWS, _MIN_ROWS + more // 2 // needs.row),
            threads=1 + more // 8 // needs.thread,
        ),
        candidates=_CANDIDATES + more // 4 // _QUERY_BYTES,
        filters_kept=1 + filters,  # one counts as that of the search that goes on
        hits=_HITS + more // 8 // _HIT_BYTES,
        catalogue_bytes=_CATALOGUE_BYTES[0] + catalogue,
        searches=searches,
    )


def plan_for(collection: Collection, max_memory: int | None) -> SearchPlan:
    """How to search an open collection with so much memory; raises as `plan_search`."""
    galleries = collection.galleries
    mixed = [name for name, each in galleries.items() if max_memory and _is_mixed(each)]
    manifest = collection.manifest
    return plan_search(manifest.galleries, manifest.encoder.dim, max_memory, mixed)


def _is_mixed(gallery: Gallery) -> bool:
    """Whether ids of segments do not follow each other."""
    ids = sorted(
        (int(each.ids[0]), int(each.ids[-1])) for each in gallery.segments if len(each.ids)
    )
    return any(after[0] <= before[1] for before, after in pairwise(ids))


@dataclass(frozen=True, slots=True)
class _Needs:
    """Bytes that searching some galleries takes.

    Attributes:
        kept: from the opening on, whatever is asked.
        opening: more while they are opened, the generation before it being let go of.
        search: more while one search goes on, of as little at a time as can be.
        row: of a vector that is read for it.
        thread: of one more thread.
        filter_answer: of an answer of the catalogue that lets all items through.
    """

    kept: int
    opening: int
    search: int
    row: int
    thread: int
    filter_answer: int

    @property
    def least(self) -> int:
        """Beside what is kept."""
        return max(self.opening, self.search)

    @classmethod
    def of(
        cls, galleries: Mapping[GalleryName, GalleryEntry], dim: int, mixed: AnyOf[GalleryName]
    ) -> "_Needs":
        """What these galleries take."""
        entries = galleries.values()
        n = max((each.n_rows for each in entries), default=0)
        row = 10 * dim + 4 * QUERIES_AT_ONCE
        thread = _THREAD_BYTES + n // 8
        work = _MIN_ROWS * row + _CANDIDATES * _QUERY_BYTES + _HITS * _HIT_BYTES + thread
        return cls(
            kept=sum(_kept(each, dim, is_mixed=name in mixed) for name, each in galleries.items()),
            opening=sum(_segments(each, dim) for each in entries)
            + max((_opening(each) for each in entries), default=0),
            search=work + _FILTER_BYTES * n,
            row=row,
            thread=thread,
            filter_answer=_ID_BYTES * n,
        )


def _segments(entry: GalleryEntry, dim: int) -> int:
    """Of open segments: ids, sums of blocks, and what was checked."""
    return int(entry.n_rows * (_ID_BYTES + 1 + 2 * dim * _SUM_BYTES)) + (
        _ID_BYTES * entry.n_tombstones
    )


def _kept(entry: GalleryEntry, dim: int, *, is_mixed: bool) -> int:
    """Of a gallery that is searched."""
    a_row = 1 + (1 if entry.n_tombstones else 0)
    if len(entry.segments) > 1:
        a_row += _ID_BYTES
    if is_mixed:
        a_row += _MIXED_BYTES
    if entry.hubness is not None and entry.hubness.bank is not None:
        a_row += _SINGLE_BYTES
    of_index = 0 if entry.index is None else _SINGLE_BYTES * entry.n_rows + _index(entry, dim)
    return _segments(entry, dim) + a_row * entry.n_rows + of_index


def _index(entry: GalleryEntry, dim: int) -> int:
    """Of centroids and router, of what ranks them, and of codes that are merged."""
    index = entry.index
    if index is None:
        return 0
    spec = IndexSpec.parse(index.spec)
    ranker = ranker_bytes(spec.nlist, dim)
    router = 0 if index.router is None else 2 * index.router.size_bytes + ranker
    n_mapped = sum(each.n_items >= OWN_INDEX_ROWS for each in entry.segments)
    lists = _LIST_BYTES * spec.nlist * (1 + n_mapped)
    merged = _n_merged(entry)
    padding = _FAST_BLOCK * spec.nlist if merged else 0
    codes = spec.code_bytes * (merged + padding) + _ID_BYTES * merged
    return index.codebook.size_bytes + ranker + router + lists + codes


def _opening(entry: GalleryEntry) -> int:
    """Of files as they are read, and of codes as they are merged, which end with that."""
    largest = max((each.n_items for each in entry.segments), default=0)
    has_bias = entry.hubness is not None and entry.hubness.bank is not None
    reading = (_BIAS_BYTES if has_bias else 2 * _ID_BYTES) * largest
    index = entry.index
    if index is None:
        return reading
    a_code = IndexSpec.parse(index.spec).code_bytes + _ID_BYTES
    merging = int(_MERGED_COPIES * a_code * _n_merged(entry))
    router = 0 if index.router is None else index.router.size_bytes
    files = 2 * index.codebook.size_bytes + router
    return max(reading, _ID_BYTES * entry.n_rows + files + merging)


def _n_merged(entry: GalleryEntry) -> int:
    """Rows of segments whose codes are merged in memory; those of larger ones are mapped."""
    sizes = [each.n_items for each in entry.segments if each.n_items < OWN_INDEX_ROWS]
    # One small segment alone is searched where it lies.
    return sum(sizes) if len(sizes) > 1 else 0
