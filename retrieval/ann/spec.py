"""Which index a gallery gets: a small value with one spelling, and the sizes chosen from n and dim.

The spelling ("exact", "ivf1264,pq96") is what the manifest records and `collection info` shows.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal, Self

POINTS_PER_CENTROID = 39
"""Fewest training points a centroid needs; FAISS's own limit (Clustering.min_points_per_centroid),
below which it warns that the clustering is poor."""

PQ_BITS = 8
"""Bits of one code: 256 values a sub-space. Four-bit codes (FastScan) over-fetch ties at the cut,
so that many segments would no longer answer like one."""

MIN_IVFPQ_ITEMS = POINTS_PER_CENTROID << PQ_BITS
"""Below this many items the 256 values of a sub-space cannot be trained: such a gallery is searched
exactly, which takes a few milliseconds there."""

SAMPLE_POINTS_PER_LIST = 64
"""Training points aimed at for each list: above the limit of 39; k-means gains little beyond."""

MAX_SAMPLE = 262_144
"""Cap on the training sample: 0.5 GiB of float32 at 512 dimensions."""

_LISTS_PER_ROOT = 4
_SUBSPACE_DIM = 4
_PATTERN = re.compile(r"ivf([1-9]\d*),pq([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """The kind and sizes of one gallery's index.

    Attributes:
        kind: "exact" scores every item; "ivfpq" gathers candidates from inverted lists of product
            quantiser codes and re-scores them exactly.
        nlist: number of inverted lists (0 when exact).
        m: sub-spaces of the product quantiser = bytes a code; divides the dimension (0 when exact).
    """

    kind: Literal["exact", "ivfpq"]
    nlist: int = 0
    m: int = 0

    def __post_init__(self) -> None:
        sizes_given = self.nlist > 0 and self.m > 0
        if self.kind not in ("exact", "ivfpq") or (self.kind == "ivfpq") != sizes_given:
            raise ValueError(f"no such index: {self.kind!r} with nlist={self.nlist}, m={self.m}")

    def __str__(self) -> str:
        return "exact" if self.kind == "exact" else f"ivf{self.nlist},pq{self.m}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the spelling that `str` writes.

        Raises:
            ValueError: it is neither "exact" nor of the form "ivf1264,pq96".
        """
        if text == "exact":
            return cls("exact")
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(
                f"not an index spec: {text!r}; expected 'exact' or e.g. 'ivf1264,pq96'"
            )
        return cls("ivfpq", nlist=int(match[1]), m=int(match[2]))

    @property
    def sample_size(self) -> int:
        """How many vectors to train on, where the gallery has as many."""
        wanted = max(SAMPLE_POINTS_PER_LIST * self.nlist, MIN_IVFPQ_ITEMS)
        return min(wanted, MAX_SAMPLE)


def choose_spec(n: int, dim: int) -> IndexSpec:
    """The index for n items of dimension dim.

    nlist is about 4 * sqrt(n), as far as n (or the capped sample) gives every list its training
    points; m makes sub-spaces of four dimensions, or of the divisor of dim nearest to four.

    Source: nlist of 4 to 16 * sqrt(n) is the rule of FAISS's "Guidelines to choose an index".
    """
    if n < MIN_IVFPQ_ITEMS:
        return IndexSpec("exact")
    most_lists = min(n, MAX_SAMPLE) // POINTS_PER_CENTROID
    nlist = min(_LISTS_PER_ROOT * math.isqrt(n), most_lists)
    divisors = [size for size in range(1, dim + 1) if dim % size == 0]
    subspace_dim = min(divisors, key=lambda size: abs(math.log(size / _SUBSPACE_DIM)))
    return IndexSpec("ivfpq", nlist=nlist, m=dim // subspace_dim)
