"""Two runs beside each other: records of one protocol in pairs, and what cannot be paired.

Figures of two protocols, or of two contents of one data set, are refused and never subtracted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.compare.figures import FigureDifference, Side, difference_of
from benchmarks.compare.sides import TRAINING, Choice, Place, aligned, named, places, training_of
from benchmarks.compare.values import KeptRanks
from benchmarks.metrics.holm import n_rejected
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import RunRecord
from retrieval.errors import BenchmarkError

LEAST_RESAMPLES = 10_000

_PER_PAIR = 80
"""Resamples for each pair, so that the least p there is (2 / resamples) is half of what the
strictest of Holm's steps asks for (0.05 / pairs)."""

_LEVEL = 0.05

_CONTENT = {
    "annotations": "the annotations",
    "pictures": "the pictures",
    "missing": "what is missing",
}

Sided: TypeAlias = tuple[RunRecord, ...]
OnPair: TypeAlias = Callable[[int, int], None]
"""Told how many pairs are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One protocol measured on both sides.

    Attributes:
        place: the protocol, and the way of searching where both sides share it.
        names: of the two models, or trained methods.
        systems: how each side searched.
        figures: those that both have.
        settings: that differ: own and other value by name.
    """

    place: Place
    names: tuple[str, str]
    systems: tuple[str, str]
    figures: tuple[FigureDifference, ...]
    settings: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Refused:
    """What was measured on both sides and may not be compared.

    Attributes:
        a: protocol and way of searching of the first side.
        b: of the second.
        reasons: why, a line each.
    """

    a: Place
    b: Place
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure over all pairs.

    Attributes:
        name: of the figure.
        n: pairs in which something is concluded.
        n_differ: those in which it differs at 95 %; of many that do not differ, 5 % would.
        n_after_holm: those that stand when all were looked for (Holm-Bonferroni, 5 % in all).
    """

    name: str
    n: int
    n_differ: int
    n_after_holm: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        pairs: what both measured.
        refused: what is incomparable.
        only_a: what the first alone measured.
        only_b: what the second alone measured.
        resamples: of every interval.
    """

    pairs: tuple[Pair, ...]
    refused: tuple[Refused, ...]
    only_a: tuple[Place, ...]
    only_b: tuple[Place, ...]
    resamples: int

    def summaries(self) -> tuple[Summary, ...]:
        """Every figure that has intervals, over the pairs."""
        found: dict[str, list[FigureDifference]] = {}
        for pair in self.pairs:
            for each in pair.figures:
                if each.p_like is not None:
                    found.setdefault(each.name, []).append(each)
        return tuple(
            Summary(
                name,
                len(own),
                sum(each.finding == "differs" for each in own),
                n_rejected([each.p_like or 0.0 for each in own], _LEVEL),
            )
            for name, own in found.items()
        )


def compare_runs(
    folders: tuple[RunFolder, RunFolder],
    choices: tuple[Choice, Choice],
    *,
    resamples: int | None = None,
    on_pair: OnPair | None = None,
) -> Comparison:
    """Hold what two runs measured against each other.

    Args:
        folders: of the runs; they may be one.
        choices: what of each takes part.
        resamples: of every interval; None takes LEAST_RESAMPLES, or more where there are so many
            pairs that Holm's steps ask for more.
        on_pair: told after each pair.

    Raises:
        BenchmarkError: a side has no records or several for one protocol, or nothing may be
            compared; the message names the parts of the protocols that differ.
    """
    first, second = aligned(*choices)
    across = (first.index != second.index, first.compose != second.compose)
    a = places(folders[0].records(), first, across=across)
    b = places(folders[1].records(), second, across=across)
    paired = [place for place in a if place in b]
    refused = [*_other_contents(a, b, paired), *_other_protocols(a, b)]
    same = [place for place in paired if place not in {each.a for each in refused}]
    if not same:
        raise _nothing_to_compare(a, b, refused)
    n = resamples or max(LEAST_RESAMPLES, _PER_PAIR * len(same))
    pairs: list[Pair] = []
    for place in same:
        pairs.append(_pair(place, folders, (a[place], b[place]), n))
        if on_pair is not None:
            on_pair(len(pairs), len(same))
    held = {each.a for each in refused}, {each.b for each in refused}
    return Comparison(
        tuple(pairs),
        tuple(refused),
        tuple(each for each in a if each not in b and each not in held[0]),
        tuple(each for each in b if each not in a and each not in held[1]),
        n,
    )


def _pair(
    place: Place, folders: tuple[RunFolder, RunFolder], sided: tuple[Sided, Sided], resamples: int
) -> Pair:
    a, b = (
        Side(tuple(KeptRanks.of(folder, each) for each in own), bool(training_of(own[0])))
        for folder, own in zip(folders, sided, strict=True)
    )
    firsts = sided[0][0], sided[1][0]
    shared = [
        name for name in firsts[0].figures if all(name in each.figures for each in _all(sided))
    ]
    return Pair(
        place,
        (named(firsts[0]), named(firsts[1])),
        (firsts[0].system, firsts[1].system),
        tuple(difference_of(name, a, b, resamples) for name in shared),
        _settings(*firsts),
    )


def _all(sided: tuple[Sided, Sided]) -> Sided:
    return (*sided[0], *sided[1])


def _settings(a: RunRecord, b: RunRecord) -> Mapping[str, tuple[Any, Any]]:
    """Settings of two records that differ, but for their training."""
    names = sorted((a.settings.keys() | b.settings.keys()) - {TRAINING})
    both = {name: (a.settings.get(name), b.settings.get(name)) for name in names}
    return {name: each for name, each in both.items() if each[0] != each[1]}


def _other_contents(
    a: Mapping[Place, Sided], b: Mapping[Place, Sided], paired: list[Place]
) -> Iterator[Refused]:
    """Pairs of one protocol whose data sets have two contents."""
    for place in paired:
        one, other = a[place][0], b[place][0]
        reasons = [
            f"{what} differ: other contents under one name"
            for name, what in _CONTENT.items()
            if one.data.get(name) != other.data.get(name)
        ]
        if one.settings.get("distractors") != other.settings.get("distractors"):
            reasons.append("the pictures that pad the gallery differ")
        if reasons:
            yield Refused(place, place, tuple(reasons))


def _other_protocols(a: Mapping[Place, Sided], b: Mapping[Place, Sided]) -> Iterator[Refused]:
    """What one side measured, beside the nearest that the other did under another protocol.

    Another language, or another way of searching, is another measurement and no mistake.
    """
    rest = [place for place in b if place not in a]
    for place in (each for each in a if each not in b):
        like = [
            other
            for other in rest
            if (other.key.dataset, other.key.language) == (place.key.dataset, place.key.language)
            and other[1:] == place[1:]
        ]
        if like:
            yield _beside(place, like)


def _beside(place: Place, others: Iterable[Place]) -> Refused:
    """A measurement beside the one of others that differs in least."""
    near = min(others, key=lambda each: len(place.differences(each)))
    reasons = tuple(
        f"{name} is {_shown(own)} in A, {_shown(other)} in B"
        for name, own, other in place.differences(near)
    )
    return Refused(place, near, reasons)


def _nothing_to_compare(
    a: Iterable[Place], b: Iterable[Place], refused: Sequence[Refused]
) -> BenchmarkError:
    """Names the parts of the protocols that differ; of many pairs those of the nearest."""
    others = [*b]
    found = refused or [min((_beside(each, others) for each in a), key=_apart)]
    reasons = "; ".join(dict.fromkeys(reason for each in found for reason in each.reasons))
    return BenchmarkError(
        f"incomparable: {reasons}",
        hint="such figures are never subtracted from each other; run both alike",
    )


def _apart(refused: Refused) -> int:
    return len(refused.reasons)


def _shown(value: object) -> object:
    return value if value != "" else "none"
