"""Skill probes: pictures that are drawn here, and texts of which one word or its place decides.

    FOLDER/SKILL-DIGEST/NNN-0.png, NNN-1.png    the two pictures of an item

A probe asks for one skill, so that what a model cannot do is a row of a table. Its pictures are
drawn when it is loaded for the first time, for which nothing but the folder is needed. The folder
of a skill is named by its specification (every shape, place and text of it), so another version of
polyseek that asks otherwise draws other pictures beside these.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.datasets.base import (
    Choices,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
)
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.probes_items import SKILLS, Item
from benchmarks.datasets.probes_pictures import DRAWING, draw
from benchmarks.datasets.probes_words import WORDS
from retrieval.encoders.fingerprint import canonical_json

FOLDER = "probes"

_SPLIT = "generated"

_DIGITS = 12
"""Of a specification's sha256, in the name of a folder."""


def specification(items: Sequence[Item]) -> str:
    """The sha256 (hex) of all that items are, and of how they are drawn."""
    what = {"drawing": DRAWING, "items": [asdict(each) for each in items]}
    return hashlib.sha256(canonical_json(what).encode()).hexdigest()


def load(skill: str, folder: Path, options: LoadOptions) -> Sequence[Choices]:
    """One value a language; draws the pictures if they are not there.

    Raises:
        DatasetError: they cannot be written, or something is chosen that a probe does not have.
    """
    name = f"probe-{skill}"
    refuse(options, name, "split", "captions", "gallery")
    items = tuple(SKILLS[skill]())
    languages = chosen_languages(options.languages, tuple(items[0].texts), name)
    sha256 = specification(items)
    own = folder / f"{skill}-{sha256[:_DIGITS]}"
    pictures = tuple(
        Picture(f"{number:03}-{side}", own / f"{number:03}-{side}.png")
        for number in range(len(items))
        for side in (0, 1)
    )
    if not all(each.path.is_file() for each in pictures):
        _make(own, items, pictures)
    origin = Origin(name, _SPLIT, sha256={"specification": sha256})
    return tuple(_in_language(origin, items, pictures, language) for language in languages)


def _in_language(
    origin: Origin, items: Sequence[Item], pictures: tuple[Picture, ...], language: str
) -> Choices:
    said = [each.texts[language] for each in items]
    row_of = {text: 0 for both in said for text in both}
    row_of = {text: row for row, text in enumerate(row_of)}
    return Choices(
        origin,
        pictures,
        tuple(row_of),
        np.arange(len(pictures)).reshape(-1, 2),
        np.array([[row_of[text] for text in both] for both in said], np.int64),
        tuple(each.aspects for each in items),
        language,
    )


def _make(own: Path, items: Sequence[Item], pictures: Sequence[Picture]) -> None:
    """Draw all pictures of a skill into its folder, whole or not at all."""
    scenes = [scene for each in items for scene in each.scenes]
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".drawing-", dir=own.parent) as draft:
            drawn = Path(draft) / own.name
            drawn.mkdir()
            for scene, picture in zip(scenes, pictures, strict=True):
                draw(scene).save(drawn / picture.path.name)
            shutil.rmtree(own, ignore_errors=True)
            drawn.rename(own)
    except OSError as error:
        if all(each.path.is_file() for each in pictures):  # another process was faster
            return
        raise DatasetError(
            f"cannot draw the pictures of a probe in {own.parent}: {error.strerror}",
            hint="give a folder that can be written to with --data",
        ) from error


SPECS = tuple(
    DatasetSpec(
        f"probe-{skill}",
        "choices",
        title,
        partial(load, skill),
        FOLDER,
        len(WORDS) if skill == "language" else 1,
    )
    for skill, title in {
        "colour": "drawn shapes: which colour",
        "binding": "drawn shapes: which of two has which colour",
        "count": "drawn shapes: how many, one to five",
        "size": "drawn shapes: which of two is the large one",
        "relation": "drawn shapes: left of, right of, above, below",
        "negation": "drawn shapes: what is not there",
        "language": "drawn shapes: colours and shapes",
    }.items()
)
