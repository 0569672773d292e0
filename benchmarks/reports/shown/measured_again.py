"""The data and the embeddings of a record, read again: what its ranks alone do not tell.

Embeddings come from the cache folder where the run left them, so this is quick. Nothing is shown of
data or a model that are not the very ones of the record.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args

from benchmarks.datasets.base import (
    CaptionsRule,
    Crossmodal,
    DatasetError,
    LoadOptions,
    Prompts,
    Zeroshot,
)
from benchmarks.datasets.registry import dataset
from benchmarks.features import Features, PictureFeatures
from benchmarks.plans.base import RunOptions, seen
from benchmarks.plans.plan import plan
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from retrieval.encoders.base import Encoder
from retrieval.model import Float32Array

_FIRST = re.compile(r"the first (\d+)")

FeaturesOf: TypeAlias = Callable[[str], tuple[Encoder, Features]]
"""The encoder of a name, and what embeds with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """What was measured.

    Attributes:
        data: as it was measured: without pictures that cannot be read.
        pictures: (n, dim) unit rows.
        features: embeds its texts.
    """

    data: Crossmodal | Zeroshot
    pictures: Float32Array
    features: Features


def measured_again(record: RunRecord, folder: Path, features_of: FeaturesOf) -> Again:
    """Read the data of a record, and embed its pictures.

    Args:
        record: of a crossmodal or zero-shot data set.
        folder: with the data sets, as `polyseek bench run --data` takes it.
        features_of: loads encoders; asked for the model of the record.

    Raises:
        DatasetError: the files are absent, or not those that were measured, or the model of that
            name is another one now.
        EncoderUnavailableError: the encoder cannot be had.
    """
    encoder, features = features_of(record.model["name"])
    if encoder.info.fingerprint != record.model["fingerprint"]:
        raise DatasetError(f"{record.model['name']} is not the model that was measured")
    for data, options in _candidates(record.key, folder):
        if any(planned.key == record.key for planned in plan(data, features, options)):
            found = _as_measured(data, features, options, record)
            if found is not None:
                return found
    raise DatasetError(
        f"{record.key.dataset} in {folder} is not what was measured: its files are others",
        hint="give the folder of the run with --data",
    )


def _candidates(
    key: ProtocolKey, folder: Path
) -> Iterator[tuple[Crossmodal | Zeroshot, RunOptions]]:
    """Data that may be those of a protocol: as they are read by default, then as it names them.

    Raises:
        DatasetError: they cannot be read by default.
    """
    spec = dataset(key.dataset)
    languages = (key.language,) if key.language and spec.languages > 1 else ()
    all_prompts: tuple[Prompts, ...] = get_args(Prompts)
    rules: tuple[CaptionsRule, ...] = get_args(CaptionsRule)
    prompts = next((each for each in all_prompts if each == key.prompt), all_prompts[0])
    rule = next((each for each in rules if each == key.captions), None)
    plain, named = LoadOptions(languages=languages), LoadOptions(key.split, rule, languages)
    for load in (plain, named):
        try:
            read = spec.load(folder / spec.folder, load)
        except DatasetError:
            if load is plain:
                raise
            return  # it has no such choice
        options = RunOptions(load=load, prompts=prompts, limit=_limit(key))
        for each in read:
            if isinstance(each, Crossmodal | Zeroshot):
                yield each, options


def _as_measured(
    data: Crossmodal | Zeroshot, features: Features, options: RunOptions, record: RunRecord
) -> Again | None:
    """The data without what cannot be read; None if its files are not those of the record."""
    found: tuple[Crossmodal | Zeroshot, PictureFeatures, Mapping[str, Any]]
    if isinstance(data, Zeroshot):
        found = seen(data, features, options)
    else:
        found = seen(data, features, options)
    as_measured, pictures, facts = found
    if any(facts[name] != record.data[name] for name in ("annotations", "pictures")):
        return None
    return Again(as_measured, pictures.rows, features)


def _limit(key: ProtocolKey) -> int | None:
    found = _FIRST.search(key.gallery)
    return int(found[1]) if found else None
