"""polyseek itself: a collection built by its own builder, searched by its own engine.

The one place of the benchmark that knows how vectors get into a collection and queries into the
engine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.systems.base import (
    Description,
    RowNumbers,
    Setting,
    Task,
    Vectors,
    open_base,
    padded,
)
from indexer.embeddings import Embeddings, index_embeddings
from indexer.options import BuildOptions, IndexOptions
from retrieval.ann.exact import Ranking
from retrieval.ann.spec import IndexSpec
from retrieval.engine import SearchEngine
from retrieval.model import GalleryName
from retrieval.query.plan import MadeOf
from retrieval.store.segment import ROWS, VECTORS

_IDS = "ids.txt"
_COLLECTION = "collection"
_MAX_TEXTS = 25_000
"""Of the texts to train with: four fifths teach the router, the rest tunes and measures."""

_ROOT = "rows"
"""Of the keys that rows go by: no files, so that nothing looks for them on the disk."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the vectors of a collection are.

    Attributes:
        gallery: that they go into.
        model: name of the encoder that made them; where it can be had, an index of images is tuned
            on texts that it embeds, as every collection's is.
        fingerprint: of that encoder.
    """

    gallery: GalleryName = "images"
    model: str = "benchmark"
    fingerprint: str = "0" * 64


def build_collection(source: Embeddings, folder: Path, task: Task) -> None:
    """`polyseek index --embeddings`, with what the benchmark was given to train and tune with."""
    texts = None if task.train_texts is None else open_base(task.train_texts)[:_MAX_TEXTS]
    build = BuildOptions(
        spec=IndexSpec.parse(task.option or "auto"),
        target_recall=task.target_recall,
        foreign_queries=None if texts is None else np.asarray(texts, np.float32),
        seed=task.seed,
    )
    index_embeddings(source, folder, options=IndexOptions(build=build))


def ask(
    engine: SearchEngine,
    queries: Vectors,
    k: int,
    setting: Setting,
    gallery: GalleryName = "images",
) -> Ranking:
    """One search, as a program with ready vectors would ask.

    Composed queries ask images, with their parts.
    """
    if setting.parts is None:
        return engine.search_vectors(queries, k, target=gallery, modality=setting.modality)
    made_of = [MadeOf(pair, ("text", "image")) for pair in setting.parts]
    return engine.search_vectors(queries, k, modality=made_of)


class Polyseek:
    """A collection of the vectors.

    Args:
        contents: what they are.
    """

    def __init__(self, contents: Contents | None = None) -> None:
        self._contents = contents or Contents()

    def build(self, task: Task) -> None:
        """Index the base under keys that are row numbers."""
        folder = Path(task.folder)
        n = len(open_base(task.base))
        names = folder / _IDS
        names.write_text("".join(f"{_ROOT}/{number:09}\n" for number in range(n)))
        own = self._contents
        source = Embeddings(Path(task.base), names, own.gallery, own.model, own.fingerprint)
        build_collection(source, folder / _COLLECTION, task)
        names.unlink()

    def open(self, task: Task) -> "PolyseekSearcher":
        """Open the collection."""
        return PolyseekSearcher(task, self._contents.gallery)


class PolyseekSearcher:
    """An open collection."""

    def __init__(self, task: Task, gallery: GalleryName = "images") -> None:
        """Open the engine. Torch and FAISS take their threads from the environment."""
        self._task = task
        self._gallery = gallery
        self._engine = SearchEngine.open(Path(task.folder, _COLLECTION))
        self._keys: tuple[RowNumbers, RowNumbers] | None = None

    def describe(self) -> Description:
        """The index that the builder chose, with the recall that it measured itself."""
        gallery = self._engine.collection.gallery(self._gallery)
        record = gallery.entry.index
        params: dict[str, Any] = {"router": self._router()}
        if record is not None:
            params |= {
                name: value
                for name, value in record.to_json().items()
                if name != "spec" and not isinstance(value, Mapping)
            }
        files = dict(_files(gallery.entry.to_json()))
        mapped = sum(size for name, size in files.items() if name.endswith("/" + VECTORS))
        kept = sum(size for name, size in files.items() if not name.endswith((VECTORS, ROWS)))
        return Description("exact" if record is None else record.spec, params, kept, mapped)

    def search(self, queries: Vectors, k: int, setting: Setting) -> Ranking:
        """Scores and item ids."""
        return ask(self._engine, queries, k, setting, self._gallery)

    def rows(self, found: Ranking, k: int) -> RowNumbers:
        """Items by their keys; rows that are equal are one item with several."""
        if self._keys is None:
            self._keys = self._read_keys()
        items, numbers = self._keys
        firsts = np.searchsorted(items, found[1], side="left")
        if len(np.unique(items)) == len(items):
            return padded(numbers[np.minimum(firsts, len(items) - 1)], k)
        ends = np.searchsorted(items, found[1], side="right")
        answers = [
            np.concatenate([numbers[a:b] for a, b in zip(*spans, strict=True)])[:k]
            for spans in zip(firsts, ends, strict=True)
        ]
        return np.vstack([padded(each[None], k) for each in answers])

    def close(self) -> None:
        """Close the collection."""
        self._engine.close()

    def _read_keys(self) -> tuple[RowNumbers, RowNumbers]:
        """Item and row number of every key, by item."""
        collection = self._engine.collection
        known = collection.catalogue.files_under(_ROOT.encode(), collection.generation)
        pairs = np.array(sorted((each.item_id, int(each.file.name)) for each in known), np.int64)
        return pairs[:, 0], pairs[:, 1]

    def _router(self) -> str:
        if self._task.train_texts is None:
            return "off: no --train-texts"
        record = self._engine.collection.gallery(self._gallery).entry.index
        is_used = record is not None and record.router is not None
        return "trained" if is_used else "off: it does not win here"


def _files(value: object) -> Iterator[tuple[str, int]]:
    """Every file that a manifest's section refers to: objects with name, size_bytes, sha256."""
    if isinstance(value, Mapping):
        if {"name", "size_bytes", "sha256"} <= set(value):
            yield value["name"], value["size_bytes"]
        for each in value.values():
            yield from _files(each)
    elif isinstance(value, list):
        for each in value:
            yield from _files(each)
