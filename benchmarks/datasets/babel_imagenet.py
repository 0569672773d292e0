"""Babel-ImageNet: pictures of ImageNet's classes, and the names of the classes in 298 languages.

    babel_imagenet.json or babel_imagenet-298.json    {"DE": [[class, ...], [name, ...]], ...}
    nllb_dist13b_prompts.json                         {"DE": ["ein Foto von {} .", ...], ...}
    imagenet/ or val/                                 a folder a class, by WordNet id, or files
                                                      WNID_anything.JPEG side by side

The labels are BabelNet's, under its non-commercial licence: they are read from your own copy.

Source: G. Geigle, R. Timofte, G. Glavas, "Babel-ImageNet: Massively Multilingual Evaluation of
Vision-and-Language Representations", ACL 2024.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import (
    ClassNames,
    DatasetError,
    DatasetSpec,
    FetchedFile,
    LoadOptions,
    Origin,
    Picture,
    Zeroshot,
)
from benchmarks.datasets.files import find, read_json
from retrieval.languages.codes import tag_of_babel
from retrieval.languages.tags import canonical_tag
from retrieval.model import Int64Array

LICENCE = "labels: BabelNet Non-Commercial License; pictures: ImageNet terms, research only"

_REPOSITORY = "https://raw.githubusercontent.com/gregor-ge/Babel-ImageNet/main/data"
FILES = (
    FetchedFile(
        "babel_imagenet-298.json",
        f"{_REPOSITORY}/babel_imagenet-298.json",
        "42a1a71eb74fef99414bcbe4d9a2f1f630d5b451259d2090b6acad8192eea4fe",
        1_723_739,
    ),
    FetchedFile(
        "babel_imagenet.json",
        f"{_REPOSITORY}/babel_imagenet.json",
        "1699e9984d5d02f34640b06230f2d5ebacab2ff1554ddf55883858b5862afc5a",
        1_312_075,
    ),
    FetchedFile(
        "nllb_dist13b_prompts.json",
        sha256="6973d7d915868b4fd3d0a354acab15a058d6f98628f83ab7d741d45887aa8985",
        size_bytes=283_300,
    ),
)
"""As of 2024-05-22."""

_INSTRUCTIONS = (
    "ImageNet's validation pictures are licensed: ask for them at https://image-net.org and put "
    "them into imagenet/, a folder a class"
)

N_CLASSES = 1_000
_LABELS = ("babel_imagenet-298.json", "babel_imagenet.json")
_TEMPLATES = "nllb_dist13b_prompts.json"
_PICTURES = ("imagenet", "val", "imagenet_sample", "../imagenet_sample", "../imagenet")
_SUFFIXES = {".jpeg", ".jpg", ".png", ".webp"}


def load(folder: Path, options: LoadOptions) -> Sequence[Zeroshot]:
    """The pictures of all classes, and the names of the languages asked for.

    Raises:
        DatasetError: files are missing or of another form, a language is not there, or the folder
            does not show all classes.
    """
    for choice in ("split", "captions", "gallery"):
        value = getattr(options, choice)
        if value is not None:
            raise DatasetError(f"babel-imagenet has no {choice}", hint=f"leave --{choice} out")
    path = find(folder, _LABELS, "labels of Babel-ImageNet")
    table, sha256 = read_json(path)
    names = _names(table, path)
    hashes = {path.name: sha256}
    templates: Mapping[str, Any] = {}
    if (prompts := folder / _TEMPLATES).is_file():
        templates, hashes[prompts.name] = read_json(prompts)
    pictures, class_of = _pictures(find(folder, _PICTURES, "pictures of ImageNet"))
    chosen = _chosen(names, options.languages)
    known = {each.name: each.sha256 for each in FILES}
    is_known = all(known[name] == found for name, found in hashes.items())
    origin = Origin("babel-imagenet", "val", path.stem, hashes, is_known, LICENCE)
    return (
        Zeroshot(
            origin,
            pictures,
            class_of,
            N_CLASSES,
            {code: names[code] for code in chosen},
            {code: tuple(templates[code]) for code in chosen if code in templates},
        ),
    )


def _names(table: object, path: Path) -> dict[str, ClassNames]:
    """Classes and names by language.

    Raises:
        DatasetError: a language is empty, or its lists do not fit.
    """
    if not isinstance(table, dict):
        raise DatasetError(f"{path} is no table of languages")
    found = {}
    for code, entry in table.items():
        try:
            classes, names = entry
            numbers = np.array(classes, np.int64)
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{path}: {code} is no pair of classes and names") from error
        if not len(names) or len(numbers) != len(names):
            raise DatasetError(f"{path}: {code} has {len(numbers)} classes and {len(names)} names")
        if (np.diff(numbers) <= 0).any() or numbers[0] < 0 or numbers[-1] >= N_CLASSES:
            raise DatasetError(f"{path}: the classes of {code} are not ascending from 0 to 999")
        found[code] = ClassNames(numbers, tuple(map(str, names)))
    return found


def _chosen(names: Mapping[str, ClassNames], languages: tuple[str, ...]) -> list[str]:
    """The codes that were asked for, as codes of the table or as tags.

    Raises:
        DatasetError: a language is not there.
    """
    if languages == ("all",):
        return list(names)
    by_tag = {tag_of_babel(code): code for code in names}
    chosen = []
    for asked in languages or ("EN",):
        code = asked.upper() if asked.upper() in names else by_tag.get(canonical_tag(asked))
        if code is None:
            raise DatasetError(
                f"babel-imagenet has no language {asked!r} in these files",
                hint="--languages all takes all that are there",
            )
        chosen.append(code)
    return list(dict.fromkeys(chosen))


def _pictures(folder: Path) -> tuple[tuple[Picture, ...], Int64Array]:
    """Pictures with their classes: WordNet ids in their order are the classes from 0 on.

    Raises:
        DatasetError: not all classes are there, so that their numbers are not known.
    """
    files = sorted(each for each in folder.rglob("*") if each.suffix.lower() in _SUFFIXES)
    wnids = [
        each.parent.name if each.parent != folder else each.name.partition("_")[0] for each in files
    ]
    known = sorted(set(wnids))
    if len(known) != N_CLASSES:
        raise DatasetError(
            f"{folder} shows {len(known):,} classes, and ImageNet has {N_CLASSES:,}",
            hint="put all class folders there, or files WNID_anything.JPEG of all classes",
        )
    number_of = {wnid: number for number, wnid in enumerate(known)}
    pictures = tuple(Picture(each.relative_to(folder).as_posix(), each) for each in files)
    return pictures, np.array([number_of[wnid] for wnid in wnids], np.int64)


SPECS = (
    DatasetSpec(
        "babel-imagenet",
        "zeroshot",
        "names of ImageNet's classes, bare or in templates",
        load,
        "babel_imagenet",
        298,
        FILES,
        LICENCE,
        _INSTRUCTIONS,
    ),
)
