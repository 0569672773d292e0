"""Answer queries from one collection: the composition root of the query side.

query.plan gives vectors and exclusions, ann.fanout ranks ids, the catalogue turns ids into hits.
Nothing here changes after opening, so one engine serves many threads, always from the generation
that it opened.
"""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from retrieval.ann.exact import NO_ID, Ranking
from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.encoders.base import Encoder
from retrieval.errors import CatalogueError, QueryError
from retrieval.model import Float32Array, Hit, Int64Array, ItemId, ItemRecord, SearchResult
from retrieval.query.algebra import Query
from retrieval.query.encoding import QueryEncoder
from retrieval.query.plan import plan_queries
from retrieval.store.collection import Collection, Gallery

DEFAULT_K = 10


class SearchEngine:
    """Searches the images of one collection. Close it, or use it in a `with`.

    Attributes:
        collection: the open generation.
    """

    def __init__(self, collection: Collection, encoder: QueryEncoder) -> None:
        """Load the index of an open collection; `SearchEngine.open` is the way in."""
        self.collection = collection
        self._encoder = encoder
        gallery = collection.gallery("images")
        self._items = _GalleryItems(collection, _fan_out(gallery))
        self._fan_out = self._items.fan_out
        index = gallery.entry.index
        self._settings = SearchSettings(index.nprobe, index.candidates) if index else None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        device: str = "auto",
        catalogue_url: str | None = None,
        cache_dir: Path | None = None,
    ) -> Self:
        """Open the newest generation of a collection and its index.

        Args:
            folder: of the collection.
            encoder: for texts and images in queries; None makes the collection's own by its name
                when a query first needs it.
            device: for the encoder made here: "auto", "cpu", "cuda" or "mps".
            catalogue_url: of a PostgreSQL catalogue, with user and password.
            cache_dir: where receipts of hashed files are kept; None keeps none.

        Raises:
            CollectionError: there is no collection, or it is damaged, or of another encoder.
            MissingDependencyError: its index needs FAISS, which is not installed.
        """
        with contextlib.ExitStack() as on_error:
            collection = on_error.enter_context(
                Collection.open(folder, catalogue_url=catalogue_url, cache_dir=cache_dir)
            )
            query_encoder = QueryEncoder(collection.manifest.encoder, encoder, device=device)
            engine = cls(collection, query_encoder)
            on_error.pop_all()
        return engine

    def search(self, query: Query, k: int = DEFAULT_K) -> SearchResult:
        """The k best items for a query, fewer only if there are no more.

        The query's own images and items are not returned.

        Raises:
            QueryError: k < 1, an image cannot be used, an item is unknown, or the terms cancel out.
            EncoderUnavailableError: the collection's encoder cannot be had.
            EncoderMismatchError: what goes by its name is another one by now.
        """
        return self.search_batch([query], k)[0]

    def search_batch(self, queries: Sequence[Query], k: int = DEFAULT_K) -> list[SearchResult]:
        """Answer many queries at once, in their order; each as `search` would alone.

        All texts go to the encoder in one call, all vectors to the index in one search.
        """
        _check_k(k)
        if not queries:
            return []
        plan = plan_queries(queries, self._encoder, self._items)
        scores, ids = self._fan_out.search(plan.vectors, k, self._settings, plan.excluded)
        return self._results(scores, ids)

    def search_vectors(
        self, vectors: Float32Array, k: int = DEFAULT_K, exclude: Sequence[ItemId] = ()
    ) -> Ranking:
        """Rank items for ready query vectors; no encoder, no catalogue.

        Args:
            vectors: (Q, dim) float32 unit rows in the collection's embedding space.
            k: at least 1.
            exclude: items that must not be returned for any query.

        Returns:
            Scores and ids, (Q, w), w = min(k, items not excluded); score descending, ties by id.

        Raises:
            QueryError: k < 1.
            ValueError: the vectors have another shape or type, or hold NaN or infinity.
        """
        _check_k(k)
        dim = self.collection.manifest.encoder.dim
        if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
            raise ValueError(f"expected float32 (Q, {dim}), got {vectors.dtype} {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("a query vector holds NaN or infinity")
        excluded = np.unique(np.asarray(exclude, np.int64))
        return self._fan_out.search(
            np.ascontiguousarray(vectors), k, self._settings, (excluded,) * len(vectors)
        )

    def close(self) -> None:
        """Close the collection."""
        self.collection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _results(self, scores: Float32Array, ids: Int64Array) -> list[SearchResult]:
        wanted = [ItemId(item_id) for item_id in np.unique(ids).tolist() if item_id != NO_ID]
        records = self.collection.catalogue.hydrate(wanted, self.collection.generation)
        if len(records) < len(wanted):
            missing = next(item_id for item_id in wanted if item_id not in records)
            raise CatalogueError(
                f"the catalogue does not know item {missing}, which the collection holds",
                hint="delete catalogue.db; the next `polyseek index` rebuilds it",
            )
        return [
            SearchResult(
                hits=_hits(row_scores, row_ids, records),
                generation=self.collection.generation,
                exact=self._fan_out.is_exact,
            )
            for row_scores, row_ids in zip(scores.tolist(), ids.tolist(), strict=True)
        ]


class _GalleryItems:
    """The items of an open gallery, as the planning of a query asks for them."""

    def __init__(self, collection: Collection, fan_out: FanOut) -> None:
        self.fan_out = fan_out
        self._collection = collection

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        positions = self.fan_out.positions_of(np.array(ids, np.int64))
        for item_id, position in zip(ids, positions.tolist(), strict=True):
            if position == NO_ID:
                raise QueryError(
                    f"no item {item_id} in the collection", hint="ids are in the output of a query"
                )
        return self.fan_out.vectors_of(positions)

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        return self._collection.catalogue.items_by_sha256(hexes, self._collection.generation)


def _fan_out(gallery: Gallery) -> FanOut:
    index = gallery.entry.index
    return FanOut(
        [
            Part(
                segment.ids,
                segment.vectors,
                segment.read_codes(index.codebook.short) if index else None,
            )
            for segment in gallery.segments
        ],
        codebook=gallery.read_codebook(),
        dead=gallery.tombstones,
    )


def _hits(
    scores: Sequence[float], ids: Sequence[int], records: Mapping[ItemId, ItemRecord]
) -> tuple[Hit, ...]:
    """The hits of one ranking; the score of float16 rows may pass 1 by a rounding, so it is cut."""
    return tuple(
        Hit(rank, max(-1.0, min(1.0, score)), records[ItemId(item_id)])
        for rank, (score, item_id) in enumerate(zip(scores, ids, strict=True), start=1)
        if item_id != NO_ID
    )


def _check_k(k: int) -> None:
    if k < 1:
        raise QueryError(f"k must be at least 1, got {k}")
