"""xFlickrCO: 1,000 pictures of Flickr30K and 1,000 of COCO, one caption in eight languages.

    xflickrco.json    the form of Babel-ImageNet's repository; here or in babel_imagenet/ beside
    images/           pictures of both; or in flickr30k/ and coco/ beside this folder

Source: E. Bugliarello et al., "IGLUE: A Benchmark for Transfer Learning across Modalities, Tasks,
and Languages", ICML 2022.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import Crossmodal, DatasetSpec, LoadOptions, Origin
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.files import find
from benchmarks.datasets.parallel import Parallel, in_languages, read_table
from benchmarks.datasets.places import coco_or_flickr

_FILE = "xflickrco.json"


def read_captions(folder: Path) -> Parallel:
    """The images and captions of all languages, English first."""
    places = (f"{folder.name}/{_FILE}", f"babel_imagenet/{_FILE}")
    read = read_table(find(folder.parent, places, "captions of xFlickrCO"))
    codes = sorted(read.captions, key=lambda code: (code != "en", code))
    return Parallel(read.images, {code: read.captions[code] for code in codes}, read.sha256)


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language."""
    refuse(options, "xflickrco", "split", "captions", "gallery")
    read = read_captions(folder)
    codes = chosen_languages(options.languages, tuple(read.captions), "xflickrco")
    origin = Origin("xflickrco", "test", sha256=read.sha256)
    return in_languages(origin, read, codes, [coco_or_flickr(folder, name) for name in read.images])


SPEC = DatasetSpec(
    "xflickrco",
    "crossmodal",
    "xFlickrCO: 2,000 pictures of Flickr30K and COCO, 8 languages",
    load,
    "xflickrco",
    8,
)
