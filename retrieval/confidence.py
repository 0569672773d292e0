"""Find the known matches of a collection, once, and weigh hits by them.

What a text query scores at a match is learnt from the collection's own captions, whole and in
parts, for each has its picture there; where there are too few, from pairs of a picture and a name
of the bank that are each other's best. An image that looks for texts is held against mutual pairs,
too; queries of the kind of the gallery against the nearest neighbours within it.

Both what the bank's texts embed to and the matches are kept in the user's cache folder: the first
for an encoder, the others for a generation of a collection.
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from retrieval.ann.exact import NO_ID
from retrieval.calibrate import (
    Calibration,
    Sigmoid,
    Source,
    Spread,
    is_mutual,
    looks_visual,
    part_of,
    weighed,
)
from retrieval.encoders.name_bank import name_bank
from retrieval.kinds import kind_of
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId, Modality, SearchResult
from retrieval.query.encoding import QueryEncoder
from retrieval.query.plan import MadeOf, Plan
from retrieval.store.cached import CacheFolder
from retrieval.view import View

ENOUGH_CAPTIONS = 100
"""Texts of a collection from which matches are learnt; with fewer, the bank gives them."""

ASKED = 256
"""Queries that a collection asks itself."""

_VERSION = 2
"""Of what is cached; another one when matches are found in another way."""


class Weigher:
    """Says of hits how sure they are; may be called from several threads.

    Args:
        encoder: of the collection.
        cache_dir: the user's cache folder; None keeps nothing there.
    """

    def __init__(self, encoder: QueryEncoder, cache_dir: Path | None) -> None:
        self._encoder = encoder
        self._cache = CacheFolder(cache_dir, "confidence")
        self._lock = threading.Lock()
        self._known: dict[str, Calibration | None] = {}

    def weigh(
        self,
        results: Sequence[SearchResult],
        plan: Plan,
        lengths: Sequence[int],
        view: View,
        target: GalleryName,
    ) -> list[SearchResult]:
        """The same results, with confidence, z and probability of their hits.

        Args:
            results: of the queries of `plan`, in their order.
            plan: of the queries.
            lengths: characters of each query that is one text; 0 of the others.
            view: that answered.
            target: the gallery that was searched.

        Raises:
            EncoderUnavailableError: the collection asks itself texts, and the encoder cannot be
                had.
        """
        weighed_results = []
        for number, result in enumerate(results):
            if result.hits:
                kind = kind_of(plan.made_of[number])
                vector = plan.vectors[number]
                calibration, sigmoid = self._measures(kind, lengths[number], view, target)
                spread = Spread.of(view.sample(target), vector)
                result = replace(
                    result,
                    hits=weighed(result.hits, calibration, spread, sigmoid),
                    looks_visual=self._looks_visual(vector) if kind == "text" else None,
                )
            weighed_results.append(result)
        return weighed_results

    def _measures(
        self, kind: str, length: int, view: View, target: GalleryName
    ) -> tuple[Calibration | None, Sigmoid | None]:
        """What hits of such a query are held against; of composed ones nothing is known."""
        if kind not in ("text", "image"):
            return None, None
        modality: Modality = "text" if kind == "text" else "image"
        calibration = self.calibration(view, target, modality)
        known = None if modality == _own(target) else self._encoder.sigmoid()
        return (
            None if calibration is None else calibration.among_texts_of(length),
            None if known is None else Sigmoid(*known),
        )

    def _looks_visual(self, vector: Float32Array) -> bool:
        return looks_visual(vector, self._encoder.bank("visual"), self._encoder.bank("abstract"))

    def calibration(
        self, view: View, target: GalleryName, modality: Modality
    ) -> Calibration | None:
        """What matches of a gallery score; None where too few are known.

        Args:
            view: of the collection.
            target: the gallery.
            modality: of the queries.
        """
        manifest = view.collection.manifest
        name = (
            f"{_VERSION} {self._encoder.fingerprint} {manifest.key} "
            f"{view.collection.generation} {target} {modality}"
        )
        with self._lock:
            if name in self._known:
                return self._known[name]
        file = f"{sha256(name.encode()).hexdigest()}.json"
        found = _calibration_in(self._cache.read(file))
        if found is None:
            found = self._learnt(view, target, modality)
            if found is not None:
                self._cache.keep(file, found.to_json().encode("ascii"))
        with self._lock:
            self._known[name] = found
        return found

    def _learnt(self, view: View, target: GalleryName, modality: Modality) -> Calibration | None:
        if modality == _own(target):
            ids = view.sample_ids(target, ASKED)
            return _nearest(view, target, ids)
        if modality == "image":
            ids = view.sample_ids("images", ASKED)
            return _mutual(view, target, view.vectors_of_items(_items(ids)), modality)
        ids = view.sample_ids("texts", ASKED)
        if len(ids) >= ENOUGH_CAPTIONS and view.sample_ids(target, 1).size:
            return self._by_captions(view, target, ids)
        names = self._encoder.bank("visual")[: len(name_bank())]
        return _mutual(view, target, names, modality)

    def _by_captions(self, view: View, target: GalleryName, ids: Int64Array) -> Calibration:
        """By captions of the collection: every other one whole, as stored; of the others a part."""
        chance = random.Random(0)
        records = view.collection.catalogue.hydrate(_items(ids), view.collection.generation)
        said = [record.captions[0] for record in records.values()]
        parts = self._encoder.encode_captions([part_of(text, chance) for text in said[1::2]])
        whole = view.vectors_of_items(_items(ids[::2]))
        scores, _ = _best(view, target, np.concatenate([whole, parts]), "text")
        return Calibration.of_captions(
            scores[: len(whole)], scores[len(whole) :], list(map(len, said))
        )


def _own(target: GalleryName) -> Modality:
    return "text" if target == "texts" else "image"


def _items(ids: Int64Array) -> list[ItemId]:
    return [ItemId(each) for each in ids.tolist()]


def _best(
    view: View,
    target: GalleryName,
    queries: Float32Array,
    modality: Modality,
    excluded: Sequence[Int64Array] = (),
) -> tuple[Float32Array, Int64Array]:
    """The score and the id of the best item of each query that has any."""
    made_of = [MadeOf(row[None], (modality,)) for row in queries]
    scores, ids = view.rank(queries, 1, excluded, target, made_of)
    if not ids.shape[1]:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    there = ids[:, 0] != NO_ID
    return scores[there, 0], ids[there, 0]


def _mutual(
    view: View, target: GalleryName, queries: Float32Array, modality: Modality
) -> Calibration | None:
    """By the pairs of a query and an item that are each other's best."""
    if not len(queries):
        return None
    scores, ids = _best(view, target, queries, modality)
    if len(scores) < len(queries):  # the gallery is empty
        return None
    source: Source = "bank"
    return Calibration.of(scores[is_mutual(queries, view.vectors_of_items(_items(ids)))], source)


def _nearest(view: View, target: GalleryName, ids: Int64Array) -> Calibration | None:
    """By what items score with the nearest other one."""
    if not len(ids):
        return None
    vectors = view.vectors_of_items(_items(ids))
    scores, _ = _best(view, target, vectors, _own(target), list(ids[:, None]))
    return Calibration.of(scores, "neighbours")


def _calibration_in(content: bytes | None) -> Calibration | None:
    """What was kept; None where that is nothing that can be used."""
    try:
        return None if content is None else Calibration.from_json(content.decode("ascii"))
    except ValueError:
        return None
