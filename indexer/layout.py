"""Which names in a collection's folder are ours. Nothing else in it is ever deleted."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from indexer import durable

_SHA = "[0-9a-f]{24}"
_SEGMENT = rf"galleries/(images|texts)/segments/{_SHA}"
_OUR_FILE = re.compile(
    rf"changes/{_SHA}\.jsonl"
    rf"|galleries/(images|texts)/(codebook-{_SHA}\.faiss|router-{_SHA}\.safetensors"
    rf"|bank-{_SHA}\.safetensors|tombstones-{_SHA}\.npy)"
    rf"|{_SEGMENT}/(vectors\.npy|vectors\.sums|ids\.npy|rows\.jsonl|codes-{_SHA}\.(?:lists|faiss)"
    rf"|bias-{_SHA}\.npy)"
)
_SCRATCH = "scratch"
_MADE_IN_ONE_GO = re.compile(rf"manifest-\d{{12}}\.json|{_SCRATCH}|{_SEGMENT}|{_OUR_FILE.pattern}")
_FOLDERS = ("changes", "galleries")

CAPTIONS_DUE = "captions-due"
"""See captions_due.py."""


def our_files(folder: Path) -> Iterator[Path]:
    """Files of segments, indexes and logs, named by a manifest or not."""
    for top in _FOLDERS:
        for path in _walk(folder, folder / top):
            if _OUR_FILE.fullmatch(path.relative_to(folder).as_posix()):
                yield path


def leftovers(folder: Path) -> list[Path]:
    """What crashed writers left under temporary names."""
    return [
        path
        for top in (folder, *(folder / name for name in _FOLDERS))
        for path in _walk(folder, top, is_deep=top != folder)
        if is_leftover(path.relative_to(folder))
    ]


def is_leftover(relative: Path) -> bool:
    """Whether a path inside the collection is the temporary name of one of our files or folders."""
    if not relative.name.startswith(durable.TEMPORARY):
        return False
    final = relative.with_name(relative.name.removeprefix(durable.TEMPORARY))
    return _MADE_IN_ONE_GO.fullmatch(final.as_posix()) is not None


def remove_leftovers(folder: Path) -> int:
    """Delete what crashed writers left; returns how many files and folders."""
    found = leftovers(folder)
    for path in found:
        durable.remove(path)
    return len(found)


@contextlib.contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder inside the collection for what a build keeps on the disk meanwhile.

    It lies there, and not among the system's temporary files, because those may be in memory. After
    a crash the next writer removes it, as all leftovers.
    """
    path = folder / (durable.TEMPORARY + _SCRATCH)
    durable.remove(path)  # under the lock, it can only be a leftover
    path.mkdir()
    try:
        yield path
    finally:
        durable.remove(path)


def remove_empty_folders(folder: Path) -> None:
    """Delete the folders of galleries and logs that hold nothing any more."""
    for top in _FOLDERS:
        for here, _, _ in os.walk(folder / top, topdown=False):
            with contextlib.suppress(OSError):  # somebody keeps other files in it
                Path(here).rmdir()


def _walk(folder: Path, top: Path, *, is_deep: bool = True) -> Iterator[Path]:
    for here, folders, files in os.walk(top):
        yield from (Path(here, name) for name in (*folders, *files))
        if not is_deep:
            return
        folders[:] = [
            name for name in folders if not is_leftover(Path(here, name).relative_to(folder))
        ]
