"""Which records of a run take part in a comparison, and which of them belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import EXACT, RunRecord
from retrieval.encoders.fingerprint import canonical_json
from retrieval.errors import BenchmarkError

TRAINING, METHOD, SEED = "training", "method", "seed"
"""A record of something trained says so in its settings: {"training": {"method": ..., "seed": n}}.
"""

_COMPOSE = "compose"
"""The setting that names how queries were composed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a run is compared.

    Attributes:
        name: of the run, for messages: its folder, with "A" or "B" before it.
        model: an encoder, or a trained method, by name; None where the run has but one.
        index: EXACT, or a kind of index; None takes all.
        compose: a way to compose; None takes all.
        languages: as records code them; () takes all.
    """

    name: str
    model: str | None = None
    index: str | None = None
    compose: str | None = None
    languages: tuple[str, ...] = ()

    def takes(self, record: RunRecord) -> bool:
        """Whether a record takes part."""
        names = (record.model["name"], training_of(record).get(METHOD))
        return (
            (self.model is None or self.model in names)
            and (self.index is None or self.index == record.system)
            and (self.compose is None or self.compose == record.settings.get(_COMPOSE))
            and (not self.languages or record.key.language in self.languages)
        )


class Place(NamedTuple):
    """What two records have in common that are compared.

    Attributes:
        key: the protocol.
        system: EXACT or a kind of index; "" where two of them are compared.
        compose: how queries were composed; "" where there are none, or two ways are compared.
    """

    key: ProtocolKey
    system: str
    compose: str

    def differences(self, other: "Place") -> tuple[tuple[str, object, object], ...]:
        """Name, own value and other value of all in which two differ."""
        own = (("index", self.system, other.system), ("compose", self.compose, other.compose))
        return (*self.key.differences(other.key), *(each for each in own if each[1] != each[2]))


def aligned(first: Choice, second: Choice) -> tuple[Choice, Choice]:
    """Two choices that name an index both or neither; what is not named is the exact search."""
    if first.index is None and second.index is None:
        return first, second
    return (
        replace(first, index=first.index or EXACT),
        replace(second, index=second.index or EXACT),
    )


def places(
    records: Sequence[RunRecord], choice: Choice, *, across: tuple[bool, bool]
) -> Mapping[Place, tuple[RunRecord, ...]]:
    """The records of a side by what they are compared under: one each, or one for each seed.

    Args:
        records: of the run.
        choice: which take part.
        across: whether two kinds of index, and two ways to compose, are compared.

    Raises:
        BenchmarkError: none is left, or there are several that do not differ in their seed alone.
    """
    taken = [each for each in records if choice.takes(each)]
    if not taken:
        models = ", ".join(sorted({each.model["name"] for each in records})) or "nothing"
        raise BenchmarkError(
            f"{choice.name} has no such records", hint=f"it has records of {models}"
        )
    found: dict[Place, list[RunRecord]] = {}
    for each in taken:
        compose = str(each.settings.get(_COMPOSE, ""))
        place = Place(each.key, "" if across[0] else each.system, "" if across[1] else compose)
        found.setdefault(place, []).append(each)
    for own in found.values():
        _check_one(own, choice)
    return {place: tuple(own) for place, own in found.items()}


def training_of(record: RunRecord) -> Mapping[str, Any]:
    """Method and seed of something trained; empty of everything else."""
    told: Mapping[str, Any] = record.settings.get(TRAINING) or {}
    return told


def named(record: RunRecord) -> str:
    """What a reader calls the side of a record: the trained method, else the encoder."""
    return str(training_of(record).get(METHOD, record.model["name"]))


def _check_one(records: Sequence[RunRecord], choice: Choice) -> None:
    """Refuse several records that are not one method from several seeds."""
    if len(records) == 1:
        return
    names = list(dict.fromkeys(named(each) for each in records))
    if len(names) > 1:
        raise BenchmarkError(
            f"{choice.name} has several models: {', '.join(names)}",
            hint="choose one with --model-a and --model-b",
        )
    if len({each.system for each in records}) > 1:
        kinds = ", ".join(dict.fromkeys(each.system for each in records))
        raise BenchmarkError(
            f"{choice.name} has several indexes: {kinds}",
            hint="choose one with --index-a and --index-b",
        )
    seeds = [training_of(each).get(SEED) for each in records]
    if len(set(seeds)) < len(seeds) or len({_but_the_seed(each) for each in records}) > 1:
        key = records[0].key
        raise BenchmarkError(
            f"{choice.name} has {len(records)} records of {names[0]} on {key.dataset} "
            f"{key.language}".rstrip()
            + " that do not differ in their seed alone",
            hint="write each run to a folder of its own; records of what is trained name "
            "their method and seed",
        )


def _but_the_seed(record: RunRecord) -> str:
    """All that the seeds of one method share."""
    training = {name: each for name, each in training_of(record).items() if name != SEED}
    settings = {name: each for name, each in record.settings.items() if name != TRAINING}
    return canonical_json([asdict(record.key), record.system, settings, training, record.data])
