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

from retrieval.ann.codebook import Codebook
from retrieval.ann.list_ranker import ListRanker, RankedRows
from retrieval.errors import CorruptCollectionError
from retrieval.model import Float16Array, Float32Array, Int64Array

SHARPNESS = 60.0
ROUTER_SHARPNESS = 5.0
"""Of the softmax over lists that says how likely each holds a neighbour, for cosines with centroids
and for the scores of a router, which is folded to a deviation of about one (docs/design/index.md).
Half or twice as much scans 1 to 14 % more codes at the same recall."""


@dataclass(frozen=True, slots=True)
class Router:
    """A score for each list, linear in the query: `weight @ query + bias`.

    Attributes:
        weight: (nlist, dim), in half the bytes that it was learned in.
        bias: (nlist,) float32.
    """

    weight: Float16Array
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
            return cls(tensors["weight"].astype(np.float16, copy=False), tensors["bias"])
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


@dataclass(frozen=True, slots=True)
class RankedLists:
    """The lists that one query may visit.

    Attributes:
        of_parts: the best lists for each part of the query, best first, and the sharpness of the
            softmax that their scores are for.
        most: lists to visit, at most.
    """

    of_parts: tuple[tuple[RankedRows, float], ...]
    most: int

    def above(self, floor: float) -> Int64Array:
        """The lists to visit, best first, (at most `most`,), distinct, at least one.

        Those of several parts take turns, so that each part's best are among them.

        Args:
            floor: a part's list is left out if its share of the softmax over them is below this, in
                [0, 1]; 0 leaves none out. A query that is sure of its way so visits fewer.
        """
        likely = [_likely(ranked, floor, sharpness) for ranked, sharpness in self.of_parts]
        return likely[0] if len(likely) == 1 else _in_turns(likely, self.most)


class Routing:
    """Ranks the lists of one codebook."""

    def __init__(self, codebook: Codebook, router: Router | None = None) -> None:
        """Take both together.

        Raises:
            CorruptCollectionError: the router is of other lists.
        """
        if router is not None:
            _check_fits(router, codebook)
        self._codebook = codebook
        self._plain = ListRanker(codebook.centroids)
        self._learned = None if router is None else ListRanker(router.weight, router.bias)

    @property
    def has_router(self) -> bool:
        """Whether queries of another kind have a ranking of their own."""
        return self._learned is not None

    def lists(
        self, parts: QueryParts, nprobe: int, *, routed: bool, floor: float = 0.0
    ) -> Int64Array:
        """The lists to visit: `ranked`, and of these the ones above the floor."""
        return self.ranked(parts, nprobe, routed=routed).above(floor)

    def ranked(self, parts: QueryParts, nprobe: int, *, routed: bool) -> RankedLists:
        """The best min(nprobe, nlist) lists for each part of a query.

        Args:
            parts: of the query.
            nprobe: at least 1.
            routed: whether foreign parts go by the router.
        """
        if nprobe < 1:
            raise ValueError(f"nprobe must be at least 1, got {nprobe}")
        nprobe = min(nprobe, self._codebook.nlist)
        return RankedLists(
            tuple(
                self._ranked(vector, nprobe, by_router=routed and is_foreign)
                for vector, is_foreign in zip(parts.vectors, parts.is_foreign, strict=True)
            ),
            nprobe,
        )

    def _ranked(
        self, vector: Float32Array, nprobe: int, *, by_router: bool
    ) -> tuple[RankedRows, float]:
        if by_router and self._learned is not None:
            return self._learned.best(vector, nprobe), ROUTER_SHARPNESS
        turned = self._codebook.rotated(vector[None])[0]
        found = self._codebook.nearest_lists(turned, nprobe)
        if found is not None and len(found.rows) == nprobe:
            return found, SHARPNESS
        return self._plain.best(turned, nprobe), SHARPNESS


def _check_fits(router: Router, codebook: Codebook) -> None:
    if len(router.weight) != codebook.nlist:
        raise CorruptCollectionError(
            f"the router ranks {len(router.weight)} lists; there are {codebook.nlist}"
        )
    shapes = router.weight.shape, router.bias.shape
    if shapes != (codebook.centroids.shape, (codebook.nlist,)):
        raise CorruptCollectionError(
            f"the router has weights {shapes[0]} and biases {shapes[1]};"
            f" the lists have centroids {codebook.centroids.shape}"
        )


def _likely(ranked: RankedRows, floor: float, sharpness: float) -> Int64Array:
    """Those whose share of the softmax over all ranked reaches the floor; the best anyway."""
    if floor <= 0:
        return ranked.rows
    weights = np.exp(sharpness * (ranked.scores - ranked.scores[0]))
    n_likely = np.count_nonzero(weights >= floor * np.add.reduce(weights))
    return ranked.rows[: max(1, n_likely)]


def _in_turns(ranked: Sequence[Int64Array], count: int) -> Int64Array:
    """The first `count` distinct numbers, taken from each ranking in turn while it lasts."""
    turns = np.concatenate([np.arange(len(own)) for own in ranked])
    mixed = np.concatenate(ranked)[np.argsort(turns, kind="stable")]
    places = np.arange(len(mixed))
    first = np.empty(mixed.max() + 1, np.int64)
    first[mixed[::-1]] = places[::-1]  # what is written last stays: half the time of np.unique
    distinct: Int64Array = mixed[first[mixed] == places]
    return distinct[:count]
