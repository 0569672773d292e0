"""The coded parts of a gallery: which lists a query visits, and the best codes in them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from retrieval.ann.codebook import Codebook
from retrieval.ann.codes_file import CodesSource
from retrieval.ann.exact import NO_ID, BoolArray, Ranking
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.gpu_codes import GpuCodes, gpu_codes
from retrieval.ann.ivfpq import IvfPq, merge_candidates
from retrieval.ann.routing import QueryParts, RankedLists, Router, Routing
from retrieval.ann.rows import MappedRows
from retrieval.ann.subset import runs_against
from retrieval.model import Float32Array, Int64Array

OWN_INDEX_ROWS = 65_536
"""Segments from this size on are searched each in its own codes, as they lie in the file; smaller
ones are merged, since a search costs some 50 us whatever the size."""

_QUERIES_A_THREAD = 8
"""Queries that are worth a thread of their own: starting it costs as much as a small search."""

_COUNTED_ROWS = 65_536

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Part:
    """One segment as a search sees it.

    Attributes:
        ids: (n,) ascending.
        vectors: (n, dim) unit rows.
        codes: of these rows, from `Codebook.encode`; None where they were not made yet.
    """

    ids: Int64Array
    vectors: MappedRows
    codes: CodesSource | None = None


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How far a search in coded segments looks.

    Attributes:
        nprobe: inverted lists visited, at most.
        candidates: codes whose vectors are fetched and scored exactly, for k up to 10.
        routed: whether the router chooses the lists of foreign queries.
        floor: share of the softmax over lists below which a list is left out; 0 leaves none out.
        may_fall_short: whether a query whose lists hold fewer items than it is owed gets those
            alone; otherwise it is answered exactly.
    """

    nprobe: int
    candidates: int
    routed: bool = False
    floor: float = 0.0
    may_fall_short: bool = False


@dataclass(frozen=True, slots=True)
class _Shard:
    """Codes that are searched together.

    Attributes:
        index: over them.
        positions: of its rows in `FanOut.ids`, ascending: (n,), or a slice where they lie side by
            side.
    """

    index: IvfPq
    positions: Int64Array | slice

    def candidates(
        self, query: Float32Array, lists: Int64Array, k: int, allowed: BoolArray | None
    ) -> Ranking:
        """As `IvfPq.candidates`, in positions."""
        own = self.own(allowed)
        return self.in_positions(self.index.candidates(query, lists, k, allowed=own))

    def own(self, allowed: BoolArray | None) -> BoolArray | None:
        """What is allowed of its rows, from what is of all positions."""
        return None if allowed is None else allowed[self.positions]

    def in_positions(self, ranking: Ranking) -> Ranking:
        """A ranking of its rows as one of positions."""
        if isinstance(self.positions, slice) and self.positions.start == 0:
            return ranking
        scores, rows = ranking
        if isinstance(self.positions, slice):
            places = rows + self.positions.start
        else:
            places = self.positions[rows]
        return scores, np.where(rows == NO_ID, NO_ID, places)

    def n_in_lists(self, allowed: BoolArray) -> Int64Array:
        """Allowed codes in each list, (nlist,)."""
        own, list_of, nlist = allowed[self.positions], self.index.list_of, self.index.nlist
        found = np.zeros(nlist, np.int64)
        for at in range(0, len(own), _COUNTED_ROWS):  # to count, NumPy makes 8 bytes of each
            here = slice(at, at + _COUNTED_ROWS)
            found += np.bincount(list_of[here][own[here]], minlength=nlist)
        return found


class CodedParts:
    """Codes of some parts of a gallery under one codebook, searched together."""

    def __init__(
        self,
        codebook: bytes,
        coded: Sequence[tuple[CodesSource, Int64Array]],
        router: Router | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        """Take them together.

        Args:
            codebook: that all codes were made with.
            coded: codes of each part, and the positions of its rows in the gallery, ascending.
            router: of the lists, for foreign queries.
            device: "cpu", or "cuda" for codes on a GPU, where FAISS has one.
            threads: that search at a time; None is as many as FAISS may use.

        Raises:
            CorruptCollectionError: bytes are not what they should be, or belong to other rows.
            MissingDependencyError: no FAISS is installed.
        """
        self._threads = threads
        self.book = Codebook(codebook)
        self.routing = Routing(self.book, router)
        self._shards = tuple(self._make_shards(coded))
        self.n = sum(shard.index.n for shard in self._shards)
        self._on_gpu = self._copied(device)

    def list_sizes(self) -> Int64Array:
        """Codes in each inverted list, (nlist,)."""
        sizes: Int64Array = np.sum([shard.index.list_sizes for shard in self._shards], axis=0)
        return sizes

    def ranked_lists(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts]
    ) -> list[RankedLists]:
        """The lists that each query may visit, those below the floor of the settings included."""
        own = parts or [QueryParts.single(query) for query in queries]

        def rank(each: QueryParts) -> RankedLists:
            return self.routing.ranked(each, settings.nprobe, routed=settings.routed)

        return _each(rank, own, self._threads)

    def lists(
        self, queries: Float32Array, settings: SearchSettings, parts: Sequence[QueryParts]
    ) -> list[Int64Array]:
        """The lists that each query visits."""
        ranked = self.ranked_lists(queries, settings, parts)
        return [each.above(settings.floor) for each in ranked]

    def starved(self, visited: Sequence[Int64Array], allowed: BoolArray) -> BoolArray:
        """Whether a filter runs against each query, by its lists; see `subset.runs_against`."""
        sizes = self.list_sizes()
        kept: Int64Array = np.sum([shard.n_in_lists(allowed) for shard in self._shards], axis=0)
        n_kept = np.array([kept[lists].sum() for lists in visited], np.int64)
        n_codes = np.array([sizes[lists].sum() for lists in visited], np.int64)
        return runs_against(n_kept, n_codes, float(kept.sum() / max(1, self.n)))

    def candidates(
        self,
        queries: Float32Array,
        lists: Sequence[Int64Array],
        depth: int,
        allowed: BoolArray | None,
    ) -> Int64Array:
        """Positions of the best codes of each query in its lists, (Q, at most depth).

        One query a call: FAISS ranks a batch in another order where codes tie, and a product of
        matrices rounds otherwise than one of a matrix and a vector. Several threads make calls.
        """
        turned = self.book.rotated(queries)
        if self._on_gpu and len(queries):
            found_there = [
                shard.in_positions(gpu.candidates(turned, lists, depth, allowed=own))
                for shard, gpu in zip(self._shards, self._on_gpu, strict=True)
                for own in [shard.own(allowed)]
            ]
            return merge_candidates(found_there, depth)

        def search(query_and_lists: tuple[Float32Array, Int64Array]) -> Int64Array:
            query, own = query_and_lists
            rankings = [shard.candidates(query, own, depth, allowed) for shard in self._shards]
            return merge_candidates(rankings, depth)

        found = _each(search, [*zip(turned, lists, strict=True)], self._threads)
        if len(found) == 1:
            return found[0]
        return np.vstack([np.empty((0, min(depth, self.n)), np.int64), *found])

    def _copied(self, device: str) -> tuple[GpuCodes, ...]:
        """The codes of every shard on a GPU; none if one of them does not go there."""
        copies: list[GpuCodes] = []
        for shard in self._shards:
            copy = gpu_codes(self.book, shard.index, device)
            if copy is None:
                return ()
            copies.append(copy)
        return tuple(copies)

    def _make_shards(self, coded: Sequence[tuple[CodesSource, Int64Array]]) -> Iterator[_Shard]:
        small: list[tuple[CodesSource, Int64Array]] = []
        for codes, positions in coded:
            if len(positions) < OWN_INDEX_ROWS:
                small.append((codes, positions))
            else:
                yield _Shard(IvfPq(self.book, [(codes, len(positions))]), _compact(positions))
        if small:
            positions = np.concatenate([positions for _, positions in small])
            by_position = np.argsort(positions, kind="stable")
            place_of_row = np.empty_like(by_position)
            place_of_row[by_position] = np.arange(len(by_position))
            order = None if np.array_equal(by_position, place_of_row) else place_of_row
            sizes = [(codes, len(positions)) for codes, positions in small]
            yield _Shard(IvfPq(self.book, sizes, order), _compact(positions[by_position]))


def _compact(positions: Int64Array) -> Int64Array | slice:
    """Ascending positions as a slice, if they lie side by side."""
    first, last = int(positions[0]), int(positions[-1])
    return slice(first, last + 1) if last - first + 1 == len(positions) else positions


def _each(
    run: Callable[[_Asked], _Found], asked: Sequence[_Asked], threads: int | None
) -> list[_Found]:
    """What becomes of each, by as many threads as FAISS may use, and no more than `threads`.

    FAISS and NumPy let go of Python's lock.
    """
    n_threads = len(asked) // _QUERIES_A_THREAD
    if n_threads > 1:
        n_threads = min(n_threads, threads or n_threads, load_faiss().omp_get_max_threads())
    if n_threads < 2:
        return [*map(run, asked)]
    with ThreadPoolExecutor(n_threads, thread_name_prefix="search") as pool:
        return [*pool.map(run, asked)]
