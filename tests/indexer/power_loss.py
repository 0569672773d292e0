"""A disk that forgets: records what a writer does, and shows what is left when the power goes.

The model is the strictest that POSIX allows: bytes are there only after fsync of their file,
names only after fsync of their folder. The eager variant is what journalling file systems do
instead: names are there at once, bytes still only after fsync.
"""

import contextlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False)
class Node:
    """A file (data) or a folder (entries); None or "durable" is what an fsync last saw."""

    is_folder: bool
    data: bytes = b""
    entries: dict = field(default_factory=dict)
    durable: dict = field(default_factory=dict)


class Disk:
    """A tree of nodes below one folder, fed with recorded operations."""

    def __init__(self, root):
        self._root = Path(root)
        self._tree = self._load(self._root)

    def _load(self, path):
        if not path.is_dir():
            return Node(False, path.read_bytes())
        entries = {child.name: self._load(child) for child in path.iterdir()}
        return Node(True, entries=entries, durable=dict(entries))

    def _find(self, path):
        node = self._tree
        for part in Path(path).relative_to(self._root).parts:
            node = node.entries[part]
        return node

    def apply(self, operation, *arguments):
        getattr(self, "_" + operation)(*map(Path, arguments[:2]), *arguments[2:])

    def _mkdir(self, path):
        self._find(path.parent).entries[path.name] = Node(True)

    def _create(self, path):
        self._find(path.parent).entries[path.name] = Node(False)

    def _sync_file(self, path, _, data):
        self._find(path).data = data

    def _sync_folder(self, path):
        node = self._find(path)
        node.durable = dict(node.entries)

    def _rename(self, source, target):
        node = self._find(source.parent).entries.pop(source.name)
        self._find(target.parent).entries[target.name] = node

    def _link(self, source, target):
        self._find(target.parent).entries[target.name] = self._find(source)

    def _unlink(self, path):
        del self._find(path.parent).entries[path.name]

    _rmdir = _unlink

    def after_power_loss(self, target, *, eager):
        """Write what is left below `target`."""
        self._write(self._tree, Path(target), eager)

    def _write(self, node, path, eager):
        if not node.is_folder:
            path.write_bytes(node.data)
            return
        path.mkdir()
        for name, child in (node.entries if eager else node.durable).items():
            self._write(child, path / name, eager)


class _Recorder:
    """Functions that do what those of `os` do, and note it."""

    def __init__(self, root, log):
        self._root = os.fspath(root)
        self._log = log

    def is_ours(self, path):
        # The catalogue is left out: it is a copy, and SQLite's own business.
        path = os.fspath(path)
        return isinstance(path, str) and path.startswith(self._root) and "catalogue.db" not in path

    def noting(self, kind, n_paths, real):
        def call(*arguments, **options):
            result = real(*arguments, **options)
            # shutil.rmtree works relative to open folders; commits do not use it.
            if self.is_ours(arguments[0]) and not options.get("dir_fd"):
                self._log.append((kind, *map(os.fspath, arguments[:n_paths])))
            return result

        return call

    def noting_fsync(self, real):
        def fsync(handle):
            path = os.readlink(f"/proc/self/fd/{handle}")
            real(handle)
            if self.is_ours(path) and stat.S_ISDIR(os.fstat(handle).st_mode):
                self._log.append(("sync_folder", path))
            elif self.is_ours(path):
                self._log.append(("sync_file", path, path, Path(path).read_bytes()))

        return fsync

    def noting_creation(self, real):
        def open_file(path, mode="r", *arguments, **options):
            file = real(path, mode, *arguments, **options)
            if "x" in mode and self.is_ours(path):
                self._log.append(("create", os.fspath(path)))
            return file

        return open_file


@contextlib.contextmanager
def recorded(root, monkeypatch):
    """Yields the list that operations below `root` are appended to."""
    log = []
    recorder = _Recorder(root, log)
    with monkeypatch.context() as patch:
        for name, n_paths in {"mkdir": 1, "rename": 2, "link": 2, "unlink": 1, "rmdir": 1}.items():
            patch.setattr(os, name, recorder.noting(name, n_paths, getattr(os, name)))
        patch.setattr(os, "fsync", recorder.noting_fsync(os.fsync))
        patch.setattr(Path, "open", recorder.noting_creation(Path.open))
        yield log
