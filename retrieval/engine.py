"""Answer queries from one collection: the composition root of the query side.

query.plan gives vectors and exclusions, a view of one generation ranks ids and makes them hits.
One engine serves many threads. It answers from the generation that it opened, until writers have
collected that one; then it goes on with the newest.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from retrieval.ann.exact import Ranking
from retrieval.confidence import Weigher
from retrieval.encoders.base import Encoder
from retrieval.errors import EncoderMismatchError, GenerationGoneError, QueryError
from retrieval.learn.adapted import adapted, text_adapter_in
from retrieval.learn.phi import PHI_NAME
from retrieval.memory import sqlite_within
from retrieval.model import (
    EncoderInfo,
    Float32Array,
    GalleryName,
    Int64Array,
    ItemId,
    SearchResult,
)
from retrieval.planned import SAMPLED
from retrieval.query.algebra import Expression, Query
from retrieval.query.encoding import PhiSource, QueryEncoder
from retrieval.query.language import Languages
from retrieval.query.normal import both, length_of
from retrieval.query.plan import MadeOf, Plan, plan_queries
from retrieval.query.ready import check_vectors, made_of_vectors
from retrieval.search_budget import plan_for, plan_search
from retrieval.store.collection import Collection
from retrieval.store.filters.predicates import Predicate
from retrieval.store.manifest import newest_manifest
from retrieval.view import View

DEFAULT_K = 10

_NO_IDS = np.empty(0, np.int64)
_NO_IDS.setflags(write=False)


class SearchEngine:
    """Searches the images and texts of one collection. Close it, or use it in a `with`."""

    def __init__(
        self,
        open_newest: Callable[[], Collection],
        encoder_for: Callable[[EncoderInfo], QueryEncoder],
        device: str,
        max_memory: int | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Load the index of the newest generation; `SearchEngine.open` is the way in."""
        self._open_newest = open_newest
        self._max_memory = max_memory
        self._held = contextlib.ExitStack()  # the limit of SQLite's caches
        self._lock = threading.Lock()
        self._device = device
        with contextlib.ExitStack() as on_error:
            on_error.push(self._held)
            collection = on_error.enter_context(open_newest())
            self._encoder = encoder_for(collection.manifest.encoder)
            self._weigher = Weigher(self._encoder, cache_dir)
            self._view = self._view_of(collection)
            on_error.pop_all()

    @property
    def collection(self) -> Collection:
        """The generation that is searched now."""
        return self._view.collection

    @property
    def view(self) -> View:
        """The generation that is searched now, for stages that come after a search."""
        return self._view

    @classmethod
    def open(  # noqa: PLR0913 - every one is a choice of its own, and most are left out
        cls,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        device: str = "auto",
        catalogue_url: str | None = None,
        cache_dir: Path | None = None,
        max_memory: int | None = None,
        phi: PhiSource | None = None,
    ) -> Self:
        """Open the newest generation of a collection and its index.

        Args:
            folder: of the collection.
            encoder: for texts and images in queries; None makes the collection's own by its name
                when a query first needs it. Another one than the collection's goes through the
                adapter in the collection's folder (`polyseek train adapter`).
            device: for the encoder made here, and for exact search: "auto", "cpu", "cuda" or "mps",
                which only the encoder uses.
            catalogue_url: of a PostgreSQL catalogue, with user and password.
            cache_dir: where receipts of hashed files are kept, and what calibrates scores; None
                keeps none.
            max_memory: bytes by which the process may grow, in memory of its own, while it opens
                and searches; the encoder, its batches and answers that are kept do not count
                (docs/memory.md). Exact search is on the CPU then. None sets no limit; the answers
                are the same.
            phi: what makes a word of an image: the file of a map (`polyseek train phi`), or "oti",
                which needs none and takes some seconds to a minute an image; None takes the map in
                the collection's folder, if there is one.

        Raises:
            SettingsError: `max_memory` is too little for this collection; says what would do.
            CollectionError: there is no collection, or it is damaged, or of another encoder to
                which no adapter leads.
            MissingDependencyError: its index needs FAISS, which is not installed.
        """
        open_newest = partial(
            Collection.open, folder, catalogue_url=catalogue_url, cache_dir=cache_dir
        )
        if max_memory is not None:  # before anything is read
            manifest, _ = newest_manifest(folder)
            plan_search(manifest.galleries, manifest.encoder.dim, max_memory)
        if phi is None and (own := folder / PHI_NAME).is_file():
            phi = own
        if encoder is not None:
            encoder = adapted(encoder, folder) or encoder
        encoder_for = partial(
            QueryEncoder,
            encoder=encoder,
            device=device,
            phi=phi,
            text_adapter=text_adapter_in(folder),
            cache_dir=cache_dir,
        )
        return cls(open_newest, encoder_for, device, max_memory, cache_dir)

    @property
    def template(self) -> str:
        """How `--compose pseudo` makes one text of an image and words: as the phi was trained.

        Raises:
            TrainedMapError: the phi cannot be used.
        """
        return self._encoder.template

    def search(
        self,
        query: Query | Expression,
        k: int = DEFAULT_K,
        *,
        target: GalleryName = "images",
        where: Predicate | None = None,
        adjust: bool = True,
        weigh: bool = False,
    ) -> SearchResult:
        """The k best items for a query, fewer only if there are no more.

        The query's own images and items are not returned.

        Args:
            query: of any terms; images find texts as texts find images.
            k: at least 1.
            target: which gallery to search: the images, or the texts that came with them.
            where: a filter, from `retrieval.store.filters.grammar.parse_filter`; only items that
                satisfy it now are found. Of texts, it is about the text, not about its picture.
            adjust: where the collection has a hubness bias, which it learns if that finds more,
                rank the images that texts find (the texts that images find) by their score less
                this bias: `Hit.adjusted`. `Hit.score` is the cosine all the same.
            weigh: say of each hit how sure it is, `Hit.confidence`, and of the query whether it
                looks visual. The first time, a collection asks itself some texts for that.

        Raises:
            QueryError: k < 1, an image cannot be used, an item is unknown, or the terms cancel out.
            EncoderUnavailableError: the collection's encoder cannot be had.
            EncoderMismatchError: what goes by its name is another one by now.
        """
        return self.search_batch(
            [query], k, target=target, where=where, adjust=adjust, weigh=weigh
        )[0]

    def search_batch(
        self,
        queries: Sequence[Query | Expression],
        k: int = DEFAULT_K,
        *,
        target: GalleryName = "images",
        where: Predicate | None = None,
        adjust: bool = True,
        weigh: bool = False,
    ) -> list[SearchResult]:
        """Answer many queries at once, in their order; each as `search` would alone.

        All texts go to the encoder in one call, all vectors to the index in one search.
        """
        _check_k(k)
        if not queries:
            return []
        asked_for = [each if isinstance(each, Query) else Query(each) for each in queries]
        while True:
            view = self._view
            try:
                with view.turn():
                    plan = plan_queries(asked_for, self._encoder, view, target)
                    results: list[SearchResult | None] = [None] * len(queries)
                    for own, numbers in _by_filter(plan, where).items():
                        only = None if own is None else view.ids_where(own, target)
                        asked = plan if len(numbers) == len(queries) else plan.part(numbers)
                        ranking = view.rank_planned(asked, k, target, only, adjust=adjust)
                        n_matching = None if only is None else len(only)
                        found = view.results(ranking, target, n_matching)
                        if weigh:
                            own_queries = [asked_for[number] for number in numbers.tolist()]
                            lengths = [length_of(each.expression) for each in own_queries]
                            found = self._weigher.weigh(found, asked, lengths, view, target)
                        for number, result in zip(numbers.tolist(), found, strict=True):
                            results[number] = result
                    return [each for each in results if each is not None]
            except GenerationGoneError:
                self._renew(view)

    def encode(
        self, queries: Sequence[Query | Expression], target: GalleryName = "images"
    ) -> Float32Array:
        """The vectors that queries are scored with, (Q, dim) unit rows; raises as `search` does.

        Of a query that is no single vector (`Product`, `EachOf`) it is the mean of its parts.
        """
        if not queries:
            return np.empty((0, self._view.dim), np.float32)
        asked_for = [each if isinstance(each, Query) else Query(each) for each in queries]
        while True:
            view = self._view
            try:
                return plan_queries(asked_for, self._encoder, view, target).vectors
            except GenerationGoneError:
                self._renew(view)

    def search_vectors(
        self,
        vectors: Float32Array,
        k: int = DEFAULT_K,
        exclude: Sequence[ItemId] = (),
        *,
        target: GalleryName = "images",
        modality: Literal["image", "text", "composed"] | Sequence[MadeOf] = "image",
        where: Predicate | None = None,
    ) -> Ranking:
        """Rank items for ready query vectors; no encoder and, without a filter, no catalogue.

        Always by the cosine alone.

        Args:
            vectors: (Q, dim) float32 unit rows in the collection's embedding space.
            k: at least 1.
            exclude: items that must not be returned for any query.
            target: as for `search`.
            modality: what the vectors are of; an index looks for each in a way of its own.
                "composed" are sums of images and texts. Where the parts of each vector are known,
                give these: the index then looks where they would.
            where: as for `search`.

        Returns:
            Scores and ids, (Q, w), w = min(k, items not excluded or filtered out); score
            descending, ties by id.

        Raises:
            QueryError: k < 1.
            ValueError: the vectors, or parts of them, have another shape or type, or hold NaN or
                infinity, or there are parts of another number of vectors.
        """
        _check_k(k)
        dim = self.collection.manifest.encoder.dim
        check_vectors(vectors, dim)
        excluded = np.unique(np.asarray(exclude, np.int64)) if len(exclude) else _NO_IDS
        rows, unwanted = np.ascontiguousarray(vectors), (excluded,) * len(vectors)
        made_of = made_of_vectors(rows, modality)
        while True:
            view = self._view
            try:
                with view.turn():
                    only = None if where is None else view.ids_where(where, target)
                    return view.rank(rows, k, unwanted, target, made_of, only)
            except GenerationGoneError:
                self._renew(view)

    def languages_of(self, query: Query | Expression) -> Languages:
        """Which language each text of a query is read in, how that was chosen, what knows it.

        Raises:
            EncoderUnavailableError: the collection's encoder cannot be had.
            EncoderMismatchError: what goes by its name is another one by now.
        """
        asked_for = query if isinstance(query, Query) else Query(query)
        return self._encoder.languages_of(asked_for.expression)

    def sample(self, target: GalleryName = "images", most: int = SAMPLED) -> Float32Array:
        """Vectors of living items from all over a gallery, (m, dim) unit rows, m <= most."""
        while True:
            view = self._view
            try:
                with view.turn():
                    return view.spread(target, most)
            except GenerationGoneError:
                self._renew(view)

    def queries_at_once(self, k: int) -> int | None:
        """Queries for k hits whose answers fit into the budget together; None sets no limit.

        For whoever has many to ask, and lets go of the answers meanwhile.
        """
        hits = self._plan.hits
        return None if hits is None else max(1, hits // max(1, k))

    def close(self) -> None:
        """Close the collection."""
        self._view.collection.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _renew(self, old: View) -> None:
        """Open the newest generation in place of a view whose rows are gone."""
        with self._lock:
            if self._view is not old:  # another thread was here first
                return
            if self._max_memory is not None:
                old.forget()
            collection = self._open_newest()
            here, before = collection.manifest.encoder, old.collection.manifest.encoder
            if here.fingerprint != before.fingerprint:
                collection.close()
                raise EncoderMismatchError(
                    expected=here.label,
                    found=before.label,
                )
            with contextlib.ExitStack() as on_error:
                on_error.callback(collection.close)
                self._view = self._view_of(collection)
                on_error.pop_all()
            old.collection.close()

    def _view_of(self, collection: Collection) -> View:
        """A generation ready to be searched, within the budget."""
        self._plan = plan_for(collection, self._max_memory)
        self._held.close()
        if self._plan.catalogue_bytes is not None:
            self._held.enter_context(sqlite_within(self._plan.catalogue_bytes))
        return View(collection, self._device, self._plan)


def _by_filter(plan: Plan, where: Predicate | None) -> dict[Predicate | None, Int64Array]:
    """The numbers of the queries that are asked among the same items, by their filter."""
    if not any(plan.wheres):
        return {where: np.arange(len(plan.vectors))}
    filters = [where if own is None else both(own, where) for own in plan.wheres]
    return {
        each: np.array([number for number, own in enumerate(filters) if own == each])
        for each in dict.fromkeys(filters)
    }


def _check_k(k: int) -> None:
    if k < 1:
        raise QueryError(f"k must be at least 1, got {k}")
