"""How the tables and values are read: every cell becomes a `Reference`."""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from benchmarks.records.key import ProtocolKey
from benchmarks.reference.models import ModelId
from benchmarks.reference.settings import NAMES, UNKNOWN, Settings
from benchmarks.reference.sources import Source, sources

Unit: TypeAlias = Literal["fraction", "percent"]

_WHOLE = {"fraction": 1.0, "percent": 100.0}

_TOLERANCES = {"t2i": 0.3, "i2t": 0.5}
_TOLERANCE = 0.5


@dataclass(frozen=True, slots=True)
class Reference:
    """A published figure.

    Attributes:
        model: whose.
        metric: "t2i_r@1", "i2t_r@5", "top1", "map@10", "subset_r@1".
        value: as it was published.
        unit: of `value`.
        key: the protocol, settled (`keys.settled`).
        source: where it stands.
        settings: what is known of the run.
        method: how queries were composed; "" where they are not.
        pictures_per_class: None where pictures have no class.
        note: what its collector saw.
    """

    model: ModelId
    metric: str
    value: float
    unit: Unit
    key: ProtocolKey
    source: Source
    settings: Settings = UNKNOWN
    method: str = ""
    pictures_per_class: int | None = None
    note: str = ""

    @property
    def share(self) -> float:
        """The value in [0, 1], as records have it."""
        return self.value / _WHOLE[self.unit]

    @property
    def tolerance_pp(self) -> float:
        """By how many percentage points another honest run may differ.

        0.3 where texts find pictures, 0.5 else: 1.2 to 3 times the most by which two runs of
        CLIP_benchmark, years apart, differ over 13 models on Flickr30k and COCO (0.18 and 0.40).
        """
        return _TOLERANCES.get(self.metric.partition("_")[0], _TOLERANCE)

    @property
    def is_verified(self) -> bool:
        """Whether it was seen where it was published first."""
        return self.source.is_verified


_KEY_FIELDS = {each.name for each in fields(ProtocolKey)} - {"dataset"}
_OWN_FIELDS = {"method", "note", "pictures_per_class"}
_COLUMNS = {"model", "pretrained", "metric", "source", *_KEY_FIELDS, *_OWN_FIELDS, *NAMES}
"""What a row may say beside its figures."""

_NUMBERS = {"folds", "n_pictures", "n_texts", "n_classes", "pictures_per_class"}


def read_table(data_set: str, about: Mapping[str, Any], text: str) -> Iterator[Reference]:
    """The figures of a CSV table.

    Args:
        data_set: its name.
        about: its section of tables.toml.
        text: of the file.

    Raises:
        ValueError: a cell is no number, or a row says what nobody knows.
        KeyError: a row says too little.
    """
    same = {"source": about["source"], **about["same"]}
    for row in csv.DictReader(text.splitlines()):
        said = same | {name: value for name, value in row.items() if name in _COLUMNS and value}
        figures = {name: value for name, value in row.items() if name not in _COLUMNS and value}
        yield from _references(data_set, said, about["spread"], figures, about["unit"])


def read_values(data_set: str, text: str) -> Iterator[Reference]:
    """The figures of a TOML file of values, all in percent.

    Args:
        data_set: its name.
        text: of the file.

    Raises:
        ValueError: a row says what nobody knows.
        KeyError: a row says too little.
    """
    for row in tomllib.loads(text)["rows"]:
        figures = row.pop("figures")
        yield from _references(data_set, row, "metric", figures, "percent")


def _references(
    data_set: str,
    said: Mapping[str, Any],
    spread: str,
    figures: Mapping[str, str | float],
    unit: Unit,
) -> Iterator[Reference]:
    """All figures of one row; each is named by what the row is spread over."""
    if strange := said.keys() - _COLUMNS:
        raise ValueError(f"{data_set}: nobody knows what {sorted(strange)} means")
    said = {**said, **{name: int(said[name]) for name in _NUMBERS & said.keys()}}
    source = sources()[said["source"]]
    key = ProtocolKey(data_set, **{name: said[name] for name in _KEY_FIELDS & said.keys()})
    settings = Settings.of(said).filled_from(source.settings)
    own = {name: said[name] for name in _OWN_FIELDS & said.keys()}
    for name, value in figures.items():
        each = said | _spread(spread, name)
        model = ModelId(each["model"], each.get("pretrained", ""))
        in_language = _in_language(key, each.get("language", ""))
        figure = float(value)
        yield Reference(model, each["metric"], figure, unit, in_language, source, settings, **own)


def _spread(name: str, value: str) -> dict[str, str]:
    if name == "model":
        model, _, pretrained = value.partition(":")
        return {"model": model, "pretrained": pretrained}
    return {name: value}


@lru_cache(maxsize=4096)
def _in_language(key: ProtocolKey, language: str) -> ProtocolKey:
    """Kept, so that the figures of one protocol share one key."""
    return replace(key, language=language)
