"""A segment of ready vectors in the making: rows are gathered until they are worth a commit."""

from collections.abc import Sequence

import numpy as np

from indexer.batch import NewItem
from indexer.readers.vectors import VectorPart
from indexer.vector_rows import Row
from retrieval.model import FileRef, Float16Array, ImageMeta

_META = {"images": ImageMeta("VECTOR", 0, 0), "texts": ImageMeta("TEXT", 0, 0)}
"""What is known of a picture of which only the vector came, and of a text."""


class OpenSegment:
    """Rows of one part; equal rows are one item with several files.

    Attributes:
        part: that the rows are of.
    """

    def __init__(self, part: VectorPart, most_rows: int) -> None:
        """Take up to `most_rows` items, and then what comes with the last of them."""
        self.part = part
        self._most_rows = most_rows
        self._number: dict[str, int] = {}
        self._files: list[list[FileRef]] = []
        self._captions: list[list[str]] = []
        self._vectors = np.empty((0, int(part.vectors.shape[1])), np.float16)

    @property
    def n(self) -> int:
        """Items so far."""
        return len(self._files)

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit."""
        return self.n >= self._most_rows

    @property
    def vectors(self) -> Float16Array:
        """(n, dim) unit rows, as a collection stores them."""
        return self._vectors[: self.n]

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows that the collection lacks."""
        self._make_room(self.n + len(rows))
        n_before, born = self.n, []
        for row in rows:
            number = self._number.setdefault(row.sha256, self.n)
            if number == self.n:
                born.append(row.vector)
                self._files.append([])
                self._captions.append([])
            self._files[number].append(row.file)
            if row.caption:
                self._captions[number].append(row.caption)
        if born:
            self._vectors[n_before : self.n] = np.stack(born)

    def items(self) -> list[NewItem]:
        """The items, in the order of `vectors`."""
        meta = _META[self.part.gallery]
        return [
            NewItem(sha256, meta, tuple(files), tuple(dict.fromkeys(captions)))
            for sha256, files, captions in zip(
                self._number, self._files, self._captions, strict=True
            )
        ]

    def clear(self) -> None:
        """Begin the next segment."""
        self._number, self._files, self._captions = {}, [], []

    def _make_room(self, n_rows: int) -> None:
        """Grow towards the full size at once: pages that nothing was written to cost nothing."""
        if n_rows > len(self._vectors):
            size = max(n_rows, min(self._most_rows, len(self.part.ids)))
            grown = np.empty((size, self._vectors.shape[1]), np.float16)
            grown[: self.n] = self.vectors
            self._vectors = grown
