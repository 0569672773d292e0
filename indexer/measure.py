"""Measure what an approximate index finds, against exact search: each kind of query apart."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrieval.ann.codes_file import CodesSource
from retrieval.ann.fanout import RECALL_DEPTH, AtOnce, FanOut, Part, SearchSettings
from retrieval.ann.recall import QuerySet, Recall, measure_recall
from retrieval.ann.rescoring import RESCORED_ROWS
from retrieval.ann.routing import QueryParts, Router
from retrieval.ann.scratch import scratch_rows
from retrieval.encoders.bank import caption_bank, query_bank
from retrieval.encoders.base import Encoder
from retrieval.encoders.name_bank import name_bank
from retrieval.model import Float32Array, GalleryName, Int64Array
from retrieval.store.collection import Collection, Gallery
from retrieval.store.index_record import RecallRecord

MAX_QUERIES = 512
"""Foreign or composed queries; a build tunes on half of them and measures on the other: a standard
error of recall of about 0.006 where it is 0.95."""

MAX_ITEMS = 1_024
"""Items that ask for their neighbours. They are searched for in a fifth of the time of foreign
queries, and of the cheapest settings that half of 512 found enough with, others found .004 less."""

MAX_TRAINING = 20_000
"""Foreign queries that a router learns from."""

_GENERATED = 4_000
"""Of them, where they are captions of our own: each has to be encoded first."""

_MIN_QUERIES = 20
"""Fewer say nothing about a recall."""

_MIN_POOL = 2_000
"""Captions of a collection that are enough to learn and to measure with."""


@dataclass(frozen=True, slots=True)
class ForeignQueries:
    """Queries of another kind than a gallery's items: captions for images, images for texts.

    They lie outside the distribution that the index was trained on: the modality gap.

    Attributes:
        test: (t, dim) unit rows to tune and to measure with; none of them is in `training`.
        training: (n, dim) unit rows that a router learns from; may be empty.
    """

    test: Float32Array
    training: Float32Array

    def spilled(self, folder: Path) -> "ForeignQueries":
        """The same; those to learn from lie in a file there, so that their memory is free."""
        training = scratch_rows(len(self.training), self.training.shape[1], folder)
        training[:] = self.training
        return replace(self, test=self.test.copy(), training=training)

    @classmethod
    def split(
        cls, pool: Float32Array, rng: np.random.Generator, most: int = MAX_TRAINING
    ) -> "ForeignQueries":
        """A fifth of a pool to test with, at most MAX_QUERIES; of the rest `most` to learn from."""
        order = rng.permutation(len(pool))
        n_test = min(MAX_QUERIES, len(pool) // 5)
        training = pool[order[n_test : n_test + most]]
        return cls(pool[order[:n_test]], np.ascontiguousarray(training))


def draw_items(index: FanOut, size: int, rng: np.random.Generator) -> Int64Array:
    """Positions of living items, drawn without replacement from all segments, ascending."""
    live = index.live_positions
    return np.sort(rng.choice(live, min(size, len(live)), replace=False))


def foreign_queries(
    view: Collection,
    name: GalleryName,
    encoder: Encoder | None,
    rng: np.random.Generator,
    *,
    training: int = MAX_TRAINING,
) -> ForeignQueries | None:
    """Foreign queries for a gallery: from the collection's other gallery if that holds enough.

    Else images are asked for with captions and names that polyseek writes itself. None where there
    are too few: no encoder for captions, next to no images.

    Args:
        view: of the collection.
        name: of the gallery that is searched.
        encoder: of the collection, for captions of our own.
        rng: decides which are taken.
        training: how many there may be to learn from.
    """
    other = fan_out_of(view.gallery("texts" if name == "images" else "images"))
    if other.n_live >= (_MIN_POOL if name == "images" else _MIN_QUERIES):
        wanted = max(MAX_QUERIES + training, 5 * MAX_QUERIES)
        return ForeignQueries.split(other.vectors_of(draw_items(other, wanted, rng)), rng, training)
    if name != "images" or encoder is None:
        return None
    asked = _asked_texts(rng)
    n_own = min(_GENERATED, training)
    generated = query_bank(n_own, seed=int(rng.integers(1 << 31))) if n_own else ()
    rows = encoder.encode_texts([*asked, *generated])
    return ForeignQueries(rows[: len(asked)], rows[len(asked) :])


def _asked_texts(rng: np.random.Generator) -> list[str]:
    """At most MAX_QUERIES texts of our own, shuffled: half names, half captions.

    An index that is tuned on captions alone misses more of what is asked for by name.
    """
    names = rng.permutation(name_bank())[: MAX_QUERIES // 2]
    captions = rng.permutation(caption_bank())[: MAX_QUERIES - len(names)]
    return [str(text) for text in rng.permutation(np.concatenate([names, captions]))]


def draw_queries(
    index: FanOut,
    name: GalleryName,
    foreign: Float32Array | None,
    rng: np.random.Generator,
) -> dict[str, QuerySet]:
    """Queries of each kind, by modality.

    Items ask for their neighbours without themselves; foreign queries ask as they are; composed
    ones are the sum of an item and a foreign query.

    Args:
        index: of the gallery.
        name: of the gallery.
        foreign: see `ForeignQueries.test`; None: only items ask.
        rng: decides which items, and their order.
    """
    own, other = ("image", "text") if name == "images" else ("text", "image")
    positions = draw_items(index, MAX_ITEMS, rng)
    rng.shuffle(positions)
    items, ids = index.vectors_of(positions), tuple(index.ids[positions][:, None])
    sets = {own: QuerySet(items, ids)}
    if foreign is None:
        return sets
    alone = tuple(QueryParts.single(vector, is_foreign=True) for vector in foreign)
    n_pairs = min(len(foreign), len(items))
    sums = items[:n_pairs] + foreign[:n_pairs]
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    pairs = tuple(
        QueryParts(np.stack(pair), (False, True))
        for pair in zip(items[:n_pairs], foreign[:n_pairs], strict=True)
    )
    return {
        **sets,
        other: QuerySet(foreign, parts=alone),
        "composed": QuerySet(sums, ids[:n_pairs], pairs),
    }


def remeasure(
    view: Collection, name: GalleryName, encoder: Encoder | None, *, seed: int = 0
) -> tuple[RecallRecord, ...]:
    """Recall of a gallery's published index as it stands now; () where exact search serves.

    Items that came since the build take part; some foreign queries are those it was tuned on.

    Raises:
        CorruptCollectionError: a file of the index is not what the manifest says.
        MissingDependencyError: FAISS is not installed.
    """
    gallery = view.gallery(name)
    record = gallery.entry.index
    if record is None:
        return ()
    index = published_index(gallery)
    rng = np.random.default_rng(seed)
    foreign = foreign_queries(view, name, encoder, rng, training=0)
    queries = draw_queries(index, name, foreign.test if foreign else None, rng)
    found = []
    for modality, each in queries.items():
        mode = record.mode(modality)
        if mode is not None:
            settings = SearchSettings(mode.nprobe, mode.candidates, mode.routed, mode.floor)
            found.append(recall_record(modality, measure_recall(index, settings, each)))
    return tuple(found)


def recall_record(modality: str, recall: Recall) -> RecallRecord:
    """A measurement as a manifest holds it."""
    return RecallRecord(
        modality, RECALL_DEPTH, recall.mean, recall.standard_error, recall.n_queries
    )


def published_index(
    gallery: Gallery, device: str = "cpu", rows_at_once: int = RESCORED_ROWS
) -> FanOut:
    """A gallery as it is searched: with its codebook, its codes and its router, if it has them.

    Raises:
        CorruptCollectionError: a file of the index is not what the manifest says.
        MissingDependencyError: FAISS is not installed.
    """
    record = gallery.entry.index
    if record is None:
        return fan_out_of(gallery, device=device, rows_at_once=rows_at_once)
    paths = {each.name: each.codes_path(record.codebook.short) for each in gallery.segments}
    codes: dict[str, CodesSource] = {name: path for name, path in paths.items() if path}
    router = gallery.read_router()
    return fan_out_of(
        gallery,
        gallery.read_codebook(),
        codes,
        Router.from_bytes(router) if router else None,
        device,
        rows_at_once,
    )


def fan_out_of(
    gallery: Gallery,
    codebook: bytes | None = None,
    codes: Mapping[str, CodesSource] | None = None,
    router: Router | None = None,
    device: str = "cpu",
    rows_at_once: int = RESCORED_ROWS,
) -> FanOut:
    """A gallery as one array, searched by these codes (by segment), or exactly."""
    known = codes or {}
    return FanOut(
        [Part(each.ids, each.vectors, known.get(each.name)) for each in gallery.segments],
        codebook=codebook,
        router=router,
        dead=gallery.tombstones,
        device=device,
        at_once=AtOnce(rows_at_once),
    )
