"""How a command ends: every error becomes a message on stderr and an exit code, in one place."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import typer

from cli.output import printable, say, write_bytes
from retrieval.errors import (
    CollectionError,
    CorruptCollectionError,
    ImageError,
    LockedError,
    PolyseekError,
    QueryError,
    QuerySyntaxError,
    SettingsError,
)


class ExitCode(IntEnum):
    """What the shell sees."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NO_RESULT = 3
    COLLECTION = 4
    LOCKED = 5
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done; files that were skipped do not change that, unless `--strict`",
    ExitCode.FAILURE: "failure: a model that cannot be had, a folder that is gone, a full disk",
    ExitCode.USAGE: "wrong usage or setting, or a query that cannot be answered as asked",
    ExitCode.NO_RESULT: "nothing was found, with `--fail-empty`",
    ExitCode.COLLECTION: "the collection is missing, damaged or of another model",
    ExitCode.LOCKED: "another process is writing the collection",
    ExitCode.INTERRUPTED: "Ctrl-C; what was committed stays, and the next run goes on from there",
}

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)

# The first class that matches decides, so a subclass stands before its base.
_CODE_OF: tuple[tuple[type[PolyseekError], ExitCode], ...] = (
    (QueryError, ExitCode.USAGE),
    (SettingsError, ExitCode.USAGE),
    (ImageError, ExitCode.USAGE),  # only a query's own image gets this far
    (LockedError, ExitCode.LOCKED),
    (CollectionError, ExitCode.COLLECTION),
    (PolyseekError, ExitCode.FAILURE),
)


def exit_code_of(error: PolyseekError) -> ExitCode:
    """The exit code of an error's class."""
    return next(code for kind, code in _CODE_OF if isinstance(error, kind))


def hint_of(error: PolyseekError) -> str | None:
    """What to do next; an error about damage that does not know says where to find out."""
    if error.hint is None and isinstance(error, CorruptCollectionError):
        return "`polyseek collection verify` lists what is damaged, and what to do about it"
    return error.hint


@contextmanager
def reported_errors(*, as_json: bool = False) -> Iterator[None]:
    """End the command with the right code, and say why on stderr.

    Whatever is not ours (a bug) passes through and shows its traceback.

    Args:
        as_json: write the error as one JSON object: {"error": {type, message, hint, exit_code}}.
    """
    try:
        yield
        write_bytes(b"")  # what is buffered has to fail here, not when the interpreter ends
    except KeyboardInterrupt:
        report("Interrupted", "interrupted", None, ExitCode.INTERRUPTED, as_json=as_json)
    except PolyseekError as error:
        code = exit_code_of(error)
        if isinstance(error, QuerySyntaxError):
            _report_place(error, code, as_json=as_json)
        report(type(error).__name__, str(error), hint_of(error), code, as_json=as_json)
    except OSError as error:
        message = error.strerror or str(error)
        if error.filename is not None:
            message = f"{os.fsdecode(error.filename)}: {message}"
        report(type(error).__name__, message, None, ExitCode.FAILURE, as_json=as_json)
    except MemoryError:
        hint = "a smaller --batch-size or --max-pixels needs less"
        report("MemoryError", "out of memory", hint, ExitCode.FAILURE, as_json=as_json)


@contextmanager
def full_disk_at(folder: Path) -> Iterator[None]:
    """Let an error of the disk that names no file, because it was open already, name the folder."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_THE_DISK:
            raise OSError(error.errno, error.strerror, os.fspath(folder)) from error
        raise


def report(kind: str, message: str, hint: str | None, code: ExitCode, *, as_json: bool) -> NoReturn:
    """Say on stderr why the command ends, and end it."""
    tell(kind, message, hint, code, as_json=as_json)
    raise typer.Exit(code) from None


def _report_place(error: QuerySyntaxError, code: ExitCode, *, as_json: bool) -> NoReturn:
    """Say what is wrong with a query or a filter, and where: by a caret below it, or a number."""
    message = f"{error.problem} (column {error.column})"
    if as_json:
        known = {"type": type(error).__name__, "message": message, "hint": error.hint}
        say(json.dumps({"error": {**known, "exit_code": int(code), "column": error.column}}))
    else:
        say(f"error: {printable(message)}")
        for line in error.excerpt:
            say(printable(line))
        if error.hint:
            say(f"hint: {printable(error.hint)}")
    raise typer.Exit(code) from None


def tell(kind: str, message: str, hint: str | None, code: ExitCode, *, as_json: bool) -> None:
    """Say on stderr what went wrong."""
    if as_json:
        error = {"type": kind, "message": message, "hint": hint, "exit_code": int(code)}
        say(json.dumps({"error": error}))
    elif code is ExitCode.INTERRUPTED:
        say(message)
    else:
        say(f"error: {printable(message)}")
        if hint:
            say(f"hint: {printable(hint)}")
