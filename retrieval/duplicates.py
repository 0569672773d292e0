"""Pictures of one collection that show nearly the same, and answers that show each only once.

What counts as nearly the same is the encoder's opinion: a cosine of stored vectors.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from retrieval.ann.alike import Gather, group_by_search, group_exactly
from retrieval.ann.exact import NO_ID, Ranking, pair_scores, top_k
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.model import (
    Float32Array,
    GalleryName,
    Int64Array,
    ItemId,
    ItemRecord,
    SearchResult,
)
from retrieval.query.algebra import Query
from retrieval.store.collection import Collection, Gallery
from retrieval.store.filters.predicates import Predicate

NEAR = 0.97
"""Cosine from which two pictures are near-duplicates: re-encoded, resized, slightly cropped."""

EXACT_ITEMS = 100_000
"""Up to this many items all pairs are compared, n * n * dim multiplications: about a minute on two
cores at 512 dimensions. Beyond it, where there is an index, it is asked instead."""

_READ_AT_ONCE = 10_000
_OVER_FETCH = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group, and its cosine with the group's best."""

    item: ItemRecord
    cosine: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Pictures that are nearly the same as one of them.

    Attributes:
        best: the one with most pixels; of equal ones that with most bytes, then the first path.
        others: each alike to `best`, the most alike first; () where `best` lies in several files.
    """

    best: ItemRecord
    others: tuple[Member, ...]

    @property
    def n_files(self) -> int:
        """Files of all its pictures: exact copies count."""
        return sum(len(each.files) for each in (self.best, *(other.item for other in self.others)))

    @property
    def spare_bytes(self) -> int:
        """What all files but the first of the best one take."""
        items = (self.best, *(other.item for other in self.others))
        every = sum(file.size_bytes for item in items for file in item.files)
        return every - self.best.files[0].size_bytes


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The near-duplicates of a collection.

    Attributes:
        groups: ordered by the path of the best picture.
        threshold: cosine.
        is_exact: whether all pairs were compared; else an index was asked, which misses some.
        generation: that was looked at.
    """

    groups: tuple[DuplicateGroup, ...]
    threshold: float
    is_exact: bool
    generation: int


@dataclass(frozen=True, slots=True)
class GroupedResult:
    """An answer in which every hit stands for its near-duplicates.

    Attributes:
        result: its hits are pairwise no near-duplicates of a better one, ranks count them alone.
        n_alike: by hit, how many other answers it stands for, of those that were looked at.
    """

    result: SearchResult
    n_alike: dict[ItemId, int]


def find_duplicates(engine: SearchEngine, threshold: float = NEAR) -> Duplicates:
    """Group the images of a collection by near-duplicates; see `retrieval.ann.alike`.

    A picture that lies in several files (exact copies) is a group even if nothing else is like it.

    Args:
        engine: over the collection; its encoder is not used.
        threshold: cosine in (0, 1].

    Raises:
        QueryError: the threshold is out of range.
        GenerationGoneError: writers moved on twice meanwhile.
    """
    check_threshold(threshold)
    collection = engine.collection
    gallery = collection.gallery("images")
    ids, with_copies = _by_quality(collection)
    n = len(ids)

    def gather(numbers: Int64Array) -> Float32Array:
        return _unit(gallery.gather(ids[numbers]))

    is_exact = n <= EXACT_ITEMS or not _has_index(gallery)
    if is_exact:
        head, cosine = group_exactly(n, gather, _reachable(threshold))
    else:
        search = _NumberedSearch(engine, ids, gather)
        head, cosine = group_by_search(n, gather, search.rank, _reachable(threshold))
    members: dict[int, list[int]] = {int(number): [] for number in with_copies}
    for number in np.flatnonzero(head != np.arange(n)).tolist():
        members.setdefault(int(head[number]), []).append(number)
    # A member that lies in several files is told of with its group.
    wanted = {each: rest for each, rest in members.items() if head[each] == each}
    groups = tuple(_groups(collection, ids, cosine, wanted))
    return Duplicates(
        tuple(sorted(groups, key=lambda group: group.best.files[0].path)),
        threshold,
        is_exact,
        collection.generation,
    )


def search_grouped(
    engine: SearchEngine,
    query: Query,
    k: int,
    *,
    target: GalleryName = "images",
    threshold: float = NEAR,
    where: Predicate | None = None,
) -> GroupedResult:
    """Answer a query with the k best items of which none is a near-duplicate of a better one.

    Looks as deep as it must to find k, if there are as many.

    Args:
        engine: that answers.
        query: see `SearchEngine.search`.
        k: at least 1.
        target: which gallery to search.
        threshold: cosine in (0, 1].
        where: as for `SearchEngine.search`.

    Raises:
        QueryError: k < 1, the threshold is out of range, or as `SearchEngine.search` does.
    """
    check_threshold(threshold)
    depth = _OVER_FETCH * k
    while True:
        result = engine.search(query, depth, target=target, where=where)
        collection = engine.collection
        if result.generation != collection.generation:
            continue  # another thread has moved the engine on
        ids = np.array([hit.item.id for hit in result.hits], np.int64)
        rows = _unit(collection.gallery(target).gather(ids))
        head, _ = group_exactly(len(rows), rows.__getitem__, _reachable(threshold))
        heads = np.unique(head)
        if len(heads) >= k or len(rows) < depth:
            break
        depth *= _OVER_FETCH
    kept = heads[:k].tolist()
    hits = tuple(replace(result.hits[at], rank=rank) for rank, at in enumerate(kept, start=1))
    n_alike = {result.hits[at].item.id: int((head == at).sum()) - 1 for at in kept}
    return GroupedResult(replace(result, hits=hits), n_alike)


def check_threshold(threshold: float) -> None:
    """Refuse a cosine that groups everything or nothing, with a QueryError."""
    if not 0.0 < threshold <= 1.0:
        raise QueryError(
            f"the threshold {threshold} is no cosine above 0 and up to 1",
            hint=f"{NEAR} finds what was resized or saved again",
        )


def _reachable(threshold: float) -> float:
    """What equal vectors reach for certain, where 1 is asked for: rounding takes a little."""
    return min(threshold, 1.0 - 1e-6)


def _unit(rows: Float32Array) -> Float32Array:
    """Rows of length 1; rounding to float16 takes or adds up to 2e-4."""
    scaled: Float32Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


class _NumberedSearch:
    """Searches that name items by their place in an order, and tell cosines."""

    def __init__(self, engine: SearchEngine, ids: Int64Array, gather: Gather) -> None:
        self._engine = engine
        self._gather = gather
        self._by_id = np.argsort(ids)
        self._sorted = ids[self._by_id]

    def rank(self, vectors: Float32Array, k: int) -> Ranking:
        _, ids = self._engine.search_vectors(vectors, k)
        places = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        is_known = self._sorted[places] == ids
        numbers = np.where(is_known, self._by_id[places], 0)
        rows = self._gather(numbers.ravel()).reshape(*numbers.shape, -1)
        cosines = np.where(is_known, pair_scores(rows, vectors[:, None, :]), np.float32(-np.inf))
        return top_k(cosines, np.where(is_known, numbers, NO_ID), k)


def _has_index(gallery: Gallery) -> bool:
    return gallery.entry.index is not None


def _by_quality(collection: Collection) -> tuple[Int64Array, Int64Array]:
    """Ids of all living images, best first, (n,); places in it of those in several files, (m,)."""
    keys: list[tuple[int, int, bytes, int, bool]] = []
    for records in _records(collection):
        for item in records:
            file = item.files[0]
            pixels = item.meta.width * item.meta.height
            keys.append((-pixels, -file.size_bytes, file.path, item.id, len(item.files) > 1))
    keys.sort()
    ids = np.array([key[3] for key in keys], np.int64)
    return ids, np.flatnonzero(np.array([key[4] for key in keys], np.bool_))


def _records(collection: Collection) -> Iterator[list[ItemRecord]]:
    gallery = collection.gallery("images")
    for segment in gallery.segments:
        alive = np.setdiff1d(segment.ids, gallery.tombstones)
        for start in range(0, len(alive), _READ_AT_ONCE):
            part = [ItemId(each) for each in alive[start : start + _READ_AT_ONCE].tolist()]
            yield list(collection.catalogue.hydrate(part, collection.generation).values())


def _groups(
    collection: Collection, ids: Int64Array, cosine: Float32Array, members: dict[int, list[int]]
) -> Iterator[DuplicateGroup]:
    wanted = [ItemId(int(ids[at])) for each, rest in members.items() for at in (each, *rest)]
    records = collection.catalogue.hydrate(wanted, collection.generation)
    for best, rest in members.items():
        others = [Member(records[ItemId(int(ids[at]))], float(min(cosine[at], 1.0))) for at in rest]
        others.sort(key=lambda each: (-each.cosine, each.item.files[0].path))
        yield DuplicateGroup(records[ItemId(int(ids[best]))], tuple(others))
