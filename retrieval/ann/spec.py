"""Which index a gallery gets: a small value with one spelling, and the sizes chosen from n and dim.

The spelling is what `--index` takes, the manifest records and `collection info` shows:

    auto                            chosen from the number of items
    tuned                           several are built, the cheapest that finds enough is kept
    exact                           no codes: every vector is scored
    ivf1264,pq96                    1,264 lists, 96 sub-spaces of 8 bits
    ivf1024,pq256x4fs               256 sub-spaces of 4 bits, scanned in registers (FastScan)
    opq64,ivf1024,pq64              the vectors are rotated first, learned for 64 sub-spaces
    ivf16384_hnsw,pq128x4fs         the lists are found through a graph over their centroids
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Literal, Self, cast

from retrieval.errors import SettingsError

Kind = Literal["auto", "tuned", "exact", "ivfpq"]

POINTS_PER_CENTROID = 39
"""Fewest training points a centroid needs; FAISS's own limit (Clustering.min_points_per_centroid),
below which it warns that the clustering is poor."""

MIN_IVFPQ_ITEMS = POINTS_PER_CENTROID << 8
"""Below this many items the 256 values of an 8-bit sub-space cannot be trained, and a search of
everything takes a few milliseconds: such a gallery is searched exactly unless a spec is given."""

SAMPLE_POINTS_PER_LIST = 64
"""Training points aimed at for each list: above the limit of 39; k-means gains little beyond."""

MAX_SAMPLE = 262_144
"""Cap on the training sample: 0.5 GiB of float32 at 512 dimensions."""

GRAPH_ITEMS = 2_000_000
"""From this many items on, `auto` finds lists through a graph: with 4 * sqrt(n) lists, comparing a
query with every centroid costs as much as scanning the codes does."""

_LISTS_PER_ROOT = 4
_ITEMS_PER_LIST = 256
_SUBSPACE_DIM = 2
_PATTERN = re.compile(
    r"(?:opq(?P<opq>[1-9]\d*),)?ivf(?P<nlist>[1-9]\d*)(?P<graph>_hnsw)?"
    r",pq(?P<m>[1-9]\d*)(?P<fast>x4fs)?"
)


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """The kind and sizes of one gallery's index.

    Attributes:
        kind: "auto" chooses by the number of items; "tuned" builds what `trials` names and keeps
            the cheapest; "exact" scores every item; "ivfpq" gathers
            candidates from inverted lists of product quantiser codes and re-scores them exactly.
        nlist: number of inverted lists (0 unless ivfpq).
        m: sub-spaces of the product quantiser; divides the dimension (0 unless ivfpq).
        bits: of the code of a sub-space: 8, or 4 for FastScan.
        opq: sub-spaces that a rotation is learned for; divides the dimension; 0 rotates nothing.
        graph: whether a graph over the centroids finds the lists.
    """

    kind: Kind
    nlist: int = 0
    m: int = 0
    bits: Literal[4, 8] = 8
    opq: int = 0
    graph: bool = False

    def __post_init__(self) -> None:
        sizes = (self.nlist, self.m, self.opq)
        is_ivfpq = self.kind == "ivfpq"
        if (
            self.kind not in ("auto", "tuned", "exact", "ivfpq")
            or is_ivfpq != (self.nlist > 0 and self.m > 0)
            or (not is_ivfpq and (any(sizes) or self.graph))
            or self.bits not in (4, 8)
            or min(sizes) < 0
        ):
            raise ValueError(f"no such index: {self!r}")

    def __str__(self) -> str:
        if self.kind != "ivfpq":
            return self.kind
        rotation = f"opq{self.opq}," if self.opq else ""
        graph = "_hnsw" if self.graph else ""
        fast = "x4fs" if self.bits == 4 else ""
        return f"{rotation}ivf{self.nlist}{graph},pq{self.m}{fast}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the spelling that `str` writes.

        Raises:
            ValueError: it is none of the forms above.
        """
        if text in ("auto", "tuned", "exact"):
            return cls(cast(Kind, text))
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(
                f"not an index: {text!r}; expected auto, tuned, exact or e.g. 'ivf1264,pq96',"
                " 'ivf1024,pq256x4fs', 'opq64,ivf16384_hnsw,pq128x4fs'"
            )
        return cls(
            "ivfpq",
            nlist=int(match["nlist"]),
            m=int(match["m"]),
            bits=4 if match["fast"] else 8,
            opq=int(match["opq"] or 0),
            graph=bool(match["graph"]),
        )

    @property
    def is_open(self) -> bool:
        """Whether the sizes are left to polyseek: any index that is there already will do."""
        return self.kind in ("auto", "tuned")

    def trials(self, n: int, dim: int) -> "tuple[IndexSpec, ...]":
        """What to build for n items of dimension dim, to keep the cheapest: one, unless "tuned".

        "tuned" tries what "auto" chooses, half and twice as many lists, and codes of half the size.

        Raises:
            SettingsError: as `resolved`.
        """
        first = self.resolved(n, dim)
        if self.kind != "tuned" or first.kind == "exact":
            return (first,)
        others = [
            replace(first, nlist=first.nlist // 2),
            replace(first, nlist=2 * first.nlist),
            replace(first, m=max(1, first.m // 2)),
        ]
        return tuple(dict.fromkeys([first, *(each for each in others if each._fits(n, dim))]))

    def _fits(self, n: int, dim: int) -> bool:
        """Whether the sizes suit n items of dimension dim, and the sample has enough of them."""
        try:
            self.resolved(min(n, MAX_SAMPLE), dim)
        except SettingsError:
            return False
        return True

    @property
    def sample_size(self) -> int:
        """How many vectors to train on, where the gallery has as many."""
        wanted = max(SAMPLE_POINTS_PER_LIST * self.nlist, MIN_IVFPQ_ITEMS)
        return min(wanted, MAX_SAMPLE)

    @property
    def code_bytes(self) -> int:
        """Bytes of one code; 0 when exact."""
        return (self.m * self.bits + 7) // 8

    def resolved(self, n: int, dim: int) -> "IndexSpec":
        """This index for n items of dimension dim: sizes left open chosen, others checked.

        Raises:
            SettingsError: the sub-spaces do not divide the dimension, FastScan has an odd number of
                them, or there are too few items to train the lists or the sub-spaces.
        """
        if self.is_open:
            return choose_spec(n, dim)
        if self.kind == "exact":
            return self
        for size in filter(None, (self.m, self.opq)):
            if dim % size:
                raise SettingsError(
                    f"index {self}: {size} sub-spaces do not divide {dim} dimensions",
                    hint="choose a divisor, or --index auto",
                )
        if self.bits == 4 and self.m % 2:
            raise SettingsError(
                f"index {self}: FastScan needs an even number of sub-spaces",
                hint="choose another number, or --index auto",
            )
        least = POINTS_PER_CENTROID * max(self.nlist, 1 << self.bits)
        if n < least:
            raise SettingsError(
                f"index {self}: training it needs {least:,} items, there are {n:,}",
                hint="choose fewer lists, or --index auto",
            )
        return self


def choose_spec(n: int, dim: int) -> IndexSpec:
    """The index for n items of dimension dim.

    nlist is 4 * sqrt(n), but no list is shorter than 256 items on average: below a million items
    the fixed cost of ranking lists outweighs what shorter ones save, and so does what half a block
    of 32 codes at the end of each takes in memory. Codes have 4 bits for every
    two dimensions: a quarter of a byte a dimension, scanned several times as fast as 8-bit codes
    of that size; what they blur, exact re-scoring mends (measured in docs/design/index.md).

    Source: nlist of 4 to 16 * sqrt(n) is the rule of FAISS's "Guidelines to choose an index".
    """
    if n < MIN_IVFPQ_ITEMS:
        return IndexSpec("exact")
    most_lists = min(n, MAX_SAMPLE) // POINTS_PER_CENTROID
    nlist = min(_LISTS_PER_ROOT * math.isqrt(n), n // _ITEMS_PER_LIST, most_lists)
    subspace_dim = _even_subspaces(dim)
    if subspace_dim is None:  # an odd dimension: FastScan pairs sub-spaces
        return IndexSpec("ivfpq", nlist=nlist, m=dim // _eight_bit_subspace(dim))
    return IndexSpec("ivfpq", nlist=nlist, m=dim // subspace_dim, bits=4, graph=n >= GRAPH_ITEMS)


def _even_subspaces(dim: int) -> int | None:
    """Dimensions of a sub-space, near two, so that their number is even; None for an odd dim."""
    return next((size for size in (_SUBSPACE_DIM, 1, 4, 3) if dim % (2 * size) == 0), None)


def _eight_bit_subspace(dim: int) -> int:
    """The divisor of dim nearest to four."""
    divisors = [size for size in range(1, dim + 1) if dim % size == 0]
    return min(divisors, key=lambda size: abs(math.log(size / 4)))
