"""What a file of captions says, whatever its form, and whether that is the published split.

A reader of a form gives `Annotations`; nothing is looked for but the annotation files themselves.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from benchmarks.datasets.base import CaptionsRule, DatasetError

RULES: tuple[CaptionsRule, ...] = ("all", "first5")
"""Which captions of a picture may count; some pictures of COCO have six or seven."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """A picture and what is said of it.

    Attributes:
        name: of its file.
        said: key and words of each caption, in order.
        id: of the picture, where the file has one besides the name.
    """

    name: str
    said: tuple[tuple[str, str], ...]
    id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """What files of captions say.

    Attributes:
        pictures: in the order of the files.
        sha256: (hex) of each file, by its name.
        place: the file that the captions are read from, for errors.
    """

    pictures: tuple[Captioned, ...]
    sha256: Mapping[str, str]
    place: Path

    @property
    def n_captions(self) -> int:
        """Of all pictures."""
        return sum(len(each.said) for each in self.pictures)


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """How much a published split has.

    Attributes:
        pictures: in it.
        captions: of all of them.
        first5: captions if no picture has more than five.
    """

    pictures: int
    captions: int
    first5: int


Reader: TypeAlias = Callable[[Path, str], Annotations | None]
"""Reads one form of a split from a folder; None where its files are not there."""


def annotations(
    place: Path, pictures: Sequence[Captioned], sha256: Mapping[str, str]
) -> Annotations:
    """Check what every form has to hold.

    Raises:
        DatasetError: a picture or a caption is named twice, a picture has no caption, or a caption
            no words.
    """
    names = [each.name for each in pictures]
    keys = [key for each in pictures for key, _ in each.said]
    for what, given in (("picture", names), ("caption", keys)):
        if len(set(given)) < len(given):
            again, _ = Counter(given).most_common(1)[0]
            raise DatasetError(f"{place} has the {what} {again} twice", hint="get the file again")
    for each in pictures:
        if not each.said:
            raise DatasetError(f"{place}: the picture {each.name} has no caption")
        for key, text in each.said:
            if not text.strip():
                raise DatasetError(f"{place}: caption {key} of {each.name} has no words")
    return Annotations(tuple(pictures), dict(sha256), place)


def numbered(name: str, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Captions that have no keys of their own: NAME#0, NAME#1, ..., as Flickr's files name them."""
    return tuple((f"{name}#{at}", text.strip()) for at, text in enumerate(texts))


def first_read(readers: Sequence[Reader], folder: Path, split: str) -> Annotations | None:
    """What the first reader finds that finds its files."""
    for read in readers:
        if (found := read(folder, split)) is not None:
            return found
    return None


def settled(
    read: Annotations, counts: SplitCounts, asked: CaptionsRule | None, split: str
) -> tuple[Annotations, CaptionsRule]:
    """Check the counts of a split, and take the captions that count.

    Args:
        read: the whole split.
        counts: it should have. Captions may also be five a picture, where that is fewer.
        asked: None is "all" where all captions are there, else "first5".
        split: its name, for errors.

    Raises:
        DatasetError: there are more or fewer, or not those that were asked for.
    """
    n_pictures, n_captions = len(read.pictures), read.n_captions
    _same(read.place, split, n_pictures, counts.pictures, "pictures")
    if counts.captions == counts.first5:
        for each in read.pictures:
            if len(each.said) != counts.captions // counts.pictures:
                raise DatasetError(
                    f"{read.place}: {each.name} has {len(each.said)} captions, not five",
                    hint="get the published file",
                )
    first = replace(read, pictures=tuple(replace(one, said=one.said[:5]) for one in read.pictures))
    if n_captions != counts.first5:
        _same(read.place, split, n_captions, counts.captions, "captions")
    _same(read.place, split, first.n_captions, counts.first5, "captions, at most five a picture,")
    rule = asked or ("all" if n_captions == counts.captions else "first5")
    if rule == "all" and n_captions != counts.captions:
        raise DatasetError(
            f"{read.place} has five captions a picture, {n_captions:,} of {counts.captions:,}",
            hint="take --captions first5, or a file that has all captions",
        )
    return (first, rule) if rule == "first5" else (read, rule)


def _same(place: Path, split: str, found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise DatasetError(
            f"{place} has {found:,} {what} in the split {split}, which has {wanted:,}",
            hint="take the published file of this split, whole; --split chooses another",
        )
