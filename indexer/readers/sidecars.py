"""Captions beside pictures: `a.txt` or `a.jpg.txt` for `a.jpg`, one caption a line.

The same with `.caption`. The fuller name goes first, `.txt` before `.caption`; of several files for
one picture only the first is read.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from indexer.readers.base import Caption, CaptionFile, Skip
from indexer.readers.files import fetch_file
from retrieval.errors import ImageError
from retrieval.model import FileRef

SIDECAR_SUFFIXES = (b".txt", b".caption")

SUPERSEDED = "another captions file"
"""The reason why a file beside a picture is not read: another one speaks of that picture."""

MAX_BYTES = 1 << 20
"""A sidecar holds a few sentences; a larger file beside a picture is something else."""


def match_sidecars(
    pictures: Sequence[FileRef], candidates: Mapping[bytes, FileRef]
) -> tuple[list[CaptionFile], list[Skip]]:
    """Give each picture its file of captions, if there is one.

    Args:
        pictures: of any folders.
        candidates: files with one of SIDECAR_SUFFIXES, by path.

    Returns:
        The files that serve a picture, and those that would if another did not; by path.
    """
    images: dict[bytes, list[bytes]] = defaultdict(list)
    second: dict[bytes, Skip] = {}
    for picture in pictures:
        found = [path for path in _names_for(picture.path) if path in candidates]
        if found:
            images[found[0]].append(picture.path)
            nearer = os.path.basename(found[0]).decode("utf-8", "replace")
            second |= {path: Skip(path, f"{SUPERSEDED}: {nearer}") for path in found[1:]}
    files = [
        CaptionFile(candidates[path], partial(read_lines, candidates[path], served), served)
        for path, served in sorted((path, tuple(served)) for path, served in images.items())
    ]
    return files, [second[path] for path in sorted(second) if path not in images]


def read_lines(file: FileRef, images: Sequence[bytes]) -> Iterator[Caption | Skip]:
    """One caption a line, each for all the pictures; blank lines say nothing.

    Raises:
        OSError: the file cannot be read.
        ImageError: it is too large.
    """
    _, content = fetch_file(file)
    if len(content) > MAX_BYTES:
        raise ImageError("captions file too large")
    yield from parse_lines(content, images)


def parse_lines(content: bytes, images: Sequence[bytes]) -> Iterator[Caption]:
    """See `read_lines`; UTF-8 with or without a mark of it, UTF-16 with one, else Latin-1."""
    for line in decode_text(content).splitlines():
        text = " ".join(line.replace("\0", " ").split())
        if text:
            for image in images:
                yield Caption(text, image)


def decode_text(content: bytes) -> str:
    """The text of a file in the encodings that editors write; every byte string is some text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _names_for(picture: bytes) -> Iterator[bytes]:
    stem = picture[: picture.rindex(b".")]
    for suffix in SIDECAR_SUFFIXES:
        yield picture + suffix
        yield stem + suffix
