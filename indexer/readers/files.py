"""Reading single files of a disk that others write to."""

import os
import stat

from retrieval.errors import ImageError
from retrieval.model import FileRef

MAX_FILE_BYTES = 1 << 30
"""A file is read whole. One GiB is four times the largest picture within the default pixel limits
(90 M px x 3 bytes, uncompressed); what is larger is no picture that could be used."""

_READ_ATTEMPTS = 2

# What a system lacks of these it does not need: Windows has no pipes among its files.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)


def read_stable(path: bytes) -> tuple[FileRef, bytes]:
    """Read a regular file whole, and be sure that it did not change meanwhile.

    Links are not followed and pipes cannot block, whatever took the file's place since the scan.

    Raises:
        OSError: it cannot be opened or read.
        ImageError: it is no regular file, too large, or changes while it is read.
    """
    for _ in range(_READ_ATTEMPTS):
        descriptor = os.open(path, _OPEN_FLAGS)
        with open(descriptor, "rb", buffering=0) as opened:  # noqa: PTH123 - a descriptor, no path
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise ImageError("not a regular file")
            if before.st_size > MAX_FILE_BYTES:
                raise ImageError("file too large")
            content = opened.readall()
            after = os.fstat(descriptor)
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if same and len(content) == after.st_size:
            return FileRef(path, after.st_size, after.st_mtime_ns), content
    raise ImageError("changed while it was read")


def fetch_file(file: FileRef) -> tuple[FileRef, bytes]:
    """`Reader.fetch` for files of the disk."""
    return read_stable(file.path)


def may_exist(path: bytes) -> bool:
    """False only when there is certainly no file: where we may not look, one may be."""
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def reason_of(error: OSError) -> str:
    """What the system says, in the form of a reason."""
    return (error.strerror or type(error).__name__).lower()
