"""Pins: the digests that a model's files had when somebody decided to trust them.

One JSON file of the user's, {"format": 1, "models": {NAME: {"commits": {repository: commit},
"files": {file: sha256}}}}. A pinned model whose files differ in a byte is not loaded any more.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from retrieval.encoders.openclip_source import ModelSource
from retrieval.errors import EncoderUnavailableError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """What a model was made of.

    Attributes:
        commits: commit by repository of the hub; empty for files of the user's own.
        files: sha256 (hex) by file name.
    """

    commits: Mapping[str, str]
    files: Mapping[str, str]


def pin_of(source: ModelSource) -> Pin:
    """What a model is made of now."""
    return Pin(dict(source.commits), dict(source.trusted))


def read_pins(path: Path) -> dict[str, Pin]:
    """All pins by the name of the model; none where there is no file.

    Raises:
        EncoderUnavailableError: the file cannot be read, is broken or of a newer format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["format"] == _FORMAT
        models = content["models"].items() if known else ()
        pins = {name: Pin(dict(pin["commits"]), dict(pin["files"])) for name, pin in models}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderUnavailableError(
            f"the pins {path} cannot be read: {error!r}",
            hint="bring the file back from a copy, or delete it to forget all pins",
        ) from error
    if not known:
        raise EncoderUnavailableError(
            f"the pins {path} are of format {content['format']}, this version knows {_FORMAT}",
            hint="update polyseek",
        )
    return pins


def check_pins(path: Path | None, source: ModelSource) -> None:
    """Refuse a pinned model that is not what was pinned. One without a pin passes.

    Args:
        path: the pins; None checks nothing.
        source: the model; its files are hashed only where it is pinned.

    Raises:
        EncoderUnavailableError: a file changed, is new or gone; gives both digests.
    """
    pin = read_pins(path).get(str(source.name)) if path is not None else None
    if pin is not None:
        _compare(source, pin, path)


def pin_model(path: Path, source: ModelSource) -> bool:
    """Pin a model to what it is made of now.

    Args:
        path: the pins; made where there is none.
        source: the model.

    Returns:
        True for a new pin, False where the same one was there.

    Raises:
        EncoderUnavailableError: it is pinned to something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        pins = read_pins(path)
        name = str(source.name)
        if name in pins:
            _compare(source, pins[name], path)
            return False
        pins[name] = pin_of(source)
        _write(path, pins)
    return True


def forget_pin(path: Path, name: str) -> bool:
    """Take a pin out; returns whether there was one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        pins = read_pins(path)
        if name not in pins:
            return False
        del pins[name]
        _write(path, pins)
    return True


def _compare(source: ModelSource, pin: Pin, path: Path | None) -> None:
    found = source.trusted
    for file in sorted({*pin.files, *found}):
        expected, present = pin.files.get(file, "no such file"), found.get(file, "no such file")
        if expected != present:
            raise EncoderUnavailableError(
                f"{source.name} is not what was pinned: {file} has the sha256 {present}, pinned is "
                f"{expected}",
                hint=f"if you trust the change, `polyseek models pin --forget {source.name}` and "
                f"pin it again; the pins are in {path}",
            )


def _write(path: Path, pins: Mapping[str, Pin]) -> None:
    models = {name: asdict(pins[name]) for name in sorted(pins)}
    text = json.dumps({"format": _FORMAT, "models": models}, indent=1, ensure_ascii=False)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).replace(path)
