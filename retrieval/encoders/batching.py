"""Batches through a model: as large as memory allows, texts of like length together."""

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from retrieval.model import Float32Array

logger = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")

_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")
"""In the messages of CUDA and MPS, of torch's CPU allocator on Linux, and of that on Windows."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, the host's or a device's, does not suffice."""
    if isinstance(error, MemoryError):
        return True
    message = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in message for word in _MEMORY_WORDS)


def by_length(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The order that puts texts of like length together, the longest first.

    The longest first, so that a batch that does not fit into memory is the first one.

    Args:
        lengths: (n,) tokens of each text.

    Returns:
        (n,) indices, a permutation; equal lengths stay in their order.
    """
    return np.argsort(-lengths, kind="stable").astype(np.int64)


class Batcher:
    """Cuts work into batches, and into smaller ones where memory does not suffice.

    Attributes:
        size: items of a batch at most. Halved when one does not fit; stays so for later calls.
    """

    def __init__(self, size: int, release: Callable[[], None] | None = None) -> None:
        """Start with batches of a size.

        Args:
            size: at least 1.
            release: called after memory ran out, to give back what is cached.
        """
        if size < 1:
            raise ValueError(f"a batch of {size} items")
        self.size = size
        self._release = release

    def run(
        self,
        n: int,
        load: Callable[[slice], Loaded],
        compute: Callable[[Loaded], Float32Array],
        keep: Callable[[slice, Float32Array], None],
    ) -> None:
        """Put items 0..n-1 through a model, in order, each exactly once.

        The next batch is loaded before the present one is computed, so that a device may copy the
        one while it computes the other.

        Args:
            n: number of items.
            load: brings a span of items to where they are computed; may be called again for items
                whose batch did not fit.
            compute: what `load` gave -> one row an item.
            keep: takes the span and its rows.

        Raises:
            MemoryError: a single item does not fit.
        """
        present: Loaded | None = None
        ahead: Loaded | None = None
        start = 0
        while start < n:
            span = self._span(start, n)
            try:
                present = load(span) if ahead is None else ahead
                ahead = load(self._span(span.stop, n)) if span.stop < n else None
                rows = compute(present)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if span.stop - span.start == 1:
                    raise MemoryError(f"one item does not fit into memory: {error}") from error
            else:
                keep(span, rows)
                start = span.stop
                continue
            # Outside of the handler, where the traceback no longer holds what was half computed.
            present = ahead = None
            self._halve(span.stop - span.start)

    def _span(self, start: int, n: int) -> slice:
        return slice(start, min(start + self.size, n))

    def _halve(self, failed: int) -> None:
        self.size = failed // 2
        logger.info("a batch of %d does not fit into memory; going on with %d", failed, self.size)
        if self._release is not None:
            self._release()
