"""XTD10: 1,000 pictures of COCO with one caption each in eleven languages.

    xtd.json                              the form of Babel-ImageNet's repository; here or in
                                          babel_imagenet/ beside; or the form of Adobe's:
    **/test_image_names.txt               an image a line
    **/test_1kcaptions_{de,en,...}.txt    line i is the caption of image i
    images/, train2014/, val2014/         pictures, here or below coco/ beside this folder

800 of them are pictures that COCO trains on: a model that was fine-tuned on COCO has seen them.

Source: P. Aggarwal, A. Kale, "Towards Zero-shot Cross-lingual Image Retrieval", 2020 (XTD10);
German and French: Multi30K's authors (MIC); Japanese: STAIR captions.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import Crossmodal, DatasetError, DatasetSpec, LoadOptions, Origin
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.parallel import Parallel, checked, in_languages, read_table
from benchmarks.datasets.places import coco2014, located
from benchmarks.datasets.texts import read_lines

_IMAGES, _CAPTIONS = "test_image_names.txt", "test_1kcaptions_"


def read_captions(folder: Path) -> Parallel:
    """The images and captions of all languages, English first.

    Raises:
        DatasetError: no files of either form are there, or their lengths differ.
    """
    table = located("xtd.json", (folder, folder.parent / "babel_imagenet"))
    read = read_table(table) if table.is_file() else _read_files(folder)
    codes = sorted(read.captions, key=lambda code: (code != "en", code))
    return Parallel(read.images, {code: read.captions[code] for code in codes}, read.sha256)


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language."""
    refuse(options, "xtd", "split", "captions", "gallery")
    read = read_captions(folder)
    codes = chosen_languages(options.languages, tuple(read.captions), "xtd")
    origin = Origin("xtd", "test", sha256=read.sha256)
    return in_languages(origin, read, codes, [coco2014(folder, name) for name in read.images])


def _read_files(folder: Path) -> Parallel:
    names = min(folder.rglob(_IMAGES), default=None)
    if names is None:
        raise DatasetError(
            f"neither xtd.json nor {_IMAGES} is in {folder}",
            hint="put there xtd.json of Babel-ImageNet, or the folders of Adobe's XTD10",
        )
    images, sha256 = read_lines(names)
    captions, hashes = {}, {names.name: sha256}
    for path in sorted(folder.rglob(f"{_CAPTIONS}*.txt")):
        lines, hashes[path.name] = read_lines(path)
        captions[path.stem.removeprefix(_CAPTIONS)] = [(line,) for line in lines]
    return checked(names.parent, images, captions, hashes)


SPEC = DatasetSpec(
    "xtd", "crossmodal", "XTD10: 1,000 pictures of COCO, 11 languages", load, "xtd", 11
)
