"""From files to pixels, ahead of the encoder: read, hash, decode, preprocess on worker threads.

Threads suffice: hashing, Pillow's decoders and its resizing let go of the interpreter lock, which
is where the time goes. Results come in the order of the input, and at most `window` files are held
at a time, so that a slow encoder bounds the memory.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Container, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from indexer.readers.base import Skip
from indexer.readers.files import fetch_file, reason_of
from retrieval.encoders.base import Encoder, Pixels
from retrieval.errors import ImageError
from retrieval.images import PixelLimits, decode_image
from retrieval.model import FileRef, ImageMeta

MAX_WORKERS = 16
"""Threads at most: beyond it they queue for the interpreter lock between decoders."""

_CHECK_PX = 256
"""Side that pictures are decoded for where no encoder asks: only to see whether they can be."""

# What Pillow's plugins and an encoder's preprocessing raise on pictures they did not expect. One
# picture's failure is its own; anything outside this list is a mistake of ours and must be seen.
_PICTURE_ERRORS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)

T = TypeVar("T")
R = TypeVar("R")


def default_workers() -> int:
    """Decoding threads for this machine: one for each processor that the process may use."""
    # Only Linux tells which processors a process may use.
    has_affinity = hasattr(os, "sched_getaffinity")
    usable = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(usable, MAX_WORKERS)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, ready for the encoder.

    Attributes:
        meta: what the file says about itself.
        pixels: as `Encoder.preprocess` gives them; None where there was no encoder to ask.
        descriptions: what is written inside it.
    """

    meta: ImageMeta
    pixels: Pixels | None
    descriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read without changing under our hands.

    Attributes:
        file: size and time as they were while it was read, which may be newer than the scan's.
        sha256: hex digest of its bytes.
        picture: None where the content is known already and needed no decoding.
    """

    file: FileRef
    sha256: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class FileDecoder:
    """Reads one file and gets it ready for the encoder; safe to call from several threads.

    Attributes:
        encoder: whose `preprocess` is applied; None decodes only (a dry run).
        known: contents (sha256, hex) that are indexed already and need no decoding.
        limits: on the pixels of a picture.
        fetch: reads one file whole; see `Reader.fetch`.
        processors_free: files are read at any time and decoded while this is set; None is always.
        as_stored: see `decode_image`.
    """

    encoder: Encoder | None
    known: Container[str] = ()
    limits: PixelLimits = field(default_factory=PixelLimits)
    fetch: Callable[[FileRef], tuple[FileRef, bytes]] = fetch_file
    processors_free: threading.Event | None = None
    as_stored: bool = False

    def __call__(self, file: FileRef) -> ReadFile | Skip:
        """Read, hash, decode and preprocess; a file that cannot be used is a `Skip`."""
        try:
            current, content = self.fetch(file)
            if self.processors_free is not None:
                self.processors_free.wait()
            digest = hashlib.sha256(content).hexdigest()
            picture = None if digest in self.known else self._picture(content)
        except ImageError as error:
            return Skip(file.path, error.reason)
        except FileNotFoundError:
            return Skip(file.path, "vanished since the scan")
        except OSError as error:
            return Skip(file.path, f"unreadable file: {reason_of(error)}")
        except MemoryError:
            return Skip(file.path, "out of memory")
        except _PICTURE_ERRORS as error:
            return Skip(file.path, f"cannot decode: {type(error).__name__}")
        return ReadFile(current, digest, picture)

    def _picture(self, content: bytes) -> Picture:
        target_px = self.encoder.input_px if self.encoder else _CHECK_PX
        decoded = decode_image(
            content, target_px=target_px, limits=self.limits, as_stored=self.as_stored
        )
        pixels = self.encoder.preprocess(decoded.image) if self.encoder else None
        return Picture(decoded.meta, pixels, decoded.descriptions)


def map_ahead(
    function: Callable[[T], R], inputs: Iterable[T], *, workers: int, window: int
) -> Generator[R, None, None]:
    """Apply a function on threads, up to `window` inputs ahead of the consumer.

    Closing the generator (or an exception, Ctrl-C included) drops what has not been started.

    Args:
        function: called from `workers` threads.
        inputs: read lazily, from the consumer's thread.
        workers: at least 1.
        window: inputs started or done and not yet taken; at least 1.

    Yields:
        function(x) for each x, in order. An exception of the function is raised in its place.

    Raises:
        ValueError: workers or window below 1.
    """
    if workers < 1 or window < 1:
        raise ValueError(f"workers and window must be at least 1, got {workers} and {window}")
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    ahead: deque[Future[R]] = deque()
    try:
        for each in inputs:
            ahead.append(pool.submit(function, each))
            if len(ahead) >= window:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
