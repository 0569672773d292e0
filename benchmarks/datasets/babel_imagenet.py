"""Babel-ImageNet: pictures of ImageNet's classes, and the names of the classes in 298 languages.

    babel_imagenet.json or babel_imagenet-298.json    {"DE": [[class, ...], [name, ...]], ...}
    nllb_dist13b_prompts.json                         {"DE": ["ein Foto von {} .", ...], ...}
    imagenet/ or val/                                 a folder a class, by WordNet id, or files
                                                      WNID_anything.JPEG side by side

The labels are BabelNet's, under its non-commercial licence: they are read from your own copy.
English goes by OpenAI's class names ("openai"), as its authors measure it, or by those of the file
("babelnet"), as CLIP_benchmark does: two protocols. Of OpenAI's names two are said of two classes
("missile", "sunglasses"), and in 55 other languages some are: the class of the smaller number wins.

Source: G. Geigle, R. Timofte, G. Glavas, "Babel-ImageNet: Massively Multilingual Evaluation of
Vision-and-Language Representations", ACL 2024.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.datasets.base import (
    ClassNames,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    Zeroshot,
)
from benchmarks.datasets.choices import one_of, refuse
from benchmarks.datasets.files import find, read_json
from retrieval.encoders.imagenet_prompts import openai_class_names
from retrieval.languages.codes import tag_of_babel
from retrieval.languages.tags import canonical_tag
from retrieval.model import Int64Array

_INSTRUCTIONS = (
    "ImageNet's validation pictures are licensed: ask for them at https://image-net.org and put "
    "them into imagenet/, a folder a class"
)

N_CLASSES = 1_000

GALLERIES = ("openai", "babelnet")
"""Whose names the classes have in English."""

OPENAI_NAMES = "OpenAI's class names"
"""The gallery of a protocol in English by OpenAI's names, as keys of figures have it."""

_ENGLISH = "EN"
_LABELS = ("babel_imagenet-298.json", "babel_imagenet.json")
_TEMPLATES = "nllb_dist13b_prompts.json"
_PICTURES = ("imagenet", "val", "imagenet_sample", "../imagenet_sample", "../imagenet")
_SUFFIXES = {".jpeg", ".jpg", ".png", ".webp"}


def load(folder: Path, options: LoadOptions) -> Sequence[Zeroshot]:
    """The pictures of all classes, and the names of the languages asked for.

    Raises:
        DatasetError: files are missing or of another form, a language is not there, the folder does
            not show all classes, or English is not asked for and its names are.
    """
    refuse(options, "babel-imagenet", "split", "captions")
    gallery = one_of(options.gallery, GALLERIES, "gallery", "babel-imagenet")
    path = find(folder, _LABELS, "labels of Babel-ImageNet")
    table, sha256 = read_json(path)
    names = _names(table, path)
    hashes = {path.name: sha256}
    templates: dict[str, tuple[str, ...]] = {}
    if (prompts := folder / _TEMPLATES).is_file():
        templates, hashes[prompts.name] = _read_templates(prompts)
    pictures, class_of = _pictures(find(folder, _PICTURES, "pictures of ImageNet"))
    chosen = {code: names[code] for code in _chosen(names, options.languages)}
    if gallery == "openai" and _ENGLISH in chosen:
        chosen[_ENGLISH] = _by_openai(chosen[_ENGLISH])
    elif options.gallery == "openai":
        raise DatasetError(
            "babel-imagenet has OpenAI's class names in English alone",
            hint="leave --gallery out, or add en to --languages",
        )
    own = {code: templates[code] for code in chosen if code in templates}
    origin = Origin("babel-imagenet", "val", sha256=hashes)
    return (Zeroshot(origin, pictures, class_of, N_CLASSES, chosen, own),)


def _by_openai(named: ClassNames) -> ClassNames:
    """The same classes by OpenAI's names."""
    names = openai_class_names()
    return ClassNames(
        named.classes, tuple(names[each] for each in named.classes.tolist()), OPENAI_NAMES
    )


def _read_templates(path: Path) -> tuple[dict[str, tuple[str, ...]], str]:
    """Templates by language, and the sha256 (hex) of the file.

    Raises:
        DatasetError: it is of another form, or a template has not one place for a name.
    """
    table, sha256 = read_json(path)
    if not isinstance(table, dict) or not all(isinstance(each, list) for each in table.values()):
        raise DatasetError(f"{path} is no table of lists of templates")
    for code, templates in table.items():
        for each in templates:
            if not isinstance(each, str) or each.count("{}") != 1:
                raise DatasetError(
                    f"{path}: {code} has the template {each!r}, which has not one place for a name",
                    hint="get the file again: a template holds {} once",
                )
    return {code: tuple(templates) for code, templates in table.items()}, sha256


def _names(table: object, path: Path) -> dict[str, ClassNames]:
    """Classes and names by language.

    Raises:
        DatasetError: a language is empty, its lists do not fit, or a name is blank.
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
        if blank := [each for each in names if not isinstance(each, str) or not each.strip()]:
            raise DatasetError(f"{path}: {code} calls a class {blank[0]!r}, which is no name")
        found[code] = ClassNames(numbers, tuple(names))
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
    for asked in languages or (_ENGLISH,):
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
        instructions=_INSTRUCTIONS,
    ),
)
