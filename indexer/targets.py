"""Where the results of a run go: into a collection, or nowhere."""

from collections.abc import Mapping, Sequence

import numpy as np

from indexer.embed import EmbeddedBatch, embed_batch
from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.base import Encoder, Pixels
from retrieval.model import Float32Array, ItemId
from retrieval.store.changes import PathChange
from retrieval.store.collection import Collection


class CollectionTarget:
    """Commits a run's results to a collection."""

    def __init__(self, writer: CollectionWriter, encoder: Encoder, roots: Sequence[bytes]) -> None:
        self._writer = writer
        self._encoder = encoder
        self._roots = roots

    def find_items(self, sha256: Sequence[str]) -> Mapping[str, ItemId]:
        """Those of the contents that the collection has, under whatever root."""
        return find_items(self._writer.collection, sha256)

    def embed(self, pixels: Sequence[Pixels | None]) -> EmbeddedBatch:
        """Embed; a batch that fails is halved."""
        ready = [each for each in pixels if each is not None]
        assert len(ready) == len(pixels), "an encoder was there to preprocess every picture"
        return embed_batch(self._encoder, ready)

    def commit(
        self, vectors: Float32Array, items: Sequence[NewItem], changes: Sequence[PathChange]
    ) -> Sequence[ItemId]:
        """Make one segment durable, and the run's roots with it."""
        return self._writer.commit(
            vectors if items else None, items, changes, roots=self._roots
        ).ids

    def record_roots(self) -> None:
        """Commit roots that no commit of this run has recorded; without any, do nothing."""
        if not set(self._roots) <= set(self._writer.manifest.roots):
            self._writer.commit(None, (), roots=self._roots)


class Rehearsal:
    """Takes a run's results and keeps nothing: a dry run decodes, and embeds and writes not."""

    def __init__(self, collection: Collection | None) -> None:
        self._collection = collection

    def find_items(self, sha256: Sequence[str]) -> Mapping[str, ItemId]:
        """As of the collection, if there is one."""
        return find_items(self._collection, sha256) if self._collection else {}

    def embed(self, pixels: Sequence[Pixels | None]) -> EmbeddedBatch:
        """Every picture passes; rows have no columns."""
        n = len(pixels)
        return EmbeddedBatch(tuple(range(n)), np.empty((n, 0), np.float32), {})

    def commit(
        self, vectors: Float32Array, items: Sequence[NewItem], changes: Sequence[PathChange]
    ) -> Sequence[ItemId]:
        """Ids that no item has."""
        return [ItemId(0)] * len(items)


def find_items(collection: Collection, sha256: Sequence[str]) -> Mapping[str, ItemId]:
    """Items of a collection by content; contents it does not have are left out."""
    return collection.catalogue.items_by_sha256(sha256, collection.generation)
