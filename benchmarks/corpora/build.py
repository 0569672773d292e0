"""Write a corpus of real pictures: the same sources give the same files, byte for byte."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from benchmarks.corpora.crops import crops
from benchmarks.corpora.sources import (
    CLIP_ART,
    EMOJI,
    STAMPS,
    Picture,
    drawings,
    emoji,
    packaged_photographs,
    photographs,
    shrunk,
)

_QUALITY = 90
_MOST_CROPS = 14


@dataclass(slots=True)
class Corpus:
    """A folder that is filled with distinct pictures.

    Attributes:
        folder: one folder a source below it.
        counts: pictures of each source.
    """

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set, init=False)

    @property
    def n_pictures(self) -> int:
        """Of all sources."""
        return sum(self.counts.values())

    def add(self, source: str, pictures: Iterable[Picture], most: int | None = None) -> None:
        """Write the pictures of a source that are not there yet, at most so many."""
        folder = self.folder / source
        folder.mkdir(parents=True, exist_ok=True)
        self.counts.setdefault(source, 0)
        written = 0
        for picture in pictures:
            if most is not None and written >= most:
                return
            data = _jpeg(picture)
            digest = hashlib.sha256(data).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                with (folder / f"{picture.name}.jpg").open("xb") as file:
                    file.write(data)
                written += 1
                self.counts[source] += 1


def build_corpus(out: Path, folders: list[Path], n_items: int, root: Path) -> Corpus:
    """Fill a folder with photographs, stamps, clip art, emoji, and crops up to a number.

    Args:
        out: new or empty.
        folders: of photographs.
        n_items: pictures that are wanted; fewer where photographs have no room for more crops.
        root: below which Debian's packages are unpacked; what is not there is made up by crops.

    Raises:
        ValueError: `out` holds files already, or a folder no photographs.
    """
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: name a new folder, or empty it")
    corpus = Corpus(out)
    corpus.add("photographs", _shrunk(_photographs(folders)))
    corpus.add("stamps", drawings(root / STAMPS))
    corpus.add("clip-art", drawings(root / CLIP_ART))
    if (root / EMOJI).is_file():
        corpus.add("emoji", emoji(root / EMOJI))
    lacking = max(0, n_items - corpus.n_pictures)
    if lacking:
        each = min(_MOST_CROPS, -(-lacking // max(1, corpus.counts["photographs"])) + 1)
        corpus.add("crops", _crops(_photographs(folders), each), lacking)
    return corpus


def _photographs(folders: list[Path]) -> Iterator[Picture]:
    return chain(photographs(folders), packaged_photographs())


def _shrunk(pictures: Iterable[Picture]) -> Iterator[Picture]:
    return (Picture(each.name, shrunk(each.image)) for each in pictures)


def _crops(pictures: Iterable[Picture], most: int) -> Iterator[Picture]:
    for picture in pictures:
        for number, crop in enumerate(crops(picture.image, most, picture.name)):
            yield Picture(f"{picture.name}_{number:02d}", shrunk(crop))


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
