"""Ctrl-C in the polyseek command: never lost, whatever code it strikes.

Python raises KeyboardInterrupt wherever the main thread happens to be. In a callback of the
interpreter (a weak reference's, a finalizer's) an exception cannot pass: Python prints it and goes
on, and so would a run that somebody wanted to end. Here it is raised again a moment later.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType

INTERRUPTED = 130

_SAME_S = 0.3
"""`timeout -s INT` and some shells send a signal twice at once; the second says nothing new."""

_AGAIN_S = 0.4


class Interrupts:
    """What became of Ctrl-C in this process. Made once, at the start, in the main thread."""

    def __init__(self) -> None:
        """Listen from now on, unless whoever started us has us ignore Ctrl-C."""
        self.was_seen = False
        self._last_s = float("-inf")
        self._report_unraisable = sys.unraisablehook
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._receive)
            sys.unraisablehook = self._raise_again

    def end_at_once(self) -> None:
        """From now on Ctrl-C ends the process without a word: its work is done, or given up."""
        if signal.getsignal(signal.SIGINT) == self._receive:
            signal.signal(signal.SIGINT, self._leave)

    def let_twin_pass(self) -> None:
        """Wait for the second signal of a pair, which would kill an interpreter that is ending."""
        while (left_s := self._last_s + _SAME_S - time.monotonic()) > 0:
            time.sleep(left_s)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.was_seen = True
        if not self._is_twin():
            raise KeyboardInterrupt

    def _leave(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_twin():
            os._exit(INTERRUPTED)

    def _is_twin(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._last_s < _SAME_S:
            return True
        self._last_s = now_s
        return False

    def _raise_again(self, lost: "sys.UnraisableHookArgs") -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            self._report_unraisable(lost)
            return
        timer = threading.Timer(_AGAIN_S, _interrupt_main_thread)
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # the interpreter is on its way out already
            timer.start()


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)
