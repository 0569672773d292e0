"""Data of one's own: pictures with captions, told by a TOML file.

    name = "garden"             of the protocol; none that a known data set has
    split = "2024"              likewise
    images = "pictures"         a folder, seen from this file
    captions = "captions.csv"   .csv, .tsv or .jsonl with image, caption and, if there are any, id
                                and language; COCO's .json; or a folder of .txt files, each named
                                like its picture, a caption a line
    language = "en"             of all captions; not beside a column of that name
    rule = "all"                or first5, first: which captions of a picture count; --captions
    licence = ""                one line
    folds = 1                   into how many galleries the pictures are also cut

The last four may be left out. A picture that no caption names is in no gallery.
"""

import difflib
import tomllib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.choices import chosen_languages, one_of, refuse
from benchmarks.datasets.own_captions import Said, read_said
from retrieval.errors import QueryError
from retrieval.languages.tags import canonical_tag

SUFFIX = ".toml"

_KEPT: Mapping[str, int | None] = {"all": None, "first5": 5, "first": 1}
"""How many captions of a picture a rule keeps."""

_MOST = 255
"""Bytes that the name of a file may have; Linux has it so."""

_Captions = dict[str, list[tuple[str, str]]]
"""Names and words of the captions of each picture."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """What a TOML file tells; see the module."""

    name: str
    split: str
    images: str
    captions: str
    language: str = ""
    rule: str = "all"
    licence: str = ""
    folds: int = 1


def spec_of(path: Path, taken: Collection[str]) -> DatasetSpec:
    """The data set of a TOML file.

    Args:
        path: of the file.
        taken: names of data sets that are known.

    Raises:
        DatasetError: it cannot be read, lacks a key or has a strange one, or takes a name that is
            known: figures of it would be held against published ones.
    """
    own = read_own(path)
    if same := [each for each in taken if each == own.name or each.startswith(f"{own.name}-")]:
        raise DatasetError(
            f"{path}: the name {own.name!r} is that of a known data set ({min(same)})",
            hint="give your data a name of their own: figures go by it",
        )
    folder = path.resolve().parent
    return DatasetSpec(
        own.name,
        "crossmodal",
        f"the pictures of {path}",
        partial(_load, own=own),
        str(folder),
        licence=own.licence,
        instructions=f"{path} says where its files are",
    )


def read_own(path: Path) -> OwnData:
    """Read a TOML file.

    Raises:
        DatasetError: it cannot be read, is no TOML, lacks a key, has a strange one, or a value is
            none that the key can have.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is no TOML: {error}") from error
    known = {each.name: each for each in fields(OwnData)}
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known) or [*known]
            raise DatasetError(
                f"{path} has the key {key!r}, which means nothing",
                hint=f"there is {', '.join(near)}",
            )
        _check_value(path, key, value)
    if lacking := [n for n, each in known.items() if each.default is MISSING and n not in given]:
        raise DatasetError(
            f"{path} has no {lacking[0]}", hint="it needs name, split, images and captions"
        )
    return OwnData(**given)


def _check_value(path: Path, key: str, value: Any) -> None:  # noqa: ANN401 - of TOML
    """Refuse a value that its key cannot have."""
    if key == "folds":
        if type(value) is not int or value < 1:
            raise DatasetError(f"{path}: folds is {value!r}, and should be a number from 1 on")
        return
    if not isinstance(value, str):
        raise DatasetError(f"{path}: {key} is {value!r}, and should be a text in quotes")
    if key != "licence" and not value.strip():
        raise DatasetError(f"{path}: {key} is empty", hint="leave it out, or say it")
    if key == "rule" and value not in _KEPT:
        raise DatasetError(f"{path} has the rule {value!r}", hint=f"there is {', '.join(_KEPT)}")
    if key == "language":
        _tag(value, str(path))


def _load(folder: Path, options: LoadOptions, *, own: OwnData) -> Sequence[Crossmodal]:
    """One value for each language of the captions."""
    refuse(options, own.name, "gallery")
    one_of(options.split, (own.split,), "split", own.name)
    images = folder / own.images
    if not images.is_dir():
        raise DatasetError(f"{own.name}: there is no folder {images}", hint="look at `images`")
    if not (captions := folder / own.captions).exists():
        raise DatasetError(f"{own.name}: there is no {captions}", hint="look at `captions`")
    said, sha256 = read_said(captions, images)
    by_language = _by_language(said, own)
    rule = one_of(options.captions or own.rule, tuple(_KEPT), "captions rule", own.name)
    origin = Origin(own.name, own.split, rule, sha256, licence=own.licence)
    return tuple(
        _in_language(origin, images, language, by_language[language], own.folds)
        for language in chosen_languages(options.languages, [*by_language], own.name)
    )


def _by_language(said: Sequence[Said], own: OwnData) -> dict[str, _Captions]:
    """The captions of each picture, by canonical tag of their language, in the order they come.

    Raises:
        DatasetError: one has no picture, no words or no language, or comes twice.
    """
    found: dict[str, _Captions] = defaultdict(lambda: defaultdict(list))
    seen: dict[tuple[str, ...], str] = {}
    for each in said:
        if not each.image:
            raise DatasetError(f"{each.where}: a caption without image")
        if any(len(part.encode("utf-8", "replace")) > _MOST for part in Path(each.image).parts):
            raise DatasetError(f"{each.where}: no file has a name such as {each.image[:40]!r}...")
        if not each.text:
            raise DatasetError(f"{each.where}: the image {each.image} has an empty caption")
        language = _language(each, own)
        same = (each.key,) if each.key else (language, each.image, each.text)
        if same in seen:
            raise DatasetError(
                f"{each.where}: a caption comes twice; before, it is {seen[same]}",
                hint="take one of the two out, or give captions different ids",
            )
        seen[same] = each.where
        captions = found[language][each.image]
        captions.append((each.key or f"{each.image}#{len(captions)}", each.text))
    return {language: dict(captions) for language, captions in found.items()}


def _language(said: Said, own: OwnData) -> str:
    if said.language is None:
        return canonical_tag(own.language or "en")
    if own.language:
        raise DatasetError(
            f"{said.where}: the captions tell their language, and so does the TOML file",
            hint="leave `language` out there",
        )
    return _tag(said.language, said.where)


def _tag(language: str, where: str) -> str:
    """The canonical tag of a language.

    Raises:
        DatasetError: it is empty, or names none.
    """
    if not language.strip():
        raise DatasetError(f"{where}: an empty language", hint="say it, e.g. de")
    try:
        return canonical_tag(language.strip())
    except QueryError as error:
        raise DatasetError(f"{where}: {error}", hint="a language is a tag such as de") from error


def _in_language(
    origin: Origin, images: Path, language: str, captions: _Captions, folds: int
) -> Crossmodal:
    if len(captions) % folds:
        raise DatasetError(
            f"{origin.name}: {len(captions):,} pictures cannot be cut into {folds} equal folds"
        )
    kept = slice(_KEPT[origin.rule])
    said = [(Picture(image, images / image), texts[kept]) for image, texts in captions.items()]
    if not any(picture.path.is_file() for picture, _ in said):
        raise DatasetError(
            f"{origin.name}: none of its {len(said):,} pictures is there; the first is looked for "
            f"at {said[0][0].path}",
            hint="look at `images`: the captions name pictures as they are seen from that folder",
        )
    return crossmodal_of(origin, said, language=language, folds=folds)
