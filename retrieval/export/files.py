"""Files that come into being whole, together, and never by accident in place of others."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from retrieval.errors import SettingsError


@contextlib.contextmanager
def new_files(targets: Sequence[Path], *, force: bool) -> Iterator[list[Path]]:
    """Give temporary names to write to; when the body ends well, they become the targets.

    If it does not, nothing is left of them, and earlier files stay. Symbolic links are followed.

    Args:
        targets: in one folder or several; their folders exist.
        force: replace files that are there.

    Raises:
        SettingsError: a target is there already, or is something else than a file.
        OSError: a file cannot be put in place.
    """
    places = [Path(os.path.realpath(target)) for target in targets]
    for target, place in zip(targets, places, strict=True):
        if place.exists():
            _refuse(target, place, force=force)
    partials = [
        place.with_name(f".polyseek-{os.getpid()}-{number}.partial")
        for number, place in enumerate(places)
    ]
    try:
        try:
            yield partials
        except OSError as error:
            named = dict(zip(map(os.fspath, partials), targets, strict=True))
            if error.filename not in named:
                raise
            shown = os.fspath(named[error.filename])
            raise OSError(error.errno, error.strerror, shown) from error
        for partial, place in zip(partials, places, strict=True):
            partial.replace(place)
    finally:
        for partial in partials:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _refuse(target: Path, place: Path, *, force: bool) -> None:
    if not place.is_file():
        raise SettingsError(f"{target} is there and is no file", hint="choose another name")
    if not force:
        raise SettingsError(f"{target} is there already", hint="--force replaces it")
