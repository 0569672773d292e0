"""Urban-1k: 1,000 pictures of cities with one long caption each, of about 100 words.

    image/N.jpg      pictures; here or in Urban1k/
    caption/N.txt    the first line of each is the caption of the picture of its number

CLIP reads 77 tokens and cuts the rest off; models that were made for long texts read 248. Pairs go
in the order of their numbers: the authors' code takes the order in which a folder is listed.

Source: B. Zhang et al., "Long-CLIP: Unlocking the Long-Text Capability of CLIP", ECCV 2024.
"""

from collections.abc import Sequence
from dataclasses import replace
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
from benchmarks.datasets.files import find
from benchmarks.datasets.packages import digest

N_PAIRS = 1_000

_INSTRUCTIONS = (
    "get Urban1k.zip of BeichenZhang/Urban1k from https://huggingface.co and unpack it there"
)

_FOLDERS = ("caption", "Urban1k/caption")


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """The pairs that are whole; the number of any other is named as missing.

    Raises:
        DatasetError: there are more or fewer than 1,000 numbers, a name is none, no pair is whole,
            or a caption cannot be read or is blank.
    """
    refuse(options, "urban-1k", "split", "captions", "gallery")
    chosen_languages(options.languages, ("en",), "urban-1k")
    place = find(folder, _FOLDERS, "captions of Urban-1k").parent
    texts = {number: _first_line(path) for number, path in _numbered(place / "caption", ".txt")}
    pictures = dict(_numbered(place / "image", ".jpg"))
    numbers = sorted({*texts, *pictures})
    if len(numbers) != N_PAIRS:
        raise DatasetError(
            f"urban-1k has {N_PAIRS:,} pairs, and {place} holds {len(numbers):,}",
            hint="unpack all of Urban1k.zip there",
        )
    captions = [
        (Picture(str(each), pictures.get(each, place / "image" / f"{each}.jpg")), texts[each])
        for each in numbers
        if each in texts
    ]
    sha256 = digest((f"{each}.txt", text.encode()) for each, text in texts.items())
    found = crossmodal_of(
        Origin("urban-1k", "test", sha256={"caption/*.txt": sha256}),
        [(picture, [(picture.key, text)]) for picture, text in captions],
    )
    there = {each.key for each in found.pictures}
    return (replace(found, missing=tuple(str(n) for n in numbers if str(n) not in there)),)


def _numbered(folder: Path, suffix: str) -> list[tuple[int, Path]]:
    """The files of a folder with their numbers.

    Raises:
        DatasetError: the name of one is no number, or two have the same.
    """
    paths = [path for path in folder.glob(f"*{suffix}") if not path.name.startswith(".")]
    if strange := sorted(path.name for path in paths if not _is_number(path.stem)):
        raise DatasetError(
            f"urban-1k has files such as 12{suffix}, and {folder} holds {strange[0]}",
            hint="take out what does not belong to it",
        )
    return [(int(path.stem), path) for path in paths]


def _is_number(stem: str) -> bool:
    return stem.isascii() and stem.isdecimal() and stem == str(int(stem))


def _first_line(path: Path) -> str:
    """The caption of a file.

    Raises:
        DatasetError: it cannot be read or decoded, or is blank.
    """
    try:
        line = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}", hint="get the file again") from error
    if not line:
        raise DatasetError(f"{path} has no caption in its first line", hint="get the file again")
    return line


SPEC = DatasetSpec(
    "urban-1k",
    "crossmodal",
    "Urban-1k: 1,000 pictures of cities, captions of about 100 words",
    load,
    "urban1k",
    instructions=_INSTRUCTIONS,
)
