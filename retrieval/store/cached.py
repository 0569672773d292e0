"""Files in the user's cache folder: what can be made again, and takes a while."""

import contextlib
import os
import threading
from pathlib import Path


class CacheFolder:
    """One kind of files in the cache folder.

    A cache that cannot be read or written costs time, never correctness: neither is an error.

    Args:
        cache_dir: polyseek's cache folder, made when first needed; None keeps nothing.
        kind: names the folder within it.
    """

    def __init__(self, cache_dir: Path | None, kind: str) -> None:
        self._folder = None if cache_dir is None else cache_dir / kind

    def read(self, name: str) -> bytes | None:
        """What was kept under a name, unless somebody has changed it; None where nothing was."""
        if self._folder is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def keep(self, name: str, content: bytes) -> None:
        """Keep bytes under a name; others see all of them or none."""
        if self._folder is None:
            return
        draft = self._folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(self._folder / name)
