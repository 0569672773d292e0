"""Receipts: a large file that was hashed and found right need not be hashed at the next open.

A receipt is an empty file in the user's cache folder. Its name is a digest of the file's identity
(device, inode, size, change time) and of the sha256 it was checked against, so it cannot be
half written, needs no lock, and stops matching as soon as anyone touches the file.
"""

import contextlib
import os
import time
from hashlib import sha256
from pathlib import Path

MAX_AGE_S = 30 * 24 * 3600.0
"""After this a file is hashed again: decay of the disk changes no time stamp."""

_SETTLED_S = 2.0
"""A file changed within the clock's tick of its check could change again unseen (as in git's
index), so only a file that has been at rest for this long gets a receipt."""


class Receipts:
    """The receipts in one cache folder.

    Args:
        cache_dir: polyseek's cache folder, made when first needed; None keeps no receipts.
    """

    def __init__(self, cache_dir: Path | None) -> None:
        self._folder = cache_dir / "receipts" if cache_dir else None

    def holds(self, status: os.stat_result, digest: str) -> bool:
        """Whether a file of this status was found to have this sha256 (hex) lately."""
        if self._folder is None:
            return False
        try:
            written = self._path(self._folder, status, digest).stat().st_mtime
        except OSError:
            return False
        return 0 <= time.time() - written < MAX_AGE_S

    def record(self, status: os.stat_result, digest: str) -> None:
        """Remember that a file of this status has this sha256 (hex).

        A cache that cannot be written costs time, never correctness, so it is not an error.
        """
        if self._folder is None or time.time() - status.st_ctime < _SETTLED_S:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path(self._folder, status, digest).touch()

    def forget_old(self) -> None:
        """Delete receipts that are too old to count."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if time.time() - path.stat().st_mtime > MAX_AGE_S:
                    path.unlink(missing_ok=True)

    @staticmethod
    def _path(folder: Path, status: os.stat_result, digest: str) -> Path:
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns, digest)
        return folder / sha256(repr(identity).encode("ascii")).hexdigest()
