"""Waits for changes of sources, and has a run follow them.

An event only says when to look. What has changed is found by the run, which holds all of a source
against the collection; so an event that is lost, or comes twice, costs nothing but time.

Folders are watched through the kernel (inotify). Sources that are files, and whatever is not there
at the moment, are looked at every now and then: an editor that saves by renaming, or a disk that is
mounted again, would be lost on a watch of the file itself.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.readers.globs import Globs
from indexer.readers.names import has_image_suffix
from indexer.readers.sidecars import SIDECAR_SUFFIXES
from indexer.readers.sources import roots_of
from retrieval.errors import MissingDependencyError, SourceError
from retrieval.model import display_path


@dataclass(frozen=True, slots=True)
class Pace:
    """When a run follows changes.

    Attributes:
        settle_s: nothing has to happen for so long: files that are being copied are left alone.
        longest_s: a run is put off no longer than this, however much goes on.
        look_s: how often sources are looked at that the kernel does not watch.
    """

    settle_s: float = 1.6
    longest_s: float = 60.0
    look_s: float = 0.5


Mark = tuple[int, ...] | None
"""What a source is now: device and inode of a folder, size and time too of a file; None: gone."""

_FOLDER_MARK = 2


@dataclass(frozen=True, slots=True)
class WatchedSources:
    """The sources of a run, and which changes below them can matter to it.

    Attributes:
        sources: as the user named them.
        globs: which pictures take part.
        avoid: absolute path of a folder that is not looked into: the collection.
    """

    sources: Sequence[Path]
    globs: Globs = field(default_factory=Globs)
    avoid: bytes | None = None

    def marks(self) -> dict[bytes, Mark]:
        """What each source is now, by its absolute path."""
        return {root: _mark(root) for root in roots_of(self.sources)}

    def concerns(self, root: bytes, path: bytes) -> bool:
        """Whether a run over the folder `root` may see another thing at `path` than before.

        Hidden names, excluded ones and the collection are passed over, and so are files of no use.
        What is gone may have been a folder of any name.
        """
        if path == root:
            return True
        prefix = os.path.join(root, b"")
        if not path.startswith(prefix) or self._is_avoided(path):
            return False
        relative = path[len(prefix) :]
        if any(part.startswith(b".") for part in relative.split(b"/")):
            return False
        if self.globs.excludes(relative):
            return False
        if not _is_file(path) or path.endswith(SIDECAR_SUFFIXES):
            return True
        return has_image_suffix(os.path.basename(path)) and self.globs.admits(relative)

    def _is_avoided(self, path: bytes) -> bool:
        return self.avoid is not None and (path + b"/").startswith(os.path.join(self.avoid, b""))


def watch_sources(
    sources: WatchedSources,
    run: Callable[[], bool],
    stop: threading.Event,
    pace: Pace | None = None,
) -> None:
    """Run at once, and again whenever changes have settled, until `stop` is set.

    The first run comes after the watch was set up, and what happens during a run is followed by
    another one: nothing is lost in between.

    Args:
        sources: to watch; those that are missing are awaited.
        run: brings the collection up to date; False if it has to be tried again.
        stop: ends the watch, within a fraction of a second or after the run that is going on.
        pace: None is `Pace()`.

    Raises:
        MissingDependencyError: watchfiles is not installed.
        SourceError: a folder cannot be watched.
        KeyboardInterrupt: Ctrl-C.
        Exception: whatever `run` raises.
    """
    check_watchable()
    pace = pace or Pace()
    settling = _Settling(pace)
    while not stop.is_set():
        marks = sources.marks()
        folders = _folders(marks)
        for paths in _events(folders, stop, pace):
            now_s = time.monotonic()
            found = sources.marks()
            is_other = found != marks
            marks = found
            if is_other or any(sources.concerns(root, path) for root in folders for path in paths):
                settling.see(now_s)
            if _folders(marks) != folders:
                break  # before any run: it must find the new folders watched
            if settling.is_due(now_s):
                settling.clear()
                if not run():
                    settling.see(time.monotonic())
        else:
            settling.see(time.monotonic())  # the watch broke: who knows what went unseen


def check_watchable() -> None:
    """Raise MissingDependencyError where the package that watches folders is not installed."""
    try:
        import watchfiles  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"watching needs the package {error.name}", hint="pip install 'polyseek[watch]'"
        ) from error


class _Settling:
    """Decides when what was seen is followed by a run; the first one is due at once."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._first_s: float | None = float("-inf")
        self._last_s = float("-inf")

    def see(self, now_s: float) -> None:
        if self._first_s is None:
            self._first_s = now_s
        self._last_s = now_s

    def is_due(self, now_s: float) -> bool:
        if self._first_s is None:
            return False
        is_quiet = now_s - self._last_s >= self._pace.settle_s
        return is_quiet or now_s - self._first_s >= self._pace.longest_s

    def clear(self) -> None:
        self._first_s = None


def _events(
    folders: Mapping[bytes, Mark], stop: threading.Event, pace: Pace
) -> Iterator[set[bytes]]:
    """Paths that changed below the folders; an empty set every `look_s` where none did.

    The first comes when the folders are watched. Ends when `stop` is set or the watch broke.
    """
    if not folders:
        while not stop.is_set():
            yield set()
            stop.wait(pace.look_s)
        return
    from watchfiles import watch

    look_ms = max(1, round(pace.look_s * 1000))
    changes = watch(
        *(_watchable_name(folder) for folder in folders),
        watch_filter=None,  # a filter would keep silent while only unwanted files change
        debounce=look_ms,
        rust_timeout=look_ms,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    )
    while True:
        try:
            found = next(changes)
        except StopIteration:
            return
        except FileNotFoundError:  # gone since it was looked at
            stop.wait(pace.look_s)
            return
        except RuntimeError as error:
            if "decode path" not in str(error):
                raise _unwatchable(error) from error
            stop.wait(pace.look_s)  # a name that is no UTF-8: something did change
            return
        except OSError as error:
            raise _unwatchable(error) from error
        yield {os.fsencode(path) for _, path in found}


def _unwatchable(error: Exception) -> SourceError:
    return SourceError(
        f"the folders cannot be watched: {error}",
        hint="raise fs.inotify.max_user_watches and max_user_instances, or have the folders read "
        "again and again with WATCHFILES_FORCE_POLLING=1",
    )


def _watchable_name(folder: bytes) -> str:
    try:
        return folder.decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{display_path(folder)} cannot be watched: its name is no UTF-8",
            hint="name a folder above it, or index it without --watch",
        ) from error


def _folders(marks: Mapping[bytes, Mark]) -> dict[bytes, Mark]:
    return {root: mark for root, mark in marks.items() if mark and len(mark) == _FOLDER_MARK}


def _mark(root: bytes) -> Mark:
    try:
        status = os.stat(root)  # noqa: PTH116 - bytes
    except OSError:
        return None
    place = (status.st_dev, status.st_ino)
    if stat.S_ISDIR(status.st_mode):
        return place
    return (*place, status.st_size, status.st_mtime_ns)


def _is_file(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
