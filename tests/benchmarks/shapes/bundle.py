"""Keeps what is slow to make in a cache folder: made once, whole or not at all."""

import hashlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import filelock

PROJECT = Path(__file__).resolve().parents[3]
SHAPES = PROJECT / "benchmarks" / "shapes"
TRAINING_CODE = tuple(SHAPES / name for name in ("pictures.py", "grammar.py", "training.py"))
LIBRARIES = ("torch", "open_clip_torch", "numpy", "pillow")

_UNFINISHED = "unfinished-"
_KEPT = 4
"""Folders; one of tiny CLIP's has 13 MB, and every change of the training makes another."""


def installed_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Versions of installed distributions, by name."""
    return {name: importlib.metadata.version(name) for name in names}


def key_of(files: Iterable[Path], versions: dict[str, str], recipe: object) -> str:
    """The sha256 of all that decides what is made, 24 hex digits of it.

    Args:
        files: code; names and content count.
        versions: of the libraries that it uses.
        recipe: its repr counts.
    """
    parts = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    parts += [f"{name} {version}" for name, version in sorted(versions.items())]
    return hashlib.sha256("\n".join([*parts, repr(recipe)]).encode()).hexdigest()[:24]


def cached(root: Path, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of a key, made by `make` if it is not there yet.

    Several processes may ask at once: one makes, the others wait for it. A folder appears under its
    key by one rename when it is whole, so that a maker that died or raised leaves none.

    Args:
        root: of the cache; made if need be.
        key: a file name.
        make: fills the empty folder that it is given.
    """
    folder = root / key
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(root / "LOCK"):
        if not folder.is_dir():
            _remove_old(root)
            unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
            make(unfinished)
            unfinished.rename(folder)
    return folder


def _remove_old(root: Path) -> None:
    """Make room; called by the holder of the lock, so that nothing unfinished is alive."""
    folders = sorted((path for path in root.iterdir() if path.is_dir()), key=_made_at, reverse=True)
    unfinished = [path for path in folders if path.name.startswith(_UNFINISHED)]
    finished = [path for path in folders if path not in unfinished]
    for path in unfinished + finished[_KEPT - 1 :]:
        shutil.rmtree(path)


def _made_at(path: Path) -> int:
    return path.stat().st_mtime_ns
