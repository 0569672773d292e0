"""One generation of a collection, ready to be searched: ids are ranked here and turned into hits.

What a view has read it keeps, and it always answers alike, so many threads share one.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import numpy as np

from retrieval.ann.adjusted import OVER_FETCH, Adjusted
from retrieval.ann.exact import NO_ID, Ranking
from retrieval.ann.fanout import RECALL_DEPTH
from retrieval.ann.routing import QueryParts
from retrieval.errors import QueryError
from retrieval.hits import results_of
from retrieval.kinds import alike, kind_of, put_together
from retrieval.memory import give_back
from retrieval.model import (
    FIRST_ID,
    Float32Array,
    GalleryName,
    Int64Array,
    ItemId,
    Modality,
    SearchResult,
    gallery_of,
)
from retrieval.planned import BROUGHT, PlannedSearch, sample_of, spread_out
from retrieval.query.plan import MadeOf, Plan
from retrieval.query.product import Landmarks
from retrieval.search_budget import SearchPlan
from retrieval.searched import SearchedGallery
from retrieval.store.collection import Collection
from retrieval.store.filters.predicates import Predicate
from retrieval.store.tag_rows import tags_version
from retrieval.turns import Turns

_NO_BUDGET = SearchPlan()
_AT_ONCE = nullcontext()


class View:
    """An open collection with the indexes of its galleries, each read when first asked for.

    Attributes:
        collection: the open generation.
    """

    def __init__(
        self, collection: Collection, device: str = "cpu", plan: SearchPlan = _NO_BUDGET
    ) -> None:
        """Open the index of the images; that of the texts waits until it is asked for.

        Large files are hashed by other threads meanwhile; the first search waits for them, and
        raises CorruptCollectionError where one is not what the manifest says.

        Args:
            collection: to be searched.
            device: for exact search; see `FanOut`. With a budget it is the CPU.
            plan: how much to hold in memory at a time; answers are the same whatever it is.

        Raises:
            CorruptCollectionError: a file of the index is not what the manifest says.
            MissingDependencyError: the index needs FAISS, which is not installed.
        """
        self.collection = collection
        self._plan = plan
        self._device = "cpu" if plan.is_bounded else device
        self._last_thread = threading.get_ident()
        self._turns = None if plan.searches is None else Turns(plan.searches)
        self._lock = threading.Lock()
        self._searched: dict[GalleryName, SearchedGallery] = {}
        self._ready: dict[GalleryName, SearchedGallery] = {}
        self._samples: dict[GalleryName, Float32Array] = {}
        self._landmarks: dict[GalleryName, Landmarks] = {}
        self._filtered: dict[tuple[Predicate, GalleryName, int], Int64Array] = {}
        self._opened("images")

    def rank(
        self,
        vectors: Float32Array,
        k: int,
        excluded: Sequence[Int64Array],
        target: GalleryName = "images",
        made_of: Sequence[MadeOf] = (),
        only: Int64Array | None = None,
    ) -> Ranking:
        """The k best of a gallery; see `FanOut.search`.

        Each kind of query is searched for with the settings that its build chose for it. `made_of`
        says what each query is; () are queries of the kind of the gallery.
        """
        searched = self._gallery(target)
        if not len(vectors):
            return searched.fan_out.search(vectors, k)
        kinds = [kind_of(each) for each in made_of] or [_own(target)] * len(vectors)
        parts = _parts(made_of, target)
        at_once = self._queries_at_once(searched, k)
        groups = alike(kinds, at_once)
        if len(groups) == 1:
            settings = searched.settings(kinds[0])
            return searched.fan_out.search(vectors, k, settings, excluded, parts, only)
        found: list[tuple[Int64Array, Ranking]] = []
        for here in groups:
            ranking = searched.fan_out.search(
                vectors[here],
                k,
                searched.settings(kinds[int(here[0])]),
                [excluded[number] for number in here.tolist()] if excluded else (),
                [parts[number] for number in here.tolist()] if parts else (),
                only,
            )
            found.append((here, ranking))
        return put_together(found, len(vectors))

    def rank_planned(
        self,
        plan: Plan,
        k: int,
        target: GalleryName = "images",
        only: Int64Array | None = None,
        *,
        adjust: bool = True,
    ) -> Adjusted:
        """The k best of a gallery for each query, by all that counts; see `PlannedSearch`.

        Args:
            plan: of at least one query.
            k: at least 1.
            target: the gallery.
            only: ids of the items that may be found; None finds all.
            adjust: whether the hubness bias counts, where there is one.
        """
        searched = self._gallery(target)

        def rank(asked: Plan, depth: int) -> Ranking:
            return self.rank(asked.vectors, depth, asked.excluded, target, asked.made_of, only)

        def bring(asked: Plan, times: int) -> Int64Array:
            settings = searched.settings(kind_of(asked.made_of[0]))
            if settings is None:
                return searched.fan_out.positions_of(rank(asked, times * BROUGHT)[1][0])
            depth = times * settings.candidates
            # One code for every hit, and no more than the lists hold.
            each_code = replace(settings, candidates=RECALL_DEPTH, may_fall_short=True)
            (parts,) = _parts(asked.made_of, target)
            return searched.fan_out.looked_at(
                asked.vectors[0], depth, each_code, asked.excluded[0], parts, only
            )

        search = PlannedSearch(
            rank,
            bring,
            searched.fan_out,
            foreign="image" if target == "texts" else "text",
            bias=searched.penalties if adjust else None,
            at_once=self._queries_at_once(searched, OVER_FETCH * k),
        )
        return search.best(plan, k)

    def ids_where(self, predicate: Predicate, target: GalleryName = "images") -> Int64Array:
        """Living items of a gallery that satisfy a filter, by the tags of now; ascending.

        Raises:
            GenerationGoneError: the generation was collected meanwhile.
            CatalogueError: the catalogue cannot be used.
        """
        catalogue, generation = self.collection.catalogue, self.collection.generation
        key = (predicate, target, tags_version(catalogue, generation))
        with self._lock:
            found = self._filtered.get(key)
        if found is None:
            with self._lock:  # there may be no room for one more
                while len(self._filtered) >= self._plan.filters_kept:
                    del self._filtered[next(iter(self._filtered))]
            found = catalogue.ids_where(predicate, generation, target)
            found.setflags(write=False)
            with self._lock:
                self._filtered[key] = found
                while len(self._filtered) > self._plan.filters_kept:
                    del self._filtered[next(iter(self._filtered))]
        return found

    def results(
        self,
        ranking: Adjusted,
        target: GalleryName = "images",
        n_matching: int | None = None,
    ) -> list[SearchResult]:
        """Hits with their records, one result for each row of a ranking.

        Args:
            ranking: of items of `target`.
            target: the gallery that was searched.
            n_matching: see `SearchResult`.

        Raises:
            GenerationGoneError: the generation was collected meanwhile.
            CatalogueError: the catalogue lacks an item.
        """
        return results_of(
            ranking,
            self.collection,
            is_exact=self._gallery(target).fan_out.is_exact,
            n_matching=n_matching,
        )

    @property
    def dim(self) -> int:
        """Of the embedding space."""
        return self.collection.manifest.encoder.dim

    def spread(self, target: GalleryName, most: int) -> Float32Array:
        """Vectors of living items from all over a gallery, (m, dim), m <= most."""
        return sample_of(self._gallery(target).fan_out, most)

    def sample(self, target: GalleryName) -> Float32Array:
        """Vectors of living items from all over a gallery, (m, dim), always the same ones."""
        searched = self._gallery(target)
        with self._lock:
            found = self._samples.get(target)
        if found is None:
            found = sample_of(searched.fan_out).reshape(-1, self.dim)  # of no items as well
            found.setflags(write=False)
            with self._lock:
                self._samples[target] = found
        return found

    def landmarks(self, target: GalleryName, captions: Callable[[], Float32Array]) -> Landmarks:
        """Of a gallery, for products; captions, (c, dim), are asked for once."""
        with self._lock:
            found = self._landmarks.get(target)
        if found is None:
            found = Landmarks.of(self.sample(target), captions())
            with self._lock:
                self._landmarks[target] = found
        return found

    def sample_ids(self, target: GalleryName, most: int) -> Int64Array:
        """Living items from all over a gallery, ascending, at most so many."""
        fan_out = self._gallery(target).fan_out
        return fan_out.ids[spread_out(fan_out.live_positions, most)]

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        """Stored vectors of items of any gallery, (n, dim).

        Raises:
            QueryError: an id names no living item.
        """
        vectors = np.empty((len(ids), self.dim), np.float32)
        wanted = np.array(ids, np.int64)
        for name in FIRST_ID:
            here = np.flatnonzero([gallery_of(item_id) == name for item_id in ids])
            if here.size:
                vectors[here] = self._vectors_in(name, wanted[here])
        return vectors

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        """Items by the sha256 of their content; contents without an item are left out."""
        return self.collection.catalogue.items_by_sha256(hexes, self.collection.generation)

    def turn(self) -> AbstractContextManager[None]:
        """Wait until another search may go on, in the order asked; at once without a budget."""
        return _AT_ONCE if self._turns is None else self._next_turn(self._turns)

    @contextmanager
    def _next_turn(self, turns: Turns) -> Iterator[None]:
        with turns.turn():
            here = threading.get_ident()
            if here != self._last_thread:
                give_back()  # what the other thread has freed is kept for that one alone
                self._last_thread = here
            yield

    def forget(self) -> None:
        """Let go of what was read; it is read again when it is asked for."""
        with self._lock:
            self._searched.clear()
            self._ready.clear()
            self._samples.clear()
            self._landmarks.clear()
            self._filtered.clear()

    def _vectors_in(self, name: GalleryName, ids: Int64Array) -> Float32Array:
        fan_out = self._gallery(name).fan_out
        positions = fan_out.positions_of(ids)
        if (positions == NO_ID).any():
            missing = ids[positions == NO_ID][0]
            raise QueryError(
                f"no item {missing} in the collection", hint="ids are in the output of a query"
            )
        return fan_out.vectors_of(positions)

    def _gallery(self, name: GalleryName) -> SearchedGallery:
        """A gallery all of whose files were checked; waits for that if need be."""
        searched = self._ready.get(name)
        if searched is None:
            searched = self._opened(name)
            searched.wait()
            with self._lock:
                if self._searched.get(name) is searched:  # not forgotten meanwhile
                    self._ready[name] = searched
        return searched

    def _queries_at_once(self, searched: SearchedGallery, k: int) -> int | None:
        """Queries for k items that the budget has room for together; None sets no limit."""
        if not self._plan.is_bounded:
            return None
        return self._plan.queries(searched.most_candidates(k))

    def _opened(self, name: GalleryName) -> SearchedGallery:
        with self._lock:
            if name not in self._searched:
                gallery = self.collection.gallery(name)
                self._searched[name] = SearchedGallery.open(
                    gallery, self._device, self._plan.at_once
                )
                if self._plan.is_bounded:
                    give_back()
            return self._searched[name]


def _own(target: GalleryName) -> Modality:
    """The kind of query that looks for items of its own kind."""
    return "text" if target == "texts" else "image"


def _parts(made_of: Sequence[MadeOf], target: GalleryName) -> list[QueryParts]:
    """What decides which lists each query visits."""
    own = _own(target)
    return [
        QueryParts(each.vectors, tuple(part != own for part in each.modalities)) for each in made_of
    ]
