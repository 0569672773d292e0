"""Turns of several threads, in the order in which they came.

A semaphore of Python lets whoever asks at the right moment pass those that wait: of six threads
that searched one bounded engine for 30 s one got 1,135 turns and another a single one.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets so many threads in at a time; the others wait, and none is passed."""

    def __init__(self, at_once: int) -> None:
        """Let in at_once threads, at least one."""
        if at_once < 1:
            raise ValueError(f"at least one must be let in, got {at_once}")
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it meanwhile. Within one there is no second."""
        self._wait()
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self) -> None:
        with self._lock:
            if self._free:  # nobody waits then: turns are handed over, not given back
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:  # Ctrl-C
            with self._lock:
                is_mine = mine not in self._waiting
                if not is_mine:
                    self._waiting.remove(mine)
            if is_mine:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
