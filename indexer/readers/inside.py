"""Pictures that a collection knows by a path inside an archive or a table, to be shown again."""

import os
from functools import lru_cache

from indexer.readers.base import Reader
from indexer.readers.names import CONTAINER_SUFFIXES
from indexer.readers.sources import SourceOptions, reader_at
from retrieval.errors import ImageError, MissingDependencyError, SourceError
from retrieval.model import FileRef

_KEPT_OPEN = 4
"""Archives whose contents stay known: hits lie in few, and listing one takes time."""


def read_inside(path: bytes) -> bytes | None:
    """The bytes of a picture in an archive or a table; None where there is none.

    Nothing is fetched from anywhere else. Of a table, the column is the one with a usual name.
    """
    container = _container_of(path)
    if container is None:
        return None
    try:
        status = os.lstat(container)
        reader = _listed(container, status.st_size, status.st_mtime_ns)
        return reader.fetch(FileRef(path, 0, 0))[1]
    except (OSError, ImageError, SourceError, MissingDependencyError):
        return None


def _container_of(path: bytes) -> bytes | None:
    """The file above a path that is an archive or a table; keys and addresses have none."""
    if not os.path.isabs(path):  # noqa: PTH117 - bytes
        return None
    above = os.path.dirname(path)
    while above != os.path.dirname(above):
        if above.lower().endswith(CONTAINER_SUFFIXES) and os.path.isfile(above):  # noqa: PTH113
            return above
        above = os.path.dirname(above)
    return None


@lru_cache(maxsize=_KEPT_OPEN)
def _listed(container: bytes, size_bytes: int, mtime_ns: int) -> Reader:
    """A reader that has listed a container as it was at a size and a time."""
    reader = reader_at(container, SourceOptions())
    reader.read()
    return reader
