"""Systems that do not do what they should."""

import os
import time


class Hangs:
    """Builds for ever."""

    def build(self, task):
        time.sleep(60)


class Dies:
    """Ends its process."""

    def build(self, task):
        os.write(2, b"out of luck")
        os._exit(7)
