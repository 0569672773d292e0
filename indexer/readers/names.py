"""What the name of an entry says, inside an archive and in a folder alike."""

import os

from retrieval.images import IMAGE_SUFFIXES

CONTAINER_SUFFIXES = (b".tar", b".parquet")
"""Ends of the names of files that hold pictures, whose paths then lie below the file's."""


def has_image_suffix(name: bytes) -> bool:
    """Whether a file name ends like a picture's; case does not matter."""
    _, dot, suffix = os.fsdecode(name).rpartition(".")
    return dot + suffix.lower() in IMAGE_SUFFIXES


def split_member(name: bytes) -> tuple[bytes, ...] | None:
    """Components of a name inside an archive, "./" and doubled slashes left out.

    None for a name that leads out of the archive, or that no file can have.
    """
    if name.startswith(b"/") or b"\0" in name:
        return None
    parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
    return None if b".." in parts or not parts else parts
