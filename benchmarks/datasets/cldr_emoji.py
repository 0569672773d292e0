"""Emoji and what they are called, in more than a hundred languages.

    usr/share/unicode/cldr/common/annotations/*.xml    names, of Debian's unicode-cldr-core
    emoji/emoji.json                                   characters that a font draws, its sha256
    emoji/u1f600.png, ...                              their pictures

The pictures are drawn once, from the font of fonts-noto-color-emoji:

    python -m benchmarks.datasets.cldr_emoji FOLDER    draws into FOLDER/emoji

A language is a locale that itself names at least half of what is drawn: what the others hold are
their differences from a parent. In each of them all names differ. Version 41 with version 2.042 of
the font has 1,365 characters and 112 languages.

Source of the names: Unicode CLDR, UTS #35 part 7, "Annotations" (the text-to-speech name).
"""

import argparse
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.emoji_pictures import draw, picture_name
from benchmarks.datasets.files import read_json
from benchmarks.datasets.packages import FOLDER, digest, packaged
from retrieval.languages.tags import canonical_tag

NAMES_PACKAGE, FONT_PACKAGE = "unicode-cldr-core", "fonts-noto-color-emoji"
ANNOTATIONS = "usr/share/unicode/cldr/common/annotations"
FONT = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"

_PICTURES, _DRAWN = "emoji", "emoji.json"
_INHERITED = "↑↑↑"
"""What CLDR writes where a name is the parent's."""


def read_names(content: bytes) -> dict[str, str]:
    """The name of each single character of an annotation file; ASCII is no emoji.

    Raises:
        DatasetError: it is no XML.
    """
    try:
        annotations = ET.fromstring(content).iter("annotation")
    except ET.ParseError as error:
        raise DatasetError(
            f"an annotation file is no XML: {error}",
            hint=f"apt-get install --reinstall {NAMES_PACKAGE}",
        ) from error
    return {
        character: name.text.strip()
        for name in annotations
        if name.get("type") == "tts" and name.text and name.text.strip() != _INHERITED
        if len(character := name.get("cp", "")) == 1 and not character.isascii()
    }


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language: the characters that it names and the font draws."""
    refuse(options, "cldr-emoji", "split", "captions", "gallery")
    files = _annotations(folder)
    drawn, font = _read_drawn(folder)
    names = {code: _among(drawn, read_names(content)) for code, content in files.items()}
    codes = sorted(
        (code for code, named in names.items() if 2 * len(named) >= len(drawn)),
        key=lambda code: (code != "en", code),
    )
    hashes = {"annotations/*.xml": digest(files.items()), Path(FONT).name: font}
    origin = Origin("cldr-emoji", "all", sha256=hashes)
    return tuple(
        _in_language(origin, folder / _PICTURES, code, names[code])
        for code in chosen_languages(options.languages, codes, "cldr-emoji")
    )


def draw_all(folder: Path) -> int:
    """Draw every character that has an English name into a folder, and say how many they are.

    Raises:
        DatasetError: one of the two packages is neither installed nor unpacked there.
    """
    font = packaged(folder, FONT, FONT_PACKAGE)
    return draw(font, sorted(read_names(_annotations(folder)["en"])), folder / _PICTURES)


def _annotations(folder: Path) -> dict[str, bytes]:
    """The annotation files by locale."""
    place = packaged(folder, ANNOTATIONS, NAMES_PACKAGE)
    return {path.stem: path.read_bytes() for path in sorted(place.glob("*.xml"))}


def _read_drawn(folder: Path) -> tuple[frozenset[str], str]:
    """The characters that were drawn, and the sha256 (hex) of the font."""
    path = folder / _PICTURES / _DRAWN
    if not path.is_file():
        raise DatasetError(
            f"no pictures of emoji in {path.parent}",
            hint=f"python -m benchmarks.datasets.cldr_emoji {folder} draws them",
        )
    value, _ = read_json(path)
    try:
        return frozenset(value["characters"]), str(value["font_sha256"])
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} has not the form of a list of what was drawn") from error


def _among(drawn: frozenset[str], names: Mapping[str, str]) -> dict[str, str]:
    """The names of what was drawn, in the order of the characters."""
    return {character: names[character] for character in sorted(drawn & names.keys())}


def _in_language(origin: Origin, pictures: Path, code: str, names: Mapping[str, str]) -> Crossmodal:
    captions = [
        (Picture(key := picture_name(character), pictures / f"{key}.png"), [(key, name)])
        for character, name in names.items()
    ]
    return crossmodal_of(origin, captions, language=canonical_tag(code))


SPEC = DatasetSpec(
    "cldr-emoji",
    "crossmodal",
    "emoji of Noto's font and their names in Unicode CLDR",
    load,
    FOLDER,
    112,
)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    draw_all(parser.parse_args().folder)
