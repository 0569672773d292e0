"""Where the results of a run go: into a collection, or nowhere."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from indexer.embed import EmbeddedBatch, embed_batch
from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.base import Encoder, Pixels, uses_accelerator
from retrieval.model import Float32Array, ItemId
from retrieval.store.changes import PathChange
from retrieval.store.collection import Collection


class CollectionTarget:
    """Commits a run's results to a collection.

    Attributes:
        processors_free: not set while an encoder on the CPU embeds a batch. It uses all processors
            in step, so one that a decoder takes for a while holds up the rest: decoding between
            the batches costs half of what it costs beside them.
    """

    def __init__(self, writer: CollectionWriter, encoder: Encoder, roots: Sequence[bytes]) -> None:
        self.processors_free = threading.Event()
        self.processors_free.set()
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
        if uses_accelerator(self._encoder):
            return embed_batch(self._encoder, ready)
        self.processors_free.clear()
        try:
            return embed_batch(self._encoder, ready)
        finally:
            self.processors_free.set()

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

    processors_free = None

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
