"""Which weights files may be opened: safetensors, known by name and by content.

A pickle can run code when it is read. It is refused by its name before it is opened, and by its
first bytes where it carries another name. Who trusts one may allow it; then torch reads it with its
weights-only reader, which builds tensors and nothing else.
"""

import json
from pathlib import Path

from retrieval.errors import EncoderUnavailableError

SAFE_SUFFIX = ".safetensors"
PICKLE_SUFFIXES = (".bin", ".ckpt", ".pkl", ".pickle", ".pt", ".pth")

_MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""

_USUAL = ("open_clip_model", "open_clip_pytorch_model", "model", "pytorch_model")


def is_pickle(path: Path) -> bool:
    """Whether a file's name says that it is a pickle."""
    return path.suffix.lower() in PICKLE_SUFFIXES


def check_weights(path: Path, *, allow_pickle: bool = False) -> None:
    """Accept a weights file only if it is whole safetensors in name and in content.

    Args:
        path: the file.
        allow_pickle: accept one that says it is a pickle, too.

    Raises:
        EncoderUnavailableError: another suffix, another content, cut short, or it cannot be read.
    """
    if is_pickle(path):
        if not allow_pickle:
            raise _refused(path, "its name says it is a pickle, which could run code when read")
        _read(path, 1)
        return
    if path.suffix.lower() != SAFE_SUFFIX:
        raise _refused(path, f"its name ends neither in {SAFE_SUFFIX} nor as a pickle's does")
    head = _read(path, 9)
    if head[:1] == b"\x80" or head[:2] == b"PK":
        raise _refused(path, "its content is a pickle under another name")
    # Eight bytes give the length of a JSON object that follows at once.
    header_bytes = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or header_bytes > _MAX_HEADER_BYTES:
        raise _refused(path, "its content is not in the safetensors format")
    _check_length(path, header_bytes)


def find_weights(folder: Path, *, allow_pickle: bool = False) -> Path:
    """The weights file of a model folder.

    `open_clip_model.safetensors` and the other names in use go first, else the only one there is;
    a pickle only where there is no safetensors file and pickles are allowed.

    Raises:
        EncoderUnavailableError: none, several without a usual name, or only pickles.
    """
    safe = sorted(folder.glob(f"*{SAFE_SUFFIX}"))
    pickles = [path for path in sorted(folder.iterdir()) if is_pickle(path)]
    found = safe or pickles
    if not found:
        raise EncoderUnavailableError(
            f"{folder} holds no weights", hint=f"put {_USUAL[0]}{SAFE_SUFFIX} there"
        )
    usual = sorted(
        (path for path in found if path.stem in _USUAL), key=lambda path: _USUAL.index(path.stem)
    )
    if not usual and len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise EncoderUnavailableError(
            f"{folder} holds several weights files: {names}",
            hint=f"name the right one {_USUAL[0]}{found[0].suffix}",
        )
    chosen = (usual or found)[0]
    check_weights(chosen, allow_pickle=allow_pickle)
    return chosen


def _check_length(path: Path, header_bytes: int) -> None:
    """Compare a file's size with where its header says that the last tensor ends."""
    header = _read(path, 8 + header_bytes)[8:]
    size = path.stat().st_size
    try:
        if len(header) < header_bytes:
            raise _cut_short(path, size, 8 + header_bytes)
        entries = json.loads(header).items()
        ends = (int(entry["data_offsets"][1]) for name, entry in entries if name != "__metadata__")
        expected = 8 + header_bytes + max(ends, default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _refused(path, "its header is not in the safetensors format") from error
    if size < expected:
        raise _cut_short(path, size, expected)


def _cut_short(path: Path, size: int, expected: int) -> EncoderUnavailableError:
    return EncoderUnavailableError(
        f"the weights {path} are cut short: {size} of at least {expected} bytes are there",
        hint="get the file again",
    )


def _read(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise EncoderUnavailableError(
            f"cannot read the weights {path}: {error.strerror}"
        ) from error


def _refused(path: Path, reason: str) -> EncoderUnavailableError:
    return EncoderUnavailableError(
        f"the weights {path} are refused: {reason}",
        hint="get them as safetensors; where you trust a pickle, --allow-pickle (or the setting "
        "allow_pickle) loads it, and `polyseek models export-dir` converts it",
    )
