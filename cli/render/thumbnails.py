"""Small copies of the pictures behind hits."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from indexer.readers.inside import read_inside
from retrieval.errors import ImageError
from retrieval.images import decode_image
from retrieval.model import FileRef, Hit

Section = tuple[str, Sequence[Hit]]
"""A query as the user put it, and its hits."""

_UNSHOWABLE = 0xFFFD
_VISIBLE: Mapping[int, int] = {
    **{code: 0x2400 + code for code in range(0x20)},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), _UNSHOWABLE),  # a terminal takes some for commands
    **dict.fromkeys((*range(0x2028, 0x202F), *range(0x2066, 0x206A)), _UNSHOWABLE),
    **dict.fromkeys(range(0xD800, 0xE000), _UNSHOWABLE),  # halves of characters
}


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture to show, or why there is none.

    Attributes:
        image: RGB and upright, or None.
        reason: one or two words where there is no image, e.g. "missing"; else empty.
    """

    image: Image.Image | None
    reason: str = ""


def thumbnail_of(hit: Hit, width_px: int, height_px: int) -> Thumbnail:
    """The first of the hit's files that is still there, shrunk into the box; never enlarged."""
    content = next((c for c in map(_read, hit.item.files) if c is not None), None)
    if content is None:
        return Thumbnail(None, "missing")
    try:
        image = decode_image(content, target_px=max(width_px, height_px)).image
    except ImageError as error:
        return Thumbnail(None, error.reason)
    image.thumbnail((width_px, height_px), Image.Resampling.LANCZOS)
    return Thumbnail(image)


def shown_name(file: FileRef) -> str:
    """The file's name, fit to be shown; see `shown_text`."""
    return shown_text(file.name)


def shown_text(text: str) -> str:
    """Text that stays on its line and says what it is, on paper, page and terminal.

    Control characters become their visible symbols; what has none, what breaks the line or turns
    the direction of text, and what is no character at all become U+FFFD.
    """
    return text.translate(_VISIBLE)


def _read(file: FileRef) -> bytes | None:
    path = Path(os.fsdecode(file.path))
    try:
        # Only regular files: a pipe that took the picture's name would block for ever.
        return path.read_bytes() if path.is_file() else read_inside(file.path)
    except OSError:
        return None
