"""Files that are wholly there or not at all, whatever happens to the process or the power.

The order is always the same: write under a temporary name, fsync the file, rename (or link) it to
its name, fsync the folder. Only then may a file be referred to.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from retrieval.errors import CollectionError

TEMPORARY = ".tmp-"
"""Prefix of names that are not there yet; a leftover of a crash, at the next start."""

_UNNAMED = "0" * 24
"""Stands for the name of a folder while it is written; no content has it for a digest."""


def checkpoint(name: str) -> None:
    """Name a moment of a commit. Does nothing: tests replace it, to crash there."""


def make_folder(path: Path) -> None:
    """Make a folder and those above it, durably; one that exists is left alone."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, data: bytes) -> None:
    """Put a file in place; its folder is made if need be.

    A file already there is replaced as a whole, which happens to orphans of a crash only.
    """
    make_folder(path.parent)
    with _temporary(path) as temporary:
        _write_synced(temporary, data)
        temporary.rename(path)
    sync_folder(path.parent)


def write_folder(parent: Path, fill: Callable[[Path], str]) -> None:
    """Put a folder of files in place, all of them or none.

    Into a folder already there the files are moved one by one. It is an orphan, or damaged: a live
    one is never written again.

    Args:
        parent: where the folder shall lie; made if need be.
        fill: writes files (see `new_file`) into the empty folder that it is given, and returns the
            name that the folder shall have.
    """
    make_folder(parent)
    with _temporary(parent / _UNNAMED) as temporary:
        temporary.mkdir()
        path = parent / fill(temporary)
        sync_folder(temporary)
        checkpoint("segment_written")
        if path.is_dir():
            for file in sorted(temporary.iterdir()):
                file.rename(path / file.name)
            sync_folder(path)
            temporary.rmdir()
        else:
            temporary.rename(path)
    sync_folder(parent)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to be written piece by piece; its bytes are durable when the `with` ends."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def publish_file(path: Path, data: bytes) -> None:
    """Put a file in place by one atomic link, which fails if the name is taken.

    Raises:
        CollectionError: another process was first, or the file system has no hard links.
    """
    with _temporary(path) as temporary:
        _write_synced(temporary, data)
        checkpoint("manifest_written")
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            raise CollectionError(
                f"{path} appeared while it was being made: another writer ignores the lock",
                hint="let only one machine write to a collection",
            ) from error
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            raise CollectionError(
                f"the file system of {path.parent} has no hard links, which commits are made of",
                hint="keep the collection on another disk, with --collection",
            ) from error
        temporary.unlink()
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Delete a file or a folder; what is not there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_synced(path: Path, data: bytes) -> None:
    with new_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; what is left under it after an error is removed."""
    temporary = path.with_name(TEMPORARY + path.name)
    remove(temporary)  # under the lock, it can only be a leftover
    try:
        yield temporary
    except Exception:
        with contextlib.suppress(OSError):
            remove(temporary)
        raise
