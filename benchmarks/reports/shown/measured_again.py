"""The data and the embeddings of a record, read again: what its ranks alone do not tell.

Embeddings come from the cache folder where the run left them, so this is quick. Nothing is shown of
data or a model that are not the very ones of the record.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args

from benchmarks.datasets.base import (
    CaptionsRule,
    Composed,
    Crossmodal,
    DatasetError,
    LoadOptions,
    Zeroshot,
)
from benchmarks.datasets.registry import dataset
from benchmarks.features import Features, PictureFeatures
from benchmarks.plans.base import RunOptions, seen
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
    key = record.key
    spec = dataset(key.dataset)
    data = _loaded(record, folder / spec.folder)
    encoder, features = features_of(record.model["name"])
    if encoder.info.fingerprint != record.model["fingerprint"]:
        raise DatasetError(f"{record.model['name']} is not the model that was measured")
    options = RunOptions(limit=_limit(key))
    found: tuple[Crossmodal | Zeroshot, PictureFeatures, Mapping[str, Any]]
    if isinstance(data, Zeroshot):
        found = seen(data, features, options)
    else:
        found = seen(data, features, options)
    as_measured, pictures, facts = found
    if any(facts[name] != record.data[name] for name in ("annotations", "pictures")):
        raise DatasetError(
            f"{key.dataset} in {folder} is not what was measured: its files are others",
            hint="give the folder of the run with --data",
        )
    return Again(as_measured, pictures.rows, features)


def _loaded(record: RunRecord, folder: Path) -> Crossmodal | Zeroshot:
    """The data set of a record in its language."""
    key = record.key
    spec = dataset(key.dataset)
    languages = (key.language,) if key.language and spec.languages > 1 else ()
    for options in (
        LoadOptions(languages=languages),
        LoadOptions(key.split, _rule(key), languages),
    ):
        for each in spec.load(folder, options):
            if not isinstance(each, Composed) and _is_of(each, key):
                return each
    raise DatasetError(f"{key.dataset} is read otherwise now than when it was measured")


def _is_of(data: Crossmodal | Zeroshot, key: ProtocolKey) -> bool:
    """Whether data are those of a protocol, as far as their files do not tell."""
    if data.origin.split != key.split:
        return False
    if isinstance(data, Zeroshot):
        return key.language in data.names
    return (data.origin.rule, data.language) == (key.captions, key.language)


def _rule(key: ProtocolKey) -> CaptionsRule | None:
    rules: tuple[CaptionsRule, ...] = get_args(CaptionsRule)
    return next((rule for rule in rules if rule == key.captions), None)


def _limit(key: ProtocolKey) -> int | None:
    found = _FIRST.match(key.gallery)
    return int(found[1]) if found else None
