"""Flickr30K-200 and XTD200: a caption a picture, put into 200 languages by a machine (NLLB).

    flickr30k_200/filenames.txt          an image a line, 1,000
    xtd200/test_image_names.txt          likewise; or filenames.txt
    {deu_Latn,eng_Latn,...}.txt          line i is the caption of image i; codes of FLORES-200
    images/                              pictures; or flickr30k/ and coco/ beside this folder

A model that learned from NLLB's translations is measured on its own teacher's words here: the
captions of XTD, xFlickrCO and XM3600 were written or checked by people.

Source: A. Visheratin, "NLLB-CLIP - train performant multilingual image retrieval model on a
budget", 2023.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.datasets.base import Crossmodal, DatasetError, DatasetSpec, LoadOptions, Origin
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.files import find
from benchmarks.datasets.parallel import checked, in_languages
from benchmarks.datasets.places import coco_or_flickr
from benchmarks.datasets.texts import read_lines
from retrieval.languages.codes import FLORES, flores_code, tag_of_flores

N_PICTURES, N_LANGUAGES = 1_000, 200

_IMAGES = ("filenames.txt", "test_image_names.txt")
_CODES = {tag: str(flores_code(tag)) for tag in FLORES}


def load(name: str, folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language.

    Args:
        name: of the data set.
        folder: of it.
        options: languages are tags, or codes of FLORES-200.

    Raises:
        DatasetError: files are missing, or have another number of lines than images.
    """
    refuse(options, name, "split", "captions", "gallery")
    index = find(folder, _IMAGES, f"images of {name}")
    there = {
        tag: path for tag, code in _CODES.items() if (path := folder / f"{code}.txt").is_file()
    }
    tags = sorted(there, key=lambda tag: (tag != "en", tag))
    asked = [tag_of_flores(each) if each in _CODES.values() else each for each in options.languages]
    images, of_images = read_lines(index)
    if len(images) != N_PICTURES:
        raise DatasetError(
            f"{index} names {len(images):,} pictures, and should name {N_PICTURES:,}"
        )
    paths = [coco_or_flickr(folder, image) for image in images]
    found: list[Crossmodal] = []
    for tag in chosen_languages(asked, tags, name):
        lines, of_captions = read_lines(there[tag])
        if blank := [number for number, line in enumerate(lines, 1) if not line.strip()]:
            raise DatasetError(f"{there[tag]}: line {blank[0]} is no caption")
        hashes = {index.name: of_images, there[tag].name: of_captions}
        said = {tag: [(line.strip(),) for line in lines]}
        read = checked(there[tag], images, said, hashes)
        origin = Origin(name, "test", sha256=hashes)
        found += in_languages(origin, read, (tag,), paths)
    return tuple(found)


def _spec(name: str, title: str) -> DatasetSpec:
    folder = name.replace("-", "_")
    return DatasetSpec(
        name,
        "crossmodal",
        f"{title}: 1,000 pictures, 200 languages by machine",
        partial(load, name),
        folder,
        N_LANGUAGES,
        instructions=f"put data/{name} of https://github.com/visheratin/nllb-clip there",
    )


SPECS = (_spec("flickr30k-200", "Flickr30K-200"), _spec("xtd200", "XTD200"))
