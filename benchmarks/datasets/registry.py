"""Data sets by name."""

import difflib

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
    tuxpaint,
    xflickrco,
    xm3600,
    xtd,
)
from benchmarks.datasets.base import DatasetError, DatasetSpec

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
    *babel_imagenet.SPECS,
    tuxpaint.SPEC,
    cldr_emoji.SPEC,
    openclipart.SPEC,
    cirr.SPEC,
    *fashioniq.SPECS,
    circo.SPEC,
)


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
        near = difflib.get_close_matches(name, found) or list(found)
        raise DatasetError(f"there is no data set {name!r}", hint=f"there is {', '.join(near)}")
    return found[name]
