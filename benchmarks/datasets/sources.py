"""What is known of data sets before they are read, and whether their files are those published.

The facts are in `sources.toml` beside this file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from benchmarks.datasets.base import DataSet, DatasetSpec, FetchedFile


@dataclass(frozen=True, slots=True)
class KnownFile:
    """An annotation file as it was published.

    Attributes:
        sha256: hex digests of its versions, the one at `url` first.
        size_bytes: of the first; None where it was not told.
        url: where it can be had; "" if nobody publishes it at an address of its own.
    """

    sha256: tuple[str, ...]
    size_bytes: int | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """Where a data set comes from.

    Attributes:
        name: as `polyseek bench list` has it.
        address: of its authors, or of those who publish it; "" of what polyseek draws itself.
        licence: of annotations and pictures, one line.
        paper: authors, title, where; "" where there is none.
        counts: pictures, texts, queries, classes and languages of what results are published on.
        files: by their names, as `Origin.sha256` has them.
        takes_any_file: whether no file of it was published, so that none can be a wrong one.
    """

    name: str
    address: str
    licence: str
    paper: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, KnownFile] = field(default_factory=dict)
    takes_any_file: bool = False


@cache
def sources() -> Mapping[str, DatasetSource]:
    """All of them, by their names."""
    text = files("benchmarks.datasets").joinpath("sources.toml").read_text(encoding="utf-8")
    return {name: _source(name, given) for name, given in tomllib.loads(text).items()}


def known_sha256(dataset: str, file_name: str) -> frozenset[str]:
    """The sha256 (hex) of a file in each version that was published; none where nobody knows it."""
    source = sources().get(dataset)
    if source is None or file_name not in source.files:
        return frozenset()
    return frozenset(source.files[file_name].sha256)


def is_known(dataset: str, sha256: Mapping[str, str]) -> bool:
    """Whether annotation files were read, and all of them are as they were published.

    Args:
        dataset: its name.
        sha256: (hex) of each file, by its name; as in `Origin` and in records.
    """
    return bool(sha256) and all(
        digest in known_sha256(dataset, name) for name, digest in sha256.items()
    )


def unknown_files(dataset: str, sha256: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the files that may be others than published results were made with.

    None of data of one's own: nothing was published of them.

    Args:
        dataset: see `is_known`.
        sha256: see `is_known`.
    """
    source = sources().get(dataset)
    if source is None or source.takes_any_file:
        return ()
    return tuple(
        name for name, digest in sha256.items() if digest not in known_sha256(dataset, name)
    )


def marked(data: DataSet) -> DataSet:
    """The data, whose origin tells its licence and whether its files are known."""
    origin = data.origin
    source = sources().get(origin.name)
    licence = origin.licence or (source.licence if source else "")
    known = is_known(origin.name, origin.sha256)
    return replace(data, origin=replace(origin, licence=licence, is_known=known))


def completed(spec: DatasetSpec) -> DatasetSpec:
    """The data set with its licence and its files, where it does not tell them itself."""
    source = sources().get(spec.name)
    if source is None:
        return spec
    known = tuple(
        FetchedFile(name, file.url, file.sha256[0], file.size_bytes)
        for name, file in source.files.items()
        if file.size_bytes is not None
    )
    return replace(spec, licence=spec.licence or source.licence, files=spec.files or known)


def _source(name: str, given: Mapping[str, Any]) -> DatasetSource:
    known = {
        file: KnownFile(**(about | {"sha256": tuple(about["sha256"])}))
        for file, about in given.get("files", {}).items()
    }
    return DatasetSource(name, **({**given} | {"files": known}))
