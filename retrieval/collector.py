"""Python's collector of garbage, kept away from work that makes many objects and no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_left_alone() -> Iterator[None]:
    """Keep Python's collector away while many small objects are made.

    Their number alone starts collections that look at every object of the process, torch's
    included, and find nothing: for the 80,000 objects of 10,000 hits 0.26 s where making them takes
    0.15 s.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
