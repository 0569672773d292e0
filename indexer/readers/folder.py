"""Lists the pictures below a folder; looks at names and `lstat` only, opens no file.

It cannot hang or run in circles: symbolic links are never followed, pipes, sockets and devices
are never opened, and a folder that cannot be listed costs only itself. Paths are bytes throughout,
since a file name on Linux need not be text.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.readers.base import Listing, Skip
from indexer.readers.files import DiskFiles, look_at, reason_of
from indexer.readers.globs import Globs
from indexer.readers.names import has_image_suffix
from indexer.readers.sidecars import SIDECAR_SUFFIXES, match_sidecars
from retrieval.errors import SourceError
from retrieval.model import FileRef, display_path


@dataclass(frozen=True, slots=True)
class FolderReader(DiskFiles):
    """The pictures below one folder, recursively.

    Hidden files and folders (names that start with a dot) are passed over silently, as are files
    without the suffix of an image. The root itself may be hidden or a symbolic link: it was named.

    Attributes:
        root: absolute path without symbolic links.
        globs: which relative paths take part.
        avoid: a folder that is never entered (the collection, where it lies inside its source).
    """

    root: bytes
    globs: Globs = field(default_factory=Globs)
    avoid: bytes | None = None

    @property
    def is_tree(self) -> bool:
        """True: see `Reader`."""
        return True

    def covers(self, path: bytes) -> bool:
        """True if the path lies below the root and the patterns admit it."""
        prefix = os.path.join(self.root, b"")
        return path.startswith(prefix) and self.globs.admits(path[len(prefix) :])

    def read(self) -> Listing:
        """List what is there now.

        Raises:
            SourceError: the root is missing, no folder, or cannot be listed.
        """
        files: list[FileRef] = []
        skips: list[Skip] = []
        sidecars: dict[bytes, FileRef] = {}
        pending = [self.root]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder) as listed:
                    entries = list(listed)
            except OSError as error:
                if folder == self.root:
                    raise _root_error(self.root, error) from error
                skips.append(Skip(folder, f"unreadable folder: {reason_of(error)}"))
                continue
            for entry in self._wanted(entries):
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                found = look_at(entry.path)
                if isinstance(found, Skip):
                    skips.append(found)
                elif entry.name.endswith(SIDECAR_SUFFIXES):
                    sidecars[found.path] = found
                else:
                    files.append(found)
        files.sort(key=lambda file: file.path)
        captions, unread = match_sidecars(files, sidecars)
        skips = sorted([*skips, *unread], key=lambda skip: skip.path)
        return Listing(tuple(files), tuple(skips), tuple(captions))

    def _wanted(self, entries: list[os.DirEntry[bytes]]) -> Iterator[os.DirEntry[bytes]]:
        """Folders to enter, and entries that are pictures or captions by name.

        Patterns choose pictures; captions follow theirs, unless they are excluded themselves.
        """
        start = len(os.path.join(self.root, b""))
        for entry in entries:
            if entry.name.startswith(b"."):
                continue
            relative = entry.path[start:]
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self.avoid and not self.globs.excludes(relative):
                    yield entry
            elif has_image_suffix(entry.name):
                if self.globs.admits(relative):
                    yield entry
            elif (
                entry.name.endswith(SIDECAR_SUFFIXES)
                and not self.globs.excludes(relative)
                and entry.is_file(follow_symlinks=False)
            ):
                yield entry


def _root_error(root: bytes, error: OSError) -> SourceError:
    shown = display_path(root)
    if isinstance(error, FileNotFoundError):
        return SourceError(f"no such folder: {shown}", hint="check the path, or mount its disk")
    if isinstance(error, NotADirectoryError):
        return SourceError(
            f"{shown} is a file of no kind that can be a source",
            hint="give its folder, with --include and the file's name to take it alone",
        )
    return SourceError(f"cannot list {shown}: {reason_of(error)}", hint="check its permissions")
