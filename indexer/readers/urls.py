"""Lists of addresses of pictures: a text file, one a line, or a column of a table.

A list adds pictures and takes none out: that a line is missing, or a server does not answer, says
nothing about a picture that was indexed. An address that is indexed is not fetched again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from indexer.readers.base import Caption, CaptionFile, Listing, Skip
from indexer.readers.columns import Columns, texts_in
from indexer.readers.files import opening_source, read_stable
from indexer.readers.globs import Globs
from indexer.readers.pair_formats import parse_rows
from indexer.readers.url_fetch import UrlFetcher, parse_url
from retrieval.errors import ImageError, SourceError
from retrieval.model import FileRef, display_path

_MAX_URL_BYTES = 8192
_UNKNOWN = 0
"""Size and time of a picture that has not been fetched."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One address of a list: where it stands, from 1, and what is said about it."""

    number: int
    url: bytes
    captions: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class UrlReader:
    """The pictures at the addresses of one list. An address, as it is written, is a path.

    Attributes:
        root: absolute path of the list.
        columns: of a table; `url` names the one with the addresses, and tells a table from a text.
        globs: which addresses take part.
        fetcher: fetches them.
    """

    root: bytes
    columns: Columns = field(default_factory=Columns)
    globs: Globs = field(default_factory=Globs)
    fetcher: UrlFetcher = field(default_factory=UrlFetcher)
    _listed: frozenset[bytes] = field(default=frozenset(), init=False, repr=False)

    @property
    def is_tree(self) -> bool:
        """False: see `Reader`."""
        return False

    def covers(self, path: bytes) -> bool:
        """Whether the list has the address."""
        return path in self._listed

    def is_gone(self, path: bytes) -> bool:
        """False: nobody can tell."""
        return False

    def is_same(self, before: FileRef, now: FileRef) -> bool:
        """True: what is indexed is not fetched again."""
        return True

    def fetch(self, file: FileRef) -> tuple[FileRef, bytes]:
        """See `Reader.fetch`; the size is that of what came."""
        content = self.fetcher.fetch(file.path.decode("utf-8"))
        return FileRef(file.path, len(content), _UNKNOWN), content

    def read(self) -> Listing:
        """List the addresses; none is fetched.

        Raises:
            SourceError: the list is missing, cannot be read, or lacks a column.
        """
        file, lines = self._lines()
        urls: set[bytes] = set()
        skips: dict[bytes, Skip] = {}
        captions: dict[Caption, None] = {}
        for line in lines:
            reason = line.problem or self._problem_of(line.url)
            if reason:
                # A path of its own for each line, so that each is counted.
                where = self.root + b":%d" % line.number
                skips[where] = Skip(where, reason)
                continue
            urls.add(line.url)
            captions |= {Caption(text, line.url): None for text in line.captions}
        self._listed = frozenset(urls)
        said = CaptionFile(file, partial(iter, tuple(captions)))
        return Listing(
            files=tuple(FileRef(url, _UNKNOWN, _UNKNOWN) for url in sorted(urls)),
            skips=tuple(skips[path] for path in sorted(skips)),
            captions=(said,) if captions else (),
        )

    def _lines(self) -> tuple[FileRef, list[_Line]]:
        if self.columns.url is not None and self.root.lower().endswith(b".parquet"):
            return self._table_lines()
        with opening_source(self.root, "list", "a text file"):
            file, content = read_stable(self.root)
        if self.columns.url is None:
            return file, list(_text_lines(content))
        columns = Columns(image=self.columns.url, caption=self.columns.caption)
        rows = parse_rows(self.root, content, columns)
        return file, [
            _Line(row.number, os.fsencode(row.image), row.captions, row.problem) for row in rows
        ]

    def _table_lines(self) -> tuple[FileRef, list[_Line]]:
        from indexer.readers.parquet_table import inspect_urls, read_columns

        file, names = inspect_urls(self.root, self.columns)
        lines = []
        try:
            for number, (url, *said) in enumerate(read_columns(self.root, names), start=1):
                texts = tuple(text for each in said for text in texts_in(each))
                address = os.fsencode(url) if isinstance(url, str) else b""
                lines.append(_Line(number, address, texts))
        except ImageError as error:
            raise SourceError(
                f"{display_path(self.root)} is damaged", hint="download or write it again"
            ) from error
        return file, lines

    def _problem_of(self, url: bytes) -> str:
        if len(url) > _MAX_URL_BYTES:
            return "address too long"
        try:
            parse_url(url.decode("utf-8"))
        except UnicodeDecodeError:
            return "not an address"
        except ImageError as error:
            return error.reason
        return "" if self.globs.admits(url) else "left out by a pattern"


def _text_lines(content: bytes) -> Iterator[_Line]:
    """Lines that are neither blank nor remarks (#)."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        url = line.strip()
        if url and not url.startswith(b"#"):
            yield _Line(number, url)
