"""From queries to what a search needs: one vector each, and the items that must not come back.

All texts of all queries are encoded in one call, all images in another; a term that several queries
share is encoded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from retrieval.model import Float32Array, Int64Array, ItemId, Modality, gallery_of
from retrieval.query.algebra import Query, Term
from retrieval.query.compose import compose
from retrieval.query.encoding import QueryEncoder


class Items(Protocol):
    """What a plan asks of the collection."""

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        """Stored vectors, (n, dim); raises QueryError for an id that names no live item."""
        ...

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        """Items by the sha256 of their content; contents without an item are left out."""
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
    """

    vectors: Float32Array
    excluded: tuple[Int64Array, ...]
    made_of: tuple[MadeOf, ...]

    def part(self, numbers: Int64Array) -> "Plan":
        """What to search for some of the queries, by their numbers."""
        chosen = numbers.tolist()
        return Plan(
            self.vectors[numbers],
            tuple(self.excluded[number] for number in chosen),
            tuple(self.made_of[number] for number in chosen),
        )


def plan_queries(queries: Sequence[Query], encoder: QueryEncoder, items: Items) -> Plan:
    """Encode and compose queries.

    Args:
        queries: at least one.
        encoder: asked only if there is a text or an image.
        items: of the collection that will be searched.

    Raises:
        QueryError: an image cannot be used, an item is unknown, or a query cancels out.
        EncoderUnavailableError: the encoder is needed and cannot be had.
        EncoderMismatchError: the encoder is not the collection's.
    """
    values = dict.fromkeys(term.value for query in queries for term in query.terms)
    texts = [value for value in values if isinstance(value, str)]
    paths = [value for value in values if isinstance(value, Path)]
    ids = [value for value in values if isinstance(value, int)]
    vectors: dict[str | Path | ItemId, Float32Array] = {}
    twins: dict[str | Path | ItemId, ItemId] = {item_id: item_id for item_id in ids}
    if texts:
        vectors.update(zip(texts, encoder.encode_texts(texts), strict=True))
    if paths:
        encoded = encoder.encode_files(paths)
        vectors.update(zip(paths, encoded.vectors, strict=True))
        known = items.items_by_sha256(encoded.sha256)
        digests = zip(paths, encoded.sha256, strict=True)
        twins.update({path: known[digest] for path, digest in digests if digest in known})
    if ids:
        vectors.update(zip(ids, items.vectors_of_items(ids), strict=True))
    return Plan(
        made_of=tuple(_made_of(query, vectors) for query in queries),
        vectors=np.stack(
            [
                compose(query, np.stack([vectors[term.value] for term in query.terms]))
                for query in queries
            ]
        ),
        excluded=tuple(_excluded(query, twins) for query in queries),
    )


def _made_of(query: Query, vectors: Mapping[str | Path | ItemId, Float32Array]) -> MadeOf:
    """Terms of positive weight; all of them where a query only goes away from something."""
    terms = [term for term in query.terms if term.weight > 0] or query.terms
    return MadeOf(np.stack([vectors[term.value] for term in terms]), tuple(map(_modality, terms)))


def _modality(term: Term) -> Modality:
    if isinstance(term.value, int):
        return "text" if gallery_of(term.value) == "texts" else "image"
    return "text" if term.kind == "text" else "image"


def _excluded(query: Query, twins: Mapping[str | Path | ItemId, ItemId]) -> Int64Array:
    own = {twins[term.value] for term in query.terms if term.value in twins}
    return np.array(sorted(own.union(query.exclude)), np.int64)
