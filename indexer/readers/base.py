"""The seam of sources: what a run asks of a folder, an archive, a table or a list of pictures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from retrieval.model import FileRef


@dataclass(frozen=True, slots=True)
class Skip:
    """One file (or folder, or line of a list) that is not indexed in this run, and why.

    Attributes:
        path: absolute, as the file system gives it; inside an archive, the archive's path, a slash
            and the name there.
        reason: short, stable text for reports, e.g. "truncated".
    """

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Caption:
    """A text that says what is on a picture.

    Attributes:
        text: not blank.
        image: path of the picture, as the listing has it.
    """

    text: str
    image: bytes


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """A source of captions, read only if it has changed, or a picture that it may speak of.

    Attributes:
        file: path, size and modification time of the source.
        read: its captions, and what in it cannot be used. Raises OSError, or ImageError with a
            reason where nothing in it can.
        images: the pictures that it speaks of by its name; () where it names pictures itself.
    """

    file: FileRef
    read: Callable[[], Iterable[Caption | Skip]]
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds now.

    Attributes:
        files: the pictures, ordered by path (bytewise), each path once.
        skips: entries that look like pictures or folders and cannot be used, ordered by path.
        captions: the sources of captions, ordered by path, each once.
    """

    files: tuple[FileRef, ...]
    skips: tuple[Skip, ...] = ()
    captions: tuple[CaptionFile, ...] = ()


class Reader(Protocol):
    """One source of a run. It must not hang, follow links or leave its source."""

    @property
    def root(self) -> bytes:
        """Absolute path of the source, without symbolic links; the manifest records it."""
        ...

    @property
    def is_tree(self) -> bool:
        """Whether all that it lists lies below `root`, so that what it lists no more is missed."""
        ...

    def read(self) -> Listing:
        """List what is there now.

        Raises:
            SourceError: the source is missing, or is not what it seems to be.
        """
        ...

    def covers(self, path: bytes) -> bool:
        """Whether a file of this path would be listed if it were there."""
        ...

    def is_gone(self, path: bytes) -> bool:
        """Whether a file that is covered and not listed certainly exists no more."""
        ...

    def is_same(self, before: FileRef, now: FileRef) -> bool:
        """Whether a listed file is what it was, as far as one can tell without reading it."""
        ...

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """Read one listed file whole; called from several threads.

        Returns:
            The file as it was while it was read, and its bytes.

        Raises:
            OSError: it cannot be read, or is no longer there (FileNotFoundError).
            ImageError: it cannot be used; carries the reason.
        """
        ...
