"""The writer's lock: one process at a time changes a collection; readers need none."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from retrieval.errors import CollectionMissingError, LockedError

LOCK_NAME = "LOCK"


@contextlib.contextmanager
def locked(folder: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a collection. The kernel gives it back if the process dies.

    Args:
        folder: of the collection; it must exist.
        timeout_s: how long to wait for another writer; 0 asks once.

    Raises:
        CollectionMissingError: there is no such folder.
        LockedError: another process holds the lock.
    """
    if not folder.is_dir():
        raise CollectionMissingError(
            f"no collection at {folder}", hint="make one with: polyseek index FOLDER"
        )
    lock = filelock.FileLock(folder / LOCK_NAME, timeout=timeout_s, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise LockedError(
            f"another process is writing to {folder}",
            hint="wait until it is done; reading works meanwhile",
        ) from error
    try:
        yield
    finally:
        lock.release()
