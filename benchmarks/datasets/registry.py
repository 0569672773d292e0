"""Data sets by name."""

import difflib
from collections.abc import Sequence

from benchmarks.datasets import (
    babel_imagenet,
    circo,
    cirr,
    cldr_emoji,
    coco,
    coco_cn,
    fashioniq,
    flickr30k_cn,
    multi30k,
    openclipart,
    probes,
    tuxpaint,
    xflickrco,
    xm3600,
    xtd,
)
from benchmarks.datasets.base import DatasetError, DatasetSpec

_SPECS: tuple[DatasetSpec, ...] = (
    *coco.SPECS,
    xtd.SPEC,
    xflickrco.SPEC,
    xm3600.SPEC,
    multi30k.SPEC,
    flickr30k_cn.SPEC,
    coco_cn.SPEC,
    *babel_imagenet.SPECS,
    tuxpaint.SPEC,
    cldr_emoji.SPEC,
    openclipart.SPEC,
    cirr.SPEC,
    *fashioniq.SPECS,
    circo.SPEC,
    *probes.SPECS,
)

_GROUPS = {"probes": probes.SPECS}
"""Names that stand for several data sets."""


def known_datasets() -> tuple[DatasetSpec, ...]:
    """All of them, in the order in which they are listed."""
    return _SPECS


def dataset(name: str) -> DatasetSpec:
    """The data set of a name.

    Raises:
        DatasetError: there is none; names those that are spelled alike.
    """
    found = {each.name: each for each in _SPECS}
    if name not in found:
        near = difflib.get_close_matches(name, [*found, *_GROUPS]) or [*found, *_GROUPS]
        raise DatasetError(f"there is no data set {name!r}", hint=f"there is {', '.join(near)}")
    return found[name]


def datasets(names: Sequence[str]) -> tuple[DatasetSpec, ...]:
    """The data sets of names, once each; "probes" is every probe.

    Raises:
        DatasetError: there is none of a name.
    """
    found = [spec for name in names for spec in _GROUPS.get(name) or (dataset(name),)]
    return tuple({each.name: each for each in found}.values())
