"""Pictures in a tar archive, read where they lie; nothing is ever unpacked.

A picture's path is the archive's, a slash, and the name inside. Names that lead out of the archive,
links and devices are skipped, never followed. Texts of a picture's stem beside it are its captions:
`000.txt` or `000.caption` as in a folder, else "caption" in `000.json`, as webdataset shards
have it.
"""

import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from indexer.readers.base import Caption, CaptionFile, Listing, Skip
from indexer.readers.files import MAX_FILE_BYTES, may_exist, open_regular, reason_of
from indexer.readers.globs import Globs
from indexer.readers.names import has_image_suffix, split_member
from indexer.readers.sidecars import MAX_BYTES, SIDECAR_SUFFIXES, match_sidecars, parse_lines
from indexer.readers.sidecars_json import JSON_SUFFIX, match_json, parse_json
from retrieval.errors import ImageError, SourceError
from retrieval.model import FileRef, display_path

TRUNCATED = "truncated archive"

# What tarfile raises on bytes that are no archive, seen or documented; it promises TarError only.
_TAR_ERRORS = (tarfile.TarError, ArithmeticError, EOFError, LookupError, RuntimeError, ValueError)

_CAPTION_SUFFIXES = (*SIDECAR_SUFFIXES, JSON_SUFFIX)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What an archive held when it was listed.

    Attributes:
        size_bytes: of the archive.
        mtime_ns: of the archive.
        spans: offset and size of the pictures and captions, by path.
        names: paths of all members, whatever they are.
        is_whole: whether the archive has its end.
    """

    size_bytes: int
    mtime_ns: int
    spans: Mapping[bytes, tuple[int, int]]
    names: frozenset[bytes]
    is_whole: bool


@dataclass(slots=True)
class TarReader:
    """The pictures in one uncompressed tar archive, at any depth.

    Of several members with one name the last counts, as when unpacking. Hidden members and those
    without the suffix of an image are passed over silently. Of an archive that was cut, what is
    whole is listed, and the archive itself is a skip.

    Attributes:
        root: absolute path of the archive, without symbolic links.
        globs: which names inside take part.
    """

    root: bytes
    globs: Globs = field(default_factory=Globs)
    _contents: _Contents | None = field(default=None, init=False, repr=False)

    @property
    def is_tree(self) -> bool:
        """True: see `Reader`."""
        return True

    def covers(self, path: bytes) -> bool:
        """True if the path lies in the archive and the patterns admit it."""
        prefix = self.root + b"/"
        return path.startswith(prefix) and self.globs.admits(path[len(prefix) :])

    def is_gone(self, path: bytes) -> bool:
        """Whether the archive, seen to its end, has no such member; or is no longer there."""
        if self._contents is None:
            return not may_exist(self.root)
        return self._contents.is_whole and path not in self._contents.names

    def is_same(self, before: FileRef, now: FileRef) -> bool:
        """Same size, in an archive of the same modification time."""
        return before == now

    def read(self) -> Listing:
        """List what is there now; headers are read, pictures are not.

        Raises:
            SourceError: the archive is missing, cannot be read, or is no uncompressed tar archive.
        """
        try:
            opened = open_regular(self.root)
        except OSError as error:
            raise _root_error(self.root, error) from error
        except ImageError as error:
            raise SourceError(
                f"{display_path(self.root)} is {error.reason}", hint="name a tar archive"
            ) from error
        with opened:
            status = os.fstat(opened.fileno())
            members, is_whole = _members(opened, status.st_size, display_path(self.root))
        found, spans, names = self._sift(members, status.st_mtime_ns)
        self._contents = _Contents(
            status.st_size, status.st_mtime_ns, spans, frozenset(names), is_whole
        )
        if not is_whole:
            found[self.root] = Skip(self.root, TRUNCATED)
        return self._listing([found[path] for path in sorted(found)])

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """See `Reader.fetch`; the archive must be the one that was listed."""
        contents = self._contents
        if contents is None or file.path not in contents.spans:
            raise FileNotFoundError(2, "no such member", file.path)
        offset, size = contents.spans[file.path]
        if size > MAX_FILE_BYTES:
            raise ImageError("file too large")
        with open_regular(self.root) as opened:
            opened.seek(offset)
            content = _read_exactly(opened, size)
            status = os.fstat(opened.fileno())
        stamp = (status.st_size, status.st_mtime_ns)
        if stamp != (contents.size_bytes, contents.mtime_ns) or len(content) != size:
            raise ImageError("archive changed since it was listed")
        return file, content

    def _sift(
        self, members: Sequence[tarfile.TarInfo], mtime_ns: int
    ) -> tuple[dict[bytes, FileRef | Skip], dict[bytes, tuple[int, int]], set[bytes]]:
        """Pictures, captions and skips by path; where their bytes lie; all names."""
        found: dict[bytes, FileRef | Skip] = {}
        spans: dict[bytes, tuple[int, int]] = {}
        names: set[bytes] = set()
        for member in members:
            raw = member.name.encode("utf-8", "surrogateescape")
            parts = split_member(raw)
            if parts is None:
                if has_image_suffix(raw):
                    path = self.root + b"/" + raw
                    found[path] = Skip(path, "unsafe name in the archive")
                continue
            path = b"/".join((self.root, *parts))
            names.add(path)
            if self._is_wanted(parts):
                found.pop(path, None)
                spans[path] = (member.offset_data, member.size)
                sifted = _look_at(member, path, mtime_ns)
                if isinstance(sifted, FileRef) or has_image_suffix(path):
                    found[path] = sifted
        return found, spans, names

    def _is_wanted(self, parts: tuple[bytes, ...]) -> bool:
        """Patterns choose pictures; captions follow theirs, unless they are excluded themselves."""
        if any(part.startswith(b".") for part in parts):
            return False
        relative = b"/".join(parts)
        if has_image_suffix(parts[-1]):
            return self.globs.admits(relative)
        return parts[-1].endswith(_CAPTION_SUFFIXES) and not self.globs.excludes(relative)

    def _listing(self, found: Sequence[FileRef | Skip]) -> Listing:
        files = [each for each in found if isinstance(each, FileRef)]
        skips = [each for each in found if isinstance(each, Skip)]
        pictures = [file for file in files if has_image_suffix(file.path)]
        texts = {file.path: file for file in files if file.path.endswith(SIDECAR_SUFFIXES)}
        objects = {file.path: file for file in files if file.path.endswith(JSON_SUFFIX)}
        lined, unread = match_sidecars(pictures, texts)
        served = {image for each in lined for image in each.images}
        captions = [
            *(replace(each, read=partial(self._lines, each)) for each in lined),
            *(
                replace(each, read=partial(self._object, each))
                for each in match_json([p for p in pictures if p.path not in served], objects)
            ),
        ]
        return Listing(
            tuple(pictures),
            tuple(sorted([*skips, *unread], key=lambda skip: skip.path)),
            tuple(sorted(captions, key=lambda each: each.file.path)),
        )

    def _lines(self, each: CaptionFile) -> Iterator[Caption | Skip]:
        yield from parse_lines(self._text(each.file), each.images)

    def _object(self, each: CaptionFile) -> Iterator[Caption | Skip]:
        yield from parse_json(self._text(each.file), each.images)

    def _text(self, file: FileRef) -> bytes:
        if file.size_bytes > MAX_BYTES:
            raise ImageError("captions file too large")
        return self.fetch(file)[1]


def refuse_compressed(root: bytes) -> TarReader:
    """Raise: a member of a compressed archive cannot be read without all that is before it."""
    raise SourceError(
        f"{display_path(root)} is a compressed archive",
        hint="unpack it, or decompress it to a plain .tar",
    )


def _members(opened: io.FileIO, size: int, shown: str) -> tuple[list[tarfile.TarInfo], bool]:
    """All members that are there in full, and whether the archive has its end."""
    members: list[tarfile.TarInfo] = []
    try:
        archive = tarfile.open(  # noqa: SIM115 - closed below, its file by the caller
            fileobj=opened, mode="r:", encoding="utf-8", errors="surrogateescape"
        )
    except _TAR_ERRORS as error:
        reason = "is empty" if size == 0 else "is not a tar archive"
        raise SourceError(
            f"{shown} {reason}", hint="download it again; a compressed one has to be unpacked"
        ) from error
    with archive:
        seen_to = -1
        try:
            while (member := archive.next()) is not None:
                # A forged size can lead back to where we were, without end.
                if archive.offset <= seen_to or member.offset_data + member.size > size:
                    return members, False
                seen_to = archive.offset
                members.append(member)
        except _TAR_ERRORS:
            return members, False
        # tarfile ends without a word at the first block that is no header.
        opened.seek(archive.offset)
        return members, opened.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)


def _look_at(member: tarfile.TarInfo, path: bytes, mtime_ns: int) -> FileRef | Skip:
    """A regular member, or why it is none."""
    if member.issym():
        return Skip(path, "symbolic link")
    if member.islnk():
        return Skip(path, "hard link")
    if not member.isreg() or member.issparse() or member.size < 0:
        return Skip(path, "not a regular file")
    return FileRef(path, member.size, mtime_ns)


def _read_exactly(opened: io.FileIO, size: int) -> bytes:
    """Up to `size` bytes, fewer only at the end of the file."""
    parts = []
    while size and (part := opened.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _root_error(root: bytes, error: OSError) -> SourceError:
    shown = display_path(root)
    if isinstance(error, FileNotFoundError):
        return SourceError(f"no such archive: {shown}", hint="check the path, or mount its disk")
    return SourceError(f"cannot read {shown}: {reason_of(error)}", hint="check its permissions")
