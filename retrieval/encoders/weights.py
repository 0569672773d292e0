"""Which weights files may be opened: safetensors, known by name and by content.

A pickle can run code when it is read. It is refused by its name before it is opened, and by its
first bytes where it carries another name. Reading is left to the libraries; this module only looks.
"""

from pathlib import Path

from retrieval.errors import EncoderUnavailableError

SAFE_SUFFIX = ".safetensors"
PICKLE_SUFFIXES = (".bin", ".ckpt", ".pkl", ".pickle", ".pt", ".pth")

_MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""


def require_safetensors(path: Path) -> None:
    """Accept a weights file only if it is safetensors in name and in content.

    Raises:
        EncoderUnavailableError: another suffix, another content, or it cannot be read.
    """
    if path.suffix.lower() != SAFE_SUFFIX:
        raise _refused(path, "its name says it is a pickle, which could run code when it is read")
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(9)
    except OSError as error:
        raise EncoderUnavailableError(
            f"cannot read the weights {path}: {error.strerror}"
        ) from error
    if head[:1] == b"\x80" or head[:2] == b"PK":
        raise _refused(path, "its content is a pickle under another name")
    # Eight bytes give the length of a JSON object that follows at once.
    header_bytes = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or header_bytes > min(_MAX_HEADER_BYTES, size - 8):
        raise _refused(path, "its content is not in the safetensors format")


def find_safetensors(folder: Path) -> Path:
    """The weights file of a model folder.

    `open_clip_model.safetensors` and the other names in use go first, else the only one there is.

    Raises:
        EncoderUnavailableError: none, several without a usual name, or only pickles.
    """
    found = sorted(folder.glob(f"*{SAFE_SUFFIX}"))
    usual = ("open_clip_model", "open_clip_pytorch_model", "model")
    for name in usual:
        if folder / f"{name}{SAFE_SUFFIX}" in found:
            return folder / f"{name}{SAFE_SUFFIX}"
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found)
        raise EncoderUnavailableError(
            f"{folder} holds several weights files: {names}",
            hint=f"name the right one {usual[0]}{SAFE_SUFFIX}",
        )
    pickles = [path for path in sorted(folder.iterdir()) if path.suffix in PICKLE_SUFFIXES]
    if pickles:
        require_safetensors(pickles[0])
    raise EncoderUnavailableError(
        f"{folder} holds no weights", hint=f"put {usual[0]}{SAFE_SUFFIX} there"
    )


def _refused(path: Path, reason: str) -> EncoderUnavailableError:
    return EncoderUnavailableError(
        f"the weights {path} are refused: {reason}",
        hint="convert them to safetensors where you trust them, and use local-dir:PATH",
    )
