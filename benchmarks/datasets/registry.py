"""Data sets by name, and read: what they hold is marked as known or not in one place."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets import (
    babel_imagenet,
    circo,
    cirr,
    cldr_emoji,
    coco,
    coco_cn,
    fashioniq,
    flickr,
    flickr30k_cn,
    flores200,
    multi30k,
    openclipart,
    own,
    probes,
    tuxpaint,
    urban1k,
    xflickrco,
    xm3600,
    xtd,
)
from benchmarks.datasets.base import DataSet, DatasetError, DatasetSpec, LoadOptions
from benchmarks.datasets.sources import completed, marked, sources

_SPECS: tuple[DatasetSpec, ...] = (
    *coco.SPECS,
    *flickr.SPECS,
    xtd.SPEC,
    xflickrco.SPEC,
    xm3600.SPEC,
    multi30k.SPEC,
    flickr30k_cn.SPEC,
    *flores200.SPECS,
    coco_cn.SPEC,
    urban1k.SPEC,
    *babel_imagenet.SPECS,
    tuxpaint.SPEC,
    cldr_emoji.SPEC,
    openclipart.SPEC,
    cirr.SPEC,
    *fashioniq.SPECS,
    circo.SPEC,
    *probes.SPECS,
)

_GROUPS = {"probes": tuple(each.name for each in probes.SPECS)}
"""Names that stand for several data sets."""


def known_datasets() -> tuple[DatasetSpec, ...]:
    """All of them, in the order in which they are listed."""
    return tuple(map(completed, _SPECS))


def dataset(name: str) -> DatasetSpec:
    """The data set of a name, or that of a .toml file of one's own.

    Raises:
        DatasetError: there is none, and those that are spelled alike are named; or the file cannot
            be read, or takes the name of a data set that is known.
    """
    found = {each.name: each for each in known_datasets()}
    if name in found:
        return found[name]
    if name.endswith(own.SUFFIX):
        return own.spec_of(Path(name), {*found, *sources()})
    every = [*found, *_GROUPS]
    near = difflib.get_close_matches(name, every) or every
    raise DatasetError(f"there is no data set {name!r}", hint=f"there is {', '.join(near)}")


def datasets(names: Sequence[str]) -> tuple[DatasetSpec, ...]:
    """The data sets of names, once each; "probes" is every probe.

    Raises:
        DatasetError: there is none of a name.
    """
    expanded = [each for name in names for each in _GROUPS.get(name, (name,))]
    return tuple(dataset(name) for name in dict.fromkeys(expanded))


def load(spec: DatasetSpec, data: Path, options: LoadOptions) -> tuple[DataSet, ...]:
    """Read a data set; its origin tells whether its files are known.

    Args:
        spec: which.
        data: folder of the data sets.
        options: what was chosen of it.

    Raises:
        DatasetError: its files are absent, damaged, or others than they should be, or a choice is
            none of its.
    """
    return tuple(map(marked, spec.load(data / spec.folder, options)))
