"""Which inverted lists a query visits.

Lists are trained on what the gallery holds. For queries of the same kind (images that look for
images) the lists of the nearest centroids are the right ones. For queries of another kind (texts
that look for images) they are not: texts lie in a cone of their own, the modality gap, and the
order of the centroids says little about where their neighbours are. A router, a linear map learned
from queries of that kind (retrieval.learn.router), ranks the lists for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.ann.ivfpq import Codebook
from retrieval.ann.list_ranker import ListRanker
from retrieval.errors import CorruptCollectionError
from retrieval.model import Float32Array, Int64Array


@dataclass(frozen=True, slots=True)
class Router:
    """A score for each list, linear in the query: `weight @ query + bias`.

    Attributes:
        weight: (nlist, dim) float32.
        bias: (nlist,) float32.
    """

    weight: Float32Array
    bias: Float32Array

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        from safetensors.numpy import save

        data: bytes = save({"weight": self.weight, "bias": self.bias})
        return data

    @classmethod
    def from_bytes(cls, checked: bytes) -> "Router":
        """Read what `to_bytes` wrote.

        Raises:
            CorruptCollectionError: the bytes are something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(checked)
            return cls(tensors["weight"], tensors["bias"])
        except (SafetensorError, KeyError) as error:
            raise CorruptCollectionError(f"a router cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class QueryParts:
    """What a query was made of, as far as it decides where to look.

    Attributes:
        vectors: (p, dim) unit rows, at least one: the query itself, or the parts it is composed of.
        is_foreign: (p,) whether a part is of another kind than the gallery's items.
    """

    vectors: Float32Array
    is_foreign: tuple[bool, ...]

    @classmethod
    def single(cls, query: Float32Array, *, is_foreign: bool = False) -> "QueryParts":
        """Of a query, (dim,), that is its own only part."""
        return cls(query[None], (is_foreign,))


class Routing:
    """Ranks the lists of one codebook."""

    def __init__(self, codebook: Codebook, router: Router | None = None) -> None:
        """Take both together.

        Raises:
            CorruptCollectionError: the router is of other lists.
        """
        if router is not None and len(router.weight) != codebook.nlist:
            raise CorruptCollectionError(
                f"the router ranks {len(router.weight)} lists; there are {codebook.nlist}"
            )
        self._codebook = codebook
        self._plain = ListRanker(codebook.centroids)
        self._learned = None if router is None else ListRanker(router.weight, router.bias)

    @property
    def has_router(self) -> bool:
        """Whether queries of another kind have a ranking of their own."""
        return self._learned is not None

    def lists(self, parts: QueryParts, nprobe: int, *, routed: bool) -> Int64Array:
        """The lists to visit, best first, (min(nprobe, nlist),), distinct.

        Those of several parts take turns, so that each part's best are among them.

        Args:
            parts: of the query.
            nprobe: at least 1.
            routed: whether foreign parts go by the router.
        """
        if nprobe < 1:
            raise ValueError(f"nprobe must be at least 1, got {nprobe}")
        nprobe = min(nprobe, self._codebook.nlist)
        ranked = [
            self._ranked(vector, nprobe, by_router=routed and is_foreign)
            for vector, is_foreign in zip(parts.vectors, parts.is_foreign, strict=True)
        ]
        return ranked[0] if len(ranked) == 1 else _in_turns(ranked, nprobe)

    def _ranked(self, vector: Float32Array, nprobe: int, *, by_router: bool) -> Int64Array:
        if by_router and self._learned is not None:
            return self._learned.best(vector, nprobe)
        turned = self._codebook.rotated(vector[None])[0]
        found = self._codebook.nearest_lists(turned, nprobe)
        if found is not None and len(found) == nprobe:
            return found
        return self._plain.best(turned, nprobe)


def _in_turns(ranked: Sequence[Int64Array], count: int) -> Int64Array:
    """The first `count` distinct numbers, taken from each ranking in turn."""
    mixed = np.stack(ranked, axis=1).ravel()
    _, first = np.unique(mixed, return_index=True)
    return mixed[np.sort(first)[:count]]
