"""Reading single files of a disk that others write to."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.readers.base import Skip
from indexer.readers.names import CONTAINER_SUFFIXES
from retrieval.errors import ImageError, SourceError
from retrieval.model import FileRef, display_path

MAX_FILE_BYTES = 1 << 30
"""A file is read whole. One GiB is four times the largest picture within the default pixel limits
(90 M px x 3 bytes, uncompressed); what is larger is no picture that could be used."""

_READ_ATTEMPTS = 2

# What a system lacks of these it does not need: Windows has no pipes among its files.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)


def open_regular(path: bytes) -> io.FileIO:
    """Open a regular file, unbuffered.

    Links are not followed and pipes cannot block, whatever took the file's place since the scan.

    Raises:
        OSError: it cannot be opened.
        ImageError: it is no regular file.
    """
    opened = io.FileIO(os.open(path, _OPEN_FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise ImageError("not a regular file")
    return opened


def read_stable(path: bytes) -> tuple[FileRef, bytes]:
    """Read a regular file whole, and be sure that it did not change meanwhile.

    Raises:
        OSError: it cannot be opened or read.
        ImageError: it is no regular file, too large, or changes while it is read.
    """
    for _ in range(_READ_ATTEMPTS):
        with open_regular(path) as opened:
            before = os.fstat(opened.fileno())
            if before.st_size > MAX_FILE_BYTES:
                raise ImageError("file too large")
            content = opened.readall()
            after = os.fstat(opened.fileno())
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if same and len(content) == after.st_size:
            return FileRef(path, after.st_size, after.st_mtime_ns), content
    raise ImageError("changed while it was read")


def fetch_file(file: FileRef) -> tuple[FileRef, bytes]:
    """`Reader.fetch` for files of the disk."""
    return read_stable(file.path)


def look_at(path: bytes) -> FileRef | Skip:
    """Size and time of a regular file; anything else is a skip."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return Skip(path, "no such file")
    except OSError as error:
        return Skip(path, f"unreadable file: {reason_of(error)}")
    if stat.S_ISLNK(status.st_mode):
        return Skip(path, "symbolic link")
    if not stat.S_ISREG(status.st_mode):
        return Skip(path, "not a regular file")
    return FileRef(path, status.st_size, status.st_mtime_ns)


def may_exist(path: bytes) -> bool:
    """False only when there is certainly no file: where we may not look, one may be."""
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return _is_inside_file(path)
    except OSError:
        return True


def _is_inside_file(path: bytes) -> bool:
    """Whether a folder above is a file now that can hold pictures: only its reader knows them."""
    above = os.path.dirname(path)
    while above != os.path.dirname(above) and not os.path.lexists(above):
        above = os.path.dirname(above)
    return above.lower().endswith(CONTAINER_SUFFIXES)


def reason_of(error: OSError) -> str:
    """What the system says, in the form of a reason."""
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def opening_source(path: bytes, kind: str, form: str) -> Iterator[None]:
    """Say to the user why a file that was named cannot be opened or read inside.

    Args:
        path: of the file, as the user is to see it.
        kind: what the file is to the user, e.g. "list".
        form: what has to lie there, e.g. "a text file".

    Raises:
        SourceError: there is no such file, or what lies there cannot be read.
    """
    shown = display_path(path)
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError(f"no such {kind}: {shown}", hint="check the path") from error
    except OSError as error:
        raise SourceError(
            f"cannot read {shown}: {reason_of(error)}", hint="check its permissions"
        ) from error
    except ImageError as error:
        raise SourceError(f"cannot read {shown}: {error.reason}", hint=f"name {form}") from error


class DiskFiles:
    """What a `Reader` answers whose pictures are files of the disk, each at its own path."""

    __slots__ = ()

    def is_gone(self, path: bytes) -> bool:
        """Whether there is certainly no file; a pattern or a dot in its name merely hides one."""
        return not may_exist(path)

    def is_same(self, before: FileRef, now: FileRef) -> bool:
        """Same size and modification time."""
        return before == now

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """See `Reader.fetch`."""
        return fetch_file(file)
