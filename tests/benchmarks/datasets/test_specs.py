"""What holds for every data set in many languages, zero-shot, composed or from a package."""

import pytest

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
    packages,
    tuxpaint,
    urban1k,
    xflickrco,
    xm3600,
    xtd,
)
from benchmarks.datasets.base import DatasetError, LoadOptions

MODULES = (
    circo,
    cirr,
    cldr_emoji,
    coco_cn,
    flickr30k_cn,
    multi30k,
    openclipart,
    tuxpaint,
    urban1k,
    xflickrco,
    xm3600,
    xtd,
)
SPECS = (
    *(module.SPEC for module in MODULES),
    *fashioniq.SPECS,
    *babel_imagenet.SPECS,
    *coco.SPECS,
    *flickr.SPECS,
    *flores200.SPECS,
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_an_empty_folder_is_an_error_that_says_what_to_do(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "INSTALLED", tmp_path / "system")
    with pytest.raises(DatasetError) as caught:
        spec.load(tmp_path / spec.folder, LoadOptions())
    assert caught.value.hint


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    "options", [LoadOptions(split="no split"), LoadOptions(gallery="no gallery")]
)
def test_a_split_or_a_gallery_that_it_does_not_have_is_refused(spec, options, tmp_path):
    with pytest.raises(DatasetError, match=spec.name):
        spec.load(tmp_path, options)


def test_names_differ():
    assert len({spec.name for spec in SPECS}) == len(SPECS)
