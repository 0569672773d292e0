"""Tux Paint's stamps: drawings and photographs of things, described in up to 78 languages.

    usr/share/tuxpaint/stamps/**/NAME.png    a picture
    usr/share/tuxpaint/stamps/**/NAME.txt    a line of English, then lines `de.utf8=Ein Apfel.`

They come with the Debian package tuxpaint-stamps-default, so they are real pictures with captions
that can be had anywhere. Version 2022.06.04 has 785 that are described; stamps that are SVG alone
are left out, for no decoder here reads them. A description may be said of several stamps ("A
flower."): those pairs are `more`.
"""

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
from benchmarks.datasets.packages import FOLDER, digest, packaged
from benchmarks.datasets.same_words import with_same_words
from retrieval.languages.tags import canonical_tag

PACKAGE = "tuxpaint-stamps-default"
STAMPS = "usr/share/tuxpaint/stamps"

_MODIFIERS = {"@latin": "_Latn", "@valencia": "_valencia"}
"""What a locale says of its language in its own way."""


def read_descriptions(content: bytes) -> dict[str, str]:
    """The description of a stamp by language, as its file codes it, English first.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    english, *others = content.decode().split("\n")
    found = {"en": english.strip()}
    for line in others:
        locale, equals, words = line.partition("=")
        if equals and locale.endswith(".utf8"):
            found[_code(locale.removesuffix(".utf8"))] = words.strip()
    return {code: words for code, words in found.items() if words}


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language: the stamps that are described in it."""
    refuse(options, "tuxpaint", "split", "captions", "gallery")
    stamps = packaged(folder, STAMPS, PACKAGE)
    contents = {
        path.relative_to(stamps).with_suffix("").as_posix(): path.read_bytes()
        for path in sorted(stamps.rglob("*.txt"))
        if path.with_suffix(".png").is_file()
    }
    described = {name: _described(name, content) for name, content in contents.items()}
    origin = Origin("tuxpaint", "all", sha256={"stamps/**.txt": digest(contents.items())})
    codes = chosen_languages(options.languages, _codes(described), "tuxpaint")
    return tuple(_in_language(origin, stamps, described, code) for code in codes)


def _described(name: str, content: bytes) -> dict[str, str]:
    try:
        return read_descriptions(content)
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{name}.txt is no UTF-8: {error}", hint=f"apt-get install --reinstall {PACKAGE}"
        ) from error


def _codes(described: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The languages of all stamps, English first."""
    codes = {code for said in described.values() for code in said}
    return tuple(sorted(codes, key=lambda code: (code != "en", code)))


def _in_language(
    origin: Origin, stamps: Path, described: Mapping[str, Mapping[str, str]], code: str
) -> Crossmodal:
    captions = [
        (Picture(name, stamps / f"{name}.png"), [(name, said[code])])
        for name, said in described.items()
        if code in said
    ]
    return with_same_words(crossmodal_of(origin, captions, language=canonical_tag(code)))


def _code(locale: str) -> str:
    for modifier, subtag in _MODIFIERS.items():
        locale = locale.replace(modifier, subtag)
    return locale


SPEC = DatasetSpec(
    "tuxpaint",
    "crossmodal",
    "stamps of the Debian package tuxpaint-stamps-default",
    load,
    FOLDER,
    78,
)
