"""How far down the right answers stand: ranks in bins that grow by the power of ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import EXACT
from benchmarks.reports.shown.naming import (
    entrants,
    percent,
    protocol_name,
    slug,
    way_name,
    whatever_language,
)
from benchmarks.reports.shown.tables import Table
from retrieval.model import Int64Array

WAYS = ("t2i", "i2t", "top")
"""Ranks that are shown: of the best right answer, over the whole gallery."""

_FIRST_EDGES, _MOST_BINS = (1, 5, 10), 7


@dataclass(frozen=True, slots=True)
class RankBar:
    """Ranks of one model and direction.

    Attributes:
        entrant: the model.
        way: "t2i", "i2t" or "top".
        counts: queries in each bin.
    """

    entrant: str
    way: str
    counts: tuple[int, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of all queries, in [0, 1]; they sum up to 1."""
        return tuple(each / sum(self.counts) for each in self.counts)


@dataclass(frozen=True, slots=True)
class RankHistogram:
    """Ranks of all models on one protocol, its languages together.

    Attributes:
        name: for files.
        title: the protocol.
        n_languages: whose ranks these are.
        edges: the last rank of each bin; the first bin begins at 1.
        bars: by direction, then by model.
    """

    name: str
    title: str
    n_languages: int
    edges: tuple[int, ...]
    bars: tuple[RankBar, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the bins: "1", "2-5", ..."""
        firsts = (1, *(edge + 1 for edge in self.edges[:-1]))
        return tuple(
            f"{first:,}" if first == last else f"{first:,}-{last:,}"
            for first, last in zip(firsts, self.edges, strict=True)
        )

    def table(self) -> Table:
        """All of it as text, in percent."""
        lines = tuple(
            (way_name(bar.way), bar.entrant, f"{sum(bar.counts):,}", *map(percent, bar.shares))
            for bar in self.bars
        )
        heads = ("queries", "model", "number", *(f"rank {each}" for each in self.labels))
        return Table(self.title, heads, lines, tuple(range(2, len(heads))))


def edges_up_to(rank: int) -> tuple[int, ...]:
    """The last ranks of bins that hold a rank: 1, 5, 10, 100, 1,000 and so on, at most seven.

    Beyond 10,000 there is one bin, up to the next power of ten.
    """
    edges, last = list(_FIRST_EDGES), _FIRST_EDGES[-1]
    while last < rank:
        last *= 10
        if len(edges) == _MOST_BINS:
            edges.pop()
        edges.append(last)
    return tuple(edges)


def counted(ranks: Int64Array, edges: Sequence[int]) -> tuple[int, ...]:
    """How many ranks lie in each bin; each is at least 1 and at most the last edge."""
    bins = np.searchsorted(np.asarray(edges), ranks, side="left")
    return tuple(np.bincount(bins, minlength=len(edges)).tolist())


def rank_histograms(folder: RunFolder) -> tuple[RankHistogram, ...]:
    """Of all records whose whole gallery was ranked; the last of equal ones counts.

    Raises:
        BenchmarkError: a file of ranks is missing or damaged.
    """
    records = folder.records()
    names = entrants(records)
    groups: dict[ProtocolKey, dict[tuple[str, str], Mapping[str, Int64Array]]] = {}
    for at, record in enumerate(records):
        if record.system == EXACT and record.ranks:
            found = folder.ranks_of(record)
            if own := {way: found[way] for way in WAYS if way in found and len(found[way])}:
                group = groups.setdefault(whatever_language(record.key), {})
                group[names[at], record.key.language] = own
    shown = {whatever_language(each.key): each.key for each in reversed(records)}
    return tuple(
        _histogram(
            protocol_name(
                shown[key]
                if len({language for _, language in found}) == 1
                else whatever_language(shown[key])
            ),
            found,
        )
        for key, found in groups.items()
    )


def _histogram(
    title: str, found: Mapping[tuple[str, str], Mapping[str, Int64Array]]
) -> RankHistogram:
    edges = edges_up_to(max(int(own.max()) for each in found.values() for own in each.values()))
    together: dict[tuple[int, str], list[Int64Array]] = {}
    for (entrant, _), own in found.items():
        for way, ranks in own.items():
            together.setdefault((WAYS.index(way), entrant), []).append(ranks)
    bars = tuple(
        RankBar(entrant, WAYS[way], counted(np.concatenate(ranks), edges))
        for (way, entrant), ranks in sorted(together.items(), key=lambda each: each[0][0])
    )
    n_languages = len({language for _, language in found})
    return RankHistogram(slug("ranks", title), title, n_languages, edges, bars)
