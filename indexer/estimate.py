"""What a build will take of time, memory and disk, before it begins.

Each stage is counted in operations (products of vectors, values looked at, rows written) from the
sizes alone. What one takes was measured once, on one thread of an AMD EPYC with AVX-512 BF16; a
short look at this machine says how much slower or faster it is now, with what else runs on it.
`python -m benchmarks.perf.build_estimate` compares with the truth.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from indexer.budget import plan_build
from indexer.measure import MAX_ITEMS, MAX_QUERIES, MAX_TRAINING
from retrieval.ann.clustering import points_seen
from retrieval.ann.rescoring import RESCORED_ROWS
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import points_wanted
from retrieval.encoders.precision import cpu_product_seconds, mean_seconds
from retrieval.learn.router import EPOCHS, ITEM_BLOCK, QUERY_BLOCK

_ROUNDS = 12
"""Of the k-means of sub-spaces; see retrieval/ann/training.py."""

_CLUSTER_S, _CODE_S, _ROUTE_S, _EXACT_S = 8e-12, 5e-12, 9e-12, 1.6e-11
"""Of a multiplication or addition, while lists are trained, vectors coded, routes learned (long
products in bfloat16), recall measured."""

_TRAIN_VALUE_S, _CODE_VALUE_S = 5.5e-9, 5.5e-9
"""Of a value of a sub-space that is compared."""

_ROW_S = 1.05e-4
"""Of a row that is put in."""

_KIND_S = 2.2
"""Of the search for settings, for each kind of query."""

_SLOWER = 1.8
"""Of measuring in small pieces, under a budget."""

_PRODUCT_S, _SCAN_S = 1.2e-3, 4.5e-4
"""Of the two that `_paces` times, where the figures above were measured."""

_IDLE = 22_000_000
"""Bytes that the catalogue and the libraries take."""

_HELD_ROW, _PASSING_ROW = 850, 2_000
"""Bytes of a row that was put in, until the end; and of one that is being read, its numbers not
counted."""

_READ_ROWS = 4_096
_PRODUCT_BYTES = 16 << 20
_GROUPS_BYTES = 9_000
"""Of a text, for the groups of products with its nearest items."""

_BUDGET_SHARE = 0.85
"""Of a budget, that a build comes to."""

_RECORD_DISK, _CATALOGUE_DISK = 240, 450
"""Bytes of a row in its segment and in the catalogue, with an id of some 14 letters."""


@dataclass(frozen=True, slots=True)
class BuildEstimate:
    """What a build is likely to take.

    Attributes:
        peak_bytes: by which the process grows (RssAnon).
        disk_bytes: that the collection grows by.
        seconds: on this machine, as busy as it is.
    """

    peak_bytes: int
    disk_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Paces:
    """Seconds of a piece of work here, over those where the figures were measured.

    Attributes:
        product: of a matrix product.
        scan: of all else.
    """

    product: float = 1.0
    scan: float = 1.0


@dataclass(frozen=True, slots=True)
class BuildSize:
    """What decides about a build.

    Attributes:
        n: items of the gallery.
        dim: of their vectors.
        texts: foreign queries that it may learn routes from; 0 measures one kind of query only.
        put_in: of the items, those that are put in first.
        max_memory: bytes; None sets no limit.
    """

    n: int
    dim: int
    texts: int = 0
    put_in: int = 0
    max_memory: int | None = None


def estimate_build(size: BuildSize, spec: IndexSpec, paces: Paces | None = None) -> BuildEstimate:
    """Estimate a build on a CPU.

    Args:
        size: of it.
        spec: resolved, of kind "ivfpq".
        paces: of this machine; None looks at it (a fifth of a second, once).

    Raises:
        SettingsError: the memory is too little for it.
    """
    return BuildEstimate(
        _peak_bytes(size, spec), _disk_bytes(size, spec), _seconds(size, spec, paces or measured())
    )


def _seconds(size: BuildSize, spec: IndexSpec, paces: Paces) -> float:
    plan = plan_build(size.n, size.dim, spec, size.max_memory)
    sample, values = min(size.n, spec.sample_size), spec.m << spec.bits
    points = min(sample, plan.training.most_points or points_wanted(spec))
    texts = min(size.texts, plan.router_texts)
    kinds = 3 if size.texts else 1
    clusters = 2 * points_seen(sample, spec.nlist) * spec.nlist * size.dim
    routes = 2 * texts * size.dim * (sample + 3 * EPOCHS * spec.nlist)
    exact = 2 * (MAX_ITEMS + (kinds - 1) * MAX_QUERIES) * size.n * size.dim
    products = (
        _CLUSTER_S * clusters
        + _CODE_S * 2 * size.n * spec.nlist * size.dim
        + _ROUTE_S * routes
        + _EXACT_S * exact
    )
    slower = _SLOWER if size.max_memory is not None else 1.0
    others = (
        _ROW_S * size.put_in
        + _TRAIN_VALUE_S * _ROUNDS * points * values
        + _CODE_VALUE_S * size.n * values
        + _KIND_S * kinds * slower
    )
    return paces.product * products + paces.scan * others


def _peak_bytes(size: BuildSize, spec: IndexSpec) -> int:
    row = 4 * size.dim
    held = _IDLE + (_HELD_ROW + row // 2) * size.put_in
    put_in = held + min(size.put_in, _READ_ROWS) * (3 * row + _PASSING_ROW)
    sample = min(size.n, spec.sample_size)
    points = min(sample, points_wanted(spec))
    texts = min(size.texts, MAX_TRAINING)
    asked = held + texts * row
    training = asked + row * (sample + 2 * points) + _PRODUCT_BYTES
    block = min(texts, QUERY_BLOCK) * (2 * min(sample, ITEM_BLOCK) + _GROUPS_BYTES)
    routes = asked + row * sample + texts * row // 2 + block
    measuring = asked + 2 * row * min(size.n, RESCORED_ROWS) + 2 * (spec.code_bytes + 8) * size.n
    peak = max(put_in, training, routes, measuring)
    return peak if size.max_memory is None else min(peak, int(_BUDGET_SHARE * size.max_memory))


def _disk_bytes(size: BuildSize, spec: IndexSpec) -> int:
    """Of the rows that are put in, and of the codes: blocks of 32 end in half a one on average."""
    rows = size.put_in * (2 * size.dim + 8 + _RECORD_DISK + _CATALOGUE_DISK)
    padding = 16 * spec.nlist * spec.code_bytes if spec.bits == 4 else 0
    codes = size.n * (spec.code_bytes + 8) + padding
    lists = spec.nlist * size.dim * (6 if size.texts else 4)
    return rows + codes + lists


@cache
def measured() -> Paces:
    """What `look_at_machine` saw when it was first asked for."""
    return look_at_machine()


def look_at_machine() -> Paces:
    """The pace of this machine now; what else runs on it counts, as it will for the build."""
    numbers = np.arange(1 << 18) & 255
    scan_s = mean_seconds(lambda: np.bincount(numbers, minlength=256))
    return Paces(cpu_product_seconds() / _PRODUCT_S, scan_s / _SCAN_S)
