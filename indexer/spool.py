"""Codes of segments from their making to their publication: in files, so that memory is free."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class CodesSpool(Mapping[str, bytes]):
    """Codes by segment name; read from their file each time they are asked for.

    Use it in a `with`: the files are gone afterwards.
    """

    def __init__(self) -> None:
        """Make a folder among those for temporary files (TMPDIR)."""
        self._folder = tempfile.TemporaryDirectory(prefix="polyseek-codes-")
        self.paths: dict[str, Path] = {}

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Take the codes of a segment, piece by piece.

        Raises:
            OSError: there is no room on that disk.
        """
        path = Path(self._folder.name, name)
        with path.open("wb") as file:
            file.writelines(pieces)
        self.paths[name] = path

    def __getitem__(self, name: str) -> bytes:
        return self.paths[name].read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()
