"""Small copies of the pictures behind hits."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retrieval.errors import ImageError
from retrieval.images import decode_image
from retrieval.model import FileRef, Hit

Section = tuple[str, Sequence[Hit]]
"""A query as the user put it, and its hits."""


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
    """The file's name on one line: control characters become their visible symbols."""
    return shown_text(file.name)


def shown_text(text: str) -> str:
    """Text on one line that any font, file or page can take."""
    visible = "".join(_CONTROL_PICTURES.get(c, c) for c in text)
    return visible.encode("utf-8", errors="replace").decode("utf-8")


_CONTROL_PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "\u2421"}


def _read(file: FileRef) -> bytes | None:
    path = Path(os.fsdecode(file.path))
    try:
        # Only regular files: a pipe that took the picture's name would block for ever.
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None
