"""The same measurement again and again: on a CPU every figure and every rank has to be the same."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import numpy as np

from benchmarks.datasets.base import DataSet
from benchmarks.environment import Stopwatch
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions
from benchmarks.plans.plan import plan
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.records.key import ProtocolKey
from retrieval.encoders.base import Encoder, uses_accelerator
from retrieval.errors import BenchmarkError
from retrieval.model import Int64Array
from retrieval.store.cached import CacheFolder


def uncached(encoder: Encoder, options: RunOptions) -> list[Features]:
    """What embeds anew for every repeat but the first: nothing comes from a cache folder."""
    return [Features(encoder, CacheFolder(None, "features")) for _ in range(1, options.repeats)]


def side_by_side(
    data: DataSet, all_features: Sequence[Features], options: RunOptions
) -> Iterator[tuple[Planned, ...]]:
    """Each measurement of a data set once for each of the features that it is made with."""
    return zip(*(plan(data, each, options) for each in all_features), strict=True)


def repeat(
    first: tuple[Mapping[str, float], Mapping[str, Int64Array]],
    again: Sequence[Planned],
    encoder: Encoder,
) -> list[float]:
    """Measure again -> the wall seconds of each time.

    Args:
        first: figures and ranks of the first time.
        again: the same measurement with features of its own.
        encoder: of the run; one that computes on an accelerator may sum in another order.

    Raises:
        BenchmarkError: on a CPU, a figure or a rank is not what it was.
    """
    walls: list[float] = []
    for planned in again:
        watch = Stopwatch()
        found = planned.evaluate()
        walls.append(watch.read()["wall_s"])
        if not uses_accelerator(encoder):
            _check_same(first, found, planned.key)
    return walls


def times_of(walls: Sequence[float]) -> dict[str, float]:
    """Of several times: how many, and the least and the middle of their wall seconds."""
    if len(walls) < 2:
        return {}
    return {"repeats": len(walls), "wall_s_min": min(walls), "wall_s_median": median(walls)}


def _check_same(
    first: tuple[Mapping[str, float], Mapping[str, Int64Array]],
    found: Evaluation,
    key: ProtocolKey,
) -> None:
    figures, ranks = first
    differing = [name for name in figures if figures[name] != found.figures.get(name)]
    if differing:
        name = differing[0]
        told = f"{name} is {figures[name]!r} and then {found.figures.get(name)!r}"
    elif other := [
        way for way in ranks if not np.array_equal(ranks[way], found.ranks.get(way, ()))
    ]:
        told = f"ranks of {other[0]} differ"
    else:
        return
    raise BenchmarkError(
        f"not deterministic: {key.dataset} {key.language}".rstrip() + f": {told}",
        hint="one thread (OMP_NUM_THREADS=1) or another index tells where it comes from",
    )
