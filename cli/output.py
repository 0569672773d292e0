"""What goes to stdout: results only, as text or as JSON; notes go to stderr."""

import base64
import json
import os
import sys
from collections.abc import Mapping

import typer

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def printable(text: str) -> str:
    """Text that cannot move the cursor or break the line: control characters are escaped.

    File names may hold escape sequences and newlines; neither may reach a terminal.
    """
    return text.translate(_CONTROL)


def write_bytes(content: bytes) -> None:
    """Write to stdout as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write_text(text: str) -> None:
    """Write lines to stdout; what its encoding cannot say is escaped, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    write_bytes(f"{text}\n".encode(encoding, errors="backslashreplace"))


def write_json(value: Mapping[str, object], *, indent: int | None = 2) -> None:
    """Write one JSON object, always in UTF-8; `indent` None keeps it on one line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    write_bytes(f"{text}\n".encode())


def note(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is no result."""
    if not quiet:
        typer.echo(printable(text), err=True)


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
