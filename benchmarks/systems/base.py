"""What a system under test is: it builds once, opens what it built, and answers.

This module and those of the peers import the standard library and NumPy only, for they also run in
environments of other people's making, from Python 3.10 and NumPy 1.26 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Modality = Literal["text", "image", "composed"]
MODALITIES: tuple[Modality, ...] = ("text", "image", "composed")

Vectors = npt.NDArray[np.float32]
RowNumbers = npt.NDArray[np.int64]

NO_ROW = -1

ADD_ROWS = 16_384
"""Rows cast and added at a time: 32 MiB of float32 at 512 dimensions."""


@dataclass(frozen=True)
class Task:
    """What a system gets to work on.

    Attributes:
        base: .npy file of the vectors, (n, dim) unit rows in float16, float32 or float64.
        folder: where the system writes, empty before the build.
        k: how many neighbours will be asked for.
        target_recall: that a system which tunes itself has to reach.
        train_texts: .npy file of text vectors to train and tune with; None where there are none.
        threads: to use.
        seed: of everything random.
        memory_bytes: that the index may take, for a system that has to be told.
        option: what followed the colon in the system's name, e.g. a factory key.
    """

    base: str
    folder: str
    k: int = 10
    target_recall: float = 0.95
    train_texts: "str | None" = None
    threads: int = 1
    seed: int = 0
    memory_bytes: "int | None" = None
    option: str = ""


@dataclass(frozen=True)
class Knob:
    """The one number that a peer's user trades speed for recall with.

    Attributes:
        name: as the system calls it, e.g. "ef".
        ladder: values to try, ascending in cost.
    """

    name: str
    ladder: Sequence[int]


@dataclass(frozen=True)
class Description:
    """What an open index is.

    Attributes:
        spec: one line that names it.
        params: how it was built and what it says of itself; JSON values.
        resident_bytes: what it has to keep in memory: codes, ids, coarse quantiser, router, bias.
        page_cache_bytes: what it reads from mapped files.
        knob: what can be turned; None where the system has chosen by itself.
    """

    spec: str
    params: "dict[str, Any]"
    resident_bytes: int
    page_cache_bytes: int = 0
    knob: "Knob | None" = None


@dataclass(frozen=True)
class Setting:
    """How to search: for which modality, and where the knob stands.

    Attributes:
        modality: of the queries.
        value: of the knob; None where there is none.
        parts: of composed queries, (Q, 2, dim): the text and the image that each is the sum of.
    """

    modality: Modality
    value: "int | None" = None
    parts: "Vectors | None" = None


class Searcher(Protocol):
    """An open index."""

    def describe(self) -> Description:
        """What it is."""
        ...

    def search(self, queries: Vectors, k: int, setting: Setting) -> Any:  # noqa: ANN401
        """The k best for each query (Q, dim), in the system's own form. This is what is timed."""
        ...

    def rows(self, found: Any, k: int) -> RowNumbers:  # noqa: ANN401
        """An answer of `search` as rows of the base, (Q, k), best first; NO_ROW where it lacks."""
        ...


class System(Protocol):
    """A way to build and search."""

    def build(self, task: Task) -> None:
        """Index the base, and leave in `task.folder` all that a search needs beside the base."""
        ...

    def open(self, task: Task) -> Searcher:
        """Open what a build left, in another process."""
        ...


def padded(found: Any, k: int) -> RowNumbers:  # noqa: ANN401
    """Row numbers (Q, at most k) with NO_ROW where fewer than k came."""
    ids = np.asarray(found, np.int64)[:, :k]
    return np.pad(ids, ((0, 0), (0, k - ids.shape[1])), constant_values=NO_ROW)


def open_base(path: str) -> Any:  # noqa: ANN401 - of one of several types
    """The vectors of a .npy file, mapped."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def as_float32(rows: Any) -> Vectors:  # noqa: ANN401
    """Some rows of a base in memory, as peers want them."""
    return np.ascontiguousarray(rows, dtype=np.float32)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
