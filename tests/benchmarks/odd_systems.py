"""Systems that do not do what they should."""

import os
import time

from benchmarks.systems.base import Description


class Hangs:
    """Builds for ever."""

    def build(self, task):
        time.sleep(60)


class Dies:
    """Ends its process."""

    def build(self, task):
        os.write(2, b"out of luck")
        os._exit(7)


class DiesLater:
    """A right baseline, for so many calls as its task's option says."""

    def build(self, task):
        pass

    def open(self, task):
        return _Mortal(int(task.option))


class _Mortal:
    def __init__(self, calls):
        self._left = calls

    def describe(self):
        return Description("mortal", {}, 0)

    def search(self, queries, k, setting):
        if not self._left:
            os.write(2, b"out of memory")
            os._exit(9)
        self._left -= 1
