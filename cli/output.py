"""What goes to stdout: results only, as text or as JSON; notes go to stderr.

A reader that leaves early (`| head`) stops no work: what it would have read goes nowhere.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import typer

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def printable(text: str) -> str:
    """Text that cannot move the cursor or break the line: control characters are escaped.

    File names may hold escape sequences and newlines; neither may reach a terminal.
    """
    return text.translate(_CONTROL)


def write_bytes(content: bytes) -> bool:
    """Write to stdout as it is.

    Returns:
        False if the reader has left; whatever else is written then goes nowhere.

    Raises:
        OSError: stdout cannot take it, on a full disk say.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        return False
    except OSError as error:
        silence(sys.stdout)
        raise OSError(error.errno, error.strerror, "stdout") from error
    return True


def write_text(text: str) -> bool:
    """Write lines to stdout; what its encoding cannot say is escaped, never an error.

    Returns and raises as `write_bytes` does.
    """
    encoding = sys.stdout.encoding or "utf-8"
    return write_bytes(f"{text}\n".encode(encoding, errors="backslashreplace"))


def write_json(value: Mapping[str, object], *, indent: int | None = 2) -> bool:
    """Write one JSON object, always in UTF-8; `indent` None keeps it on one line.

    Returns and raises as `write_bytes` does.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return write_bytes(f"{text}\n".encode())


def say(text: str) -> None:
    """Write a line to stderr. One that nobody takes changes nothing of what the command does."""
    try:
        typer.echo(text, err=True)
    except OSError:
        silence(sys.stderr)


def note(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is no result."""
    if not quiet:
        say(printable(text))


def silence(stream: TextIO) -> None:
    """Let go nowhere what is buffered and what will be written, instead of failing at exit."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def open_missing_streams() -> None:
    """Put the null device where a stream was closed (`>&-`), as cron and services do.

    Python has None there, and the next file that anybody opened would take the stream's number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8")
            setattr(sys, name, stream)


def is_watched() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def path_fields(path: bytes) -> dict[str, str]:
    """A path for JSON: `path` as text and, only where that loses bytes, `path_bytes` in base64."""
    text = path.decode("utf-8", errors="replace")
    if text.encode() == path:
        return {"path": text}
    return {"path": text, "path_bytes": base64.b64encode(path).decode("ascii")}


def shown_path(path: str | bytes | os.PathLike[str]) -> str:
    """A path for a message: `~` for the home folder, control characters escaped."""
    text = os.fsencode(path).decode("utf-8", errors="replace")
    home = os.path.expanduser("~")  # noqa: PTH111 - text in, text out
    if home != "/" and (text == home or text.startswith(home + os.sep)):
        text = "~" + text[len(home) :]
    return printable(text)
