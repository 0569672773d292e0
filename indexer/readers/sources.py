"""From the sources that a user names to readers: the one place that knows which name means what."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from indexer.readers.base import Reader
from indexer.readers.braces import expand_braces
from indexer.readers.columns import Columns
from indexer.readers.folder import FolderReader
from indexer.readers.globs import Globs
from indexer.readers.pair_formats import PAIR_SUFFIXES
from indexer.readers.pairs import PairsReader
from indexer.readers.tar import TarReader, refuse_compressed
from retrieval.errors import MissingDependencyError, SourceError
from retrieval.model import display_path


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What holds for all sources of a run.

    Attributes:
        globs: which pictures take part.
        avoid: a folder that is never entered (the collection, where it lies inside a source).
        columns: of tables.
    """

    globs: Globs = field(default_factory=Globs)
    avoid: bytes | None = None
    columns: Columns = field(default_factory=Columns)


ReaderFactory = Callable[[bytes, SourceOptions], Reader]
"""Takes the absolute path of a source, which need not exist; opens nothing."""


def _folder(root: bytes, options: SourceOptions) -> Reader:
    return FolderReader(root, options.globs, options.avoid)


def _tar(root: bytes, options: SourceOptions) -> Reader:
    return TarReader(root, options.globs)


def _parquet(root: bytes, options: SourceOptions) -> Reader:
    with _needing("parquet", root):
        from indexer.readers.parquet import ParquetReader
    return ParquetReader(root, options.columns, options.globs)


def _compressed(root: bytes, options: SourceOptions) -> Reader:
    return refuse_compressed(root)


def _pairs(root: bytes, options: SourceOptions) -> Reader:
    return PairsReader(root, options.columns, options.globs)


def _text_list(root: bytes, options: SourceOptions) -> Reader:
    with _needing("urls", root):
        from indexer.readers.urls import UrlReader
    return UrlReader(root, Columns(), options.globs)


def _table_of_urls(root: bytes, options: SourceOptions) -> Reader:
    with _needing("urls", root):
        from indexer.readers.urls import UrlReader
    return UrlReader(root, options.columns, options.globs)


_COMPRESSED = (b".gz", b".bz2", b".xz", b".zst", b".lz4")

READERS: Mapping[bytes, ReaderFactory] = {
    b".tar": _tar,
    b".parquet": _parquet,
    b".txt": _text_list,
    b".tgz": _compressed,
    **{suffix.encode(): _pairs for suffix in PAIR_SUFFIXES},
    **{b".tar" + suffix: _compressed for suffix in _COMPRESSED},
}
"""By the end of a file's name, in lower case; what is a folder, or ends otherwise, is a folder."""

_TABLES = frozenset({b".csv", b".tsv", b".jsonl", b".parquet"})
"""Are lists of addresses if a column of addresses is named."""


def readers_for(sources: Sequence[Path], options: SourceOptions) -> tuple[Reader, ...]:
    """One reader for each source, its links resolved, in the order given; equal ones once.

    Braces in a name that does not exist itself stand for several (see `indexer.readers.braces`).

    Raises:
        SourceError: there is no source, or one of a kind that cannot be read.
    """
    if not sources:
        raise SourceError("no source to index", hint="name a folder, an archive or a list")
    return tuple(reader_at(root, options) for root in roots_of(sources))


def roots_of(sources: Sequence[Path]) -> tuple[bytes, ...]:
    """Absolute paths of what sources name, links resolved, braces expanded; equal ones once.

    Raises:
        SourceError: braces that cannot be expanded.
    """
    named = [name for source in sources for name in _names_of(os.fspath(source))]
    return tuple(dict.fromkeys(os.path.realpath(os.fsencode(name)) for name in named))


def reader_at(root: bytes, options: SourceOptions) -> Reader:
    """The reader of one source, by its absolute path without links.

    Raises:
        SourceError: it is of a kind that cannot be read.
        MissingDependencyError: it needs an extra that is not installed.
    """
    return _factory_of(root, options.columns)(root, options)


def _names_of(source: str) -> list[str]:
    return [source] if os.path.lexists(source) else expand_braces(source)


def _factory_of(root: bytes, columns: Columns) -> ReaderFactory:
    name = os.path.basename(root).lower()
    suffix = next((suffix for suffix in READERS if name.endswith(suffix)), None)
    if suffix is None or os.path.isdir(root):  # noqa: PTH112 - bytes
        return _folder
    if columns.url is not None and suffix in _TABLES:
        return _table_of_urls
    return READERS[suffix]


@contextmanager
def _needing(extra: str, root: bytes) -> Iterator[None]:
    """Say which extra brings the package that an import inside has missed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading {display_path(root)} needs the package {error.name}",
            hint=f"install polyseek[{extra}]",
        ) from error
