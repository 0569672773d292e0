"""Codes of segments from their making to their publication: in files, so that memory is free."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


class CodesSpool(Mapping[str, bytes]):
    """Codes by segment name; read from their file each time they are asked for."""

    def __init__(self, scratch: Path) -> None:
        """Make a folder in one whose owner removes it; see `indexer.layout.scratch_folder`."""
        self._folder = Path(tempfile.mkdtemp(prefix="codes-", dir=scratch))
        self.paths: dict[str, Path] = {}

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Take the codes of a segment, piece by piece.

        Raises:
            OSError: there is no room on that disk.
        """
        path = self._folder / name
        with path.open("wb") as file:
            file.writelines(pieces)
        self.paths[name] = path

    def __getitem__(self, name: str) -> bytes:
        return self.paths[name].read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)
