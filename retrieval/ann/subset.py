"""Searches among some of the items: when to score all of these, and how far else to look.

A filter leaves out items that know nothing of the query, so the best of those that stay lie as far
from it as later ones of an unfiltered search. More lists and candidates make up for that, until
scoring every item that stays is cheaper.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from retrieval.ann.exact import BoolArray
from retrieval.model import Float32Array, Int64Array

FEW_ITEMS = 2_000
"""So many vectors are always scored: 0.7 ms at 512 dimensions, in memory, on one thread."""

CODES_PER_VECTOR = 50
"""Codes in the lists that might be visited, whatever the floor leaves out of them, that cost what
one vector costs to be fetched and scored. Both ways take as long where 3,000 to 4,000 items are
kept: 4 to 5 ms, a vector of 512 dimensions 1.1 us of it (200,000 rows, 4-bit codes, floors of .0005
and .008, texts and images, interleaved, one thread of a busy machine)."""

_WIDENING = 1.5
"""See `widened`. On 50,000 clip-like images (benchmarks.perf.synthetic, 1,024 lists) recall among
50 % to 1 % of the items so stays at or above that of the unfiltered search, for both modalities.
With 1.26 it did not: .857 at 10 % kept, where the unfiltered search finds .863."""


_FLOOR_POWER = 2.5
"""See `lowered`."""

_LEAST_SHARE = 0.8
"""See `runs_against`. On 200,000 clip-like vectors, 60 texts and 60 images, searches whose lists
held at least .8 of what chance gives found .96 to 1.00 of the ten best; below it .0 to 1.0, and
hardly more where lists were added (the filters of benchmarks.perf.filter_recall)."""


def widened(nprobe: int, nlist: int, share: float) -> int:
    """Lists to visit where a share of the items is kept, in (0, 1].

    The k best of a share s are about the k / s best of all. The lists that hold them grow more
    slowly than their number, since neighbours lie together: by its square root.
    """
    if share >= 1:
        return nprobe
    return min(nlist, math.ceil(_WIDENING * nprobe / math.sqrt(share)))


def lowered(floor: float, ratio: float) -> float:
    """The share of the softmax that a list needs where `ratio` times as many should be visited.

    From a recall of .95 to .99 a search goes to 2.2 to 2.4 times the lists, and the floor that
    visits them falls by a factor of 7 to 8 (200,000 clip-like vectors, 1,024 lists).
    """
    share: float = floor / ratio**_FLOOR_POWER
    return share


def is_cheaper_in_full(n_chosen: int, n_codes: float, n_candidates: int) -> bool:
    """Whether scoring all chosen items costs less than looking for candidates among them.

    Args:
        n_chosen: items that are kept.
        n_codes: in the lists that would be visited, kept or not.
        n_candidates: that would be fetched and scored.
    """
    return n_chosen <= max(FEW_ITEMS, n_candidates + n_codes / CODES_PER_VECTOR)


def runs_against(n_kept: Int64Array, n_codes: Int64Array, share: float) -> BoolArray:
    """Whether a filter leaves out what is near to a query, (Q,).

    Then the best that stay lie far out, spread over many lists and so close to each other in score
    that codes do not tell them apart: only scoring all of them finds the right ones.

    Args:
        n_kept: (Q,) codes in the lists that each query visits whose items are kept.
        n_codes: (Q,) all codes in these lists.
        share: of all codes that are kept.
    """
    against: BoolArray = n_kept < _LEAST_SHARE * share * n_codes
    return against


class Gatherer(Protocol):
    """Where vectors are fetched from, by the position of their items."""

    def vectors_of(self, positions: Int64Array) -> Float32Array:
        """(len(positions), dim)."""
        ...


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Some rows of a gallery as `exact_search` reads them.

    Attributes:
        source: of the vectors.
        positions: (n,) of the rows, ascending.
    """

    source: Gatherer
    positions: Int64Array

    def chunks(self, chunk_rows: int) -> Iterator[tuple[int, Float32Array]]:
        """All rows in order: (number of the first row, up to chunk_rows rows)."""
        for start in range(0, len(self.positions), chunk_rows):
            yield start, self.source.vectors_of(self.positions[start : start + chunk_rows])
