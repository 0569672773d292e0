"""What a reader of a source gives: the files that are there, and what it had to pass over."""

from dataclasses import dataclass

from retrieval.model import FileRef


@dataclass(frozen=True, slots=True)
class Skip:
    """One file (or folder) that is not indexed in this run, and why.

    Attributes:
        path: absolute, as the file system gives it.
        reason: short, stable text for reports, e.g. "truncated".
    """

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures that a source holds now.

    Attributes:
        files: ordered by path (bytewise), each path once.
        skips: entries that look like pictures or folders and cannot be used, ordered by path.
    """

    files: tuple[FileRef, ...]
    skips: tuple[Skip, ...] = ()
