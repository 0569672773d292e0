"""From queries to what a search needs: one vector each, what else counts, and what must not come.

All texts of all queries are encoded in one call, all images in another; a leaf that several queries
share is encoded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retrieval.errors import QueryError
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId, Modality
from retrieval.query.algebra import Expression, Leaf, Query
from retrieval.query.compose import Composer
from retrieval.query.each_of import Weakest
from retrieval.query.encoding import QueryEncoder
from retrieval.query.feedback import Surroundings
from retrieval.query.leaves import Items, embedded
from retrieval.query.normal import (
    Sought,
    children,
    leaves,
    modality_of,
    normal,
    pseudos,
    terms,
    towards,
)
from retrieval.query.penalty import Penalty
from retrieval.query.product import Fusion
from retrieval.query.spelling import spelled_out
from retrieval.query.ways import EachOf, Mean, Product, Pseudo
from retrieval.store.filters.predicates import Predicate

_THE_SAME = 0.999
"""Cosine from which two parts of a query say the same."""

_ENOUGH_CAPTIONS = 100
"""Texts of a collection from which their mean and main axes are taken; with fewer, a bank is."""


class Fused(Protocol):
    """How a query ranks that is no single vector."""

    def of_items(self, rows: Float32Array) -> Float32Array:
        """What items are ranked by, (n,), from their vectors, (n, dim)."""
        ...


@dataclass(frozen=True, slots=True)
class MadeOf:
    """The parts of a query that it goes towards: they decide where an index looks.

    Attributes:
        vectors: (p, dim) unit rows, p at least 1.
        modalities: (p,) what each part is.
    """

    vectors: Float32Array
    modalities: tuple[Modality, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to search for.

    Attributes:
        vectors: (Q, dim) unit rows.
        excluded: for each query the ids that must not be returned, ascending.
        made_of: for each query what it goes towards.
        penalties: for each query what counts against items; None where nothing does.
        fusions: for each query that is a product, or for each of some parts, how their scores are
            fused; its `made_of` are these parts. None for all others.
        wheres: for each query the filter that is part of it.
    """

    vectors: Float32Array
    excluded: tuple[Int64Array, ...]
    made_of: tuple[MadeOf, ...]
    penalties: tuple[Penalty | None, ...]
    fusions: tuple[Fused | None, ...]
    wheres: tuple[Predicate | None, ...]

    def part(self, numbers: Int64Array) -> "Plan":
        """What to search for some of the queries, by their numbers."""
        chosen = numbers.tolist()
        return Plan(
            self.vectors[numbers],
            tuple(self.excluded[number] for number in chosen),
            tuple(self.made_of[number] for number in chosen),
            tuple(self.penalties[number] for number in chosen),
            tuple(self.fusions[number] for number in chosen),
            tuple(self.wheres[number] for number in chosen),
        )


def plan_queries(
    queries: Sequence[Query], encoder: QueryEncoder, items: Items, target: GalleryName = "images"
) -> Plan:
    """Encode and compose queries.

    Args:
        queries: at least one.
        encoder: asked only if there is a text or an image.
        items: of the collection that will be searched.
        target: the gallery that will be searched.

    Raises:
        QueryError: an image cannot be used, an item is unknown, a query cancels out, or its parts
            make no query (`retrieval.query.normal`).
        EncoderUnavailableError: the encoder is needed and cannot be had, or takes no images in
            texts.
        EncoderMismatchError: the encoder is not the collection's.
        TrainedMapError: there is no phi for images in texts, or it cannot be used.
    """
    sought = [normal(spelled_out(query, encoder)) for query in queries]
    own = [tuple(_leaves_of(each)) for each in sought]
    vectors, twins = embedded(dict.fromkeys(leaf for each in own for leaf in each), encoder, items)
    spoken = dict.fromkeys(
        text for each in sought for part in _parts_of(each) for text in pseudos(part)
    )
    planner = _Planner(vectors, encoder, items, target)
    planner.add(spoken)
    aims = [planner.aim(each) for each in sought]
    return Plan(
        vectors=np.array([vector for vector, _, _ in aims]),
        excluded=tuple(
            _excluded(query, leaves_of_one, twins)
            for query, leaves_of_one in zip(queries, own, strict=True)
        ),
        made_of=tuple(made_of for _, made_of, _ in aims),
        penalties=tuple(planner.penalty(each) for each in sought),
        fusions=tuple(fusion for _, _, fusion in aims),
        wheres=tuple(each.where for each in sought),
    )


class _Planner:
    """Works out the queries of one call, whose leaves have vectors."""

    def __init__(
        self,
        vectors: Mapping[Leaf | Pseudo, Float32Array],
        encoder: QueryEncoder,
        items: Items,
        target: GalleryName,
    ) -> None:
        self._vectors = dict(vectors)
        self._items = items
        self._target = target
        self._encoder = encoder
        self._composer = Composer(self._vectors, self._common_text, self._surroundings)

    def add(self, texts: Mapping[Pseudo, None]) -> None:
        """Work out texts with images in them, all in one call of the encoder."""
        if not texts:
            return
        given = []
        for text in texts:
            images = (self._vectors[image] for image in text.images)
            given.append(
                [each if isinstance(each, str) else next(images) for each in text.segments]
            )
        encoded = self._encoder.encode_with_images(given, self._gap)
        self._vectors.update(zip(texts, encoded, strict=True))

    def aim(self, sought: Sought) -> tuple[Float32Array, MadeOf, Fused | None]:
        """Where a query aims, what it is made of, and how its parts are fused."""
        parts = _fused_parts(sought.core)
        if not parts:
            vector = self._composer.direction(sought.core)
            return vector, self._made_of(sought.core, vector), None
        rows = np.array([self._composer.direction(part) for part in parts])
        made_of = MadeOf(rows, tuple(map(self._modality, parts)))
        # The score of a hit is its cosine with the sum of all.
        return (
            self._composer.direction(_middle(sought.core)),
            made_of,
            self._fusion(sought, made_of),
        )

    def _fusion(self, sought: Sought, parts: MadeOf) -> Fused:
        if isinstance(_fused_in(sought.core), EachOf):
            return Weakest.among(parts.vectors, self._items.sample(self._target))
        first, second = parts.modalities
        landmarks = self._items.landmarks(self._target, self._captions)
        return Fusion.of(parts.vectors, (first, second), landmarks)

    def penalty(self, sought: Sought) -> Penalty | None:
        """What counts against items."""
        if not sought.unwanted:
            return None
        unwanted = np.array([self._composer.direction(each.part) for each in sought.unwanted])
        if (unwanted @ self._composer.direction(_middle(sought.core)) > _THE_SAME).any():
            raise QueryError(
                "the query cancels out: what is unwanted equals what is sought",
                hint="change a term",
            )
        weights = np.array([each.weight for each in sought.unwanted], np.float32)
        return Penalty.among(unwanted, weights, self._items.sample(self._target))

    def _common_text(self) -> Float32Array:
        mean: Float32Array = self._captions().mean(axis=0)
        return mean

    def _surroundings(self) -> Surroundings:
        return Surroundings(self._items.sample(self._target), self._mean_of)

    def _mean_of(self, kind: Modality) -> Float32Array:
        if kind == "text":
            return self._common_text()
        images = self._items.sample("images")
        mean: Float32Array = (
            images.mean(axis=0) if len(images) else np.zeros(self._items.dim, np.float32)
        )
        return mean

    def _gap(self) -> Float32Array:
        """The mean of texts less that of images; 0 where there are no images."""
        if not len(self._items.sample("images")):
            return np.zeros(self._items.dim, np.float32)
        gap: Float32Array = self._mean_of("text") - self._mean_of("image")
        return gap

    def _captions(self) -> Float32Array:
        """Captions to learn from what texts have in common: of the collection, if it has them."""
        own = self._items.sample("texts")
        return own if len(own) >= _ENOUGH_CAPTIONS else self._encoder.bank()

    def _made_of(self, core: Expression, vector: Float32Array) -> MadeOf:
        """The leaves that a query goes towards; of one kind they are as good as one.

        A sum of texts is found better where it lies itself than where its texts do, and at a third
        of the cost: .893 against .857 of the ten best of 200,000 (docs/performance.md).
        """
        found = dict.fromkeys(towards(core) or leaves(core))
        modality, *others = map(modality_of, found)
        if all(each == modality for each in others):
            return MadeOf(vector[None], (modality,))
        return MadeOf(
            np.array([self._vectors[leaf] for leaf in found]), tuple(map(modality_of, found))
        )

    def _modality(self, part: Expression) -> Modality:
        """What a part of a product is: an image if any of it is one."""
        return "image" if "image" in map(modality_of, towards(part) or leaves(part)) else "text"


def _leaves_of(sought: Sought) -> list[Leaf]:
    return [leaf for part in _parts_of(sought) for leaf in leaves(part)]


def _parts_of(sought: Sought) -> list[Expression]:
    return [sought.core, *(each.part for each in sought.unwanted)]


def _middle(core: Expression) -> Expression:
    """A core as one vector: of one that is fused the mean of its parts."""
    parts = _fused_parts(core)
    return Mean(parts) if parts else core


def _fused_in(core: Expression) -> Product | EachOf | None:
    """What a core is that is no vector, whatever its weight."""
    (_, part), *others = terms(core)
    return part if isinstance(part, Product | EachOf) and not others else None


def _fused_parts(core: Expression) -> tuple[Expression, ...]:
    """The parts of a core that is no vector; () of one that is."""
    fused = _fused_in(core)
    return () if fused is None else children(fused)


def _excluded(query: Query, own: Sequence[Leaf], twins: Mapping[Leaf, ItemId]) -> Int64Array:
    references = () if query.with_references else (twins[leaf] for leaf in own if leaf in twins)
    return np.array(sorted({*references, *query.exclude}), np.int64)
