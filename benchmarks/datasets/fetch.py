"""Bring the files of a data set here: resumable, checked, whole or not at all.

A download goes to FILE.part and becomes FILE when it is whole and its checksum is right. A run that
was cut off goes on where it stopped, if the server still has the same file (`If-Range`); a server
that cannot go on starts anew. What a server says about length is believed by nobody: the bytes are
counted, and hashed.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.datasets.base import DatasetError, FetchedFile
from retrieval.errors import MissingDependencyError

if TYPE_CHECKING:
    import httpx

OnBytes: TypeAlias = Callable[[int, int | None], None]
"""Told how many bytes are here, and of how many if that is known."""

_BLOCK = 1 << 20
_BRING = "get the file by other means and give it with --from"
_PARTIAL, _RANGE_IGNORED, _PAST_THE_END = 206, 200, 416


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """When to give up.

    Attributes:
        attempts: in a row that bring nothing.
        stall_s: seconds without a byte after which a connection is dropped.
        wait_s: seconds before another attempt, times its number.
    """

    attempts: int = 5
    stall_s: float = 30.0
    wait_s: float = 1.0


def fetch(
    file: FetchedFile,
    folder: Path,
    *,
    limits: FetchLimits | None = None,
    on_bytes: OnBytes | None = None,
) -> Path:
    """Download a file, or leave the one that is there and right.

    Args:
        file: what, and from where.
        folder: where to; made if need be.
        limits: when to give up.
        on_bytes: told after each block.

    Raises:
        DatasetError: it cannot be had, or is not the file that it should be.
        MissingDependencyError: httpx is not installed.
    """
    target = folder / file.name
    if _is_there(file, target):
        return target
    if not file.url:
        raise DatasetError(f"nobody publishes {file.name} at an address of its own", hint=_BRING)
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    limits = limits or FetchLimits()
    idle = 0
    while True:
        before = _size(part)
        try:
            _download(file, part, limits, on_bytes)
            break
        except _InterruptedError as error:
            if _size(part) == file.size_bytes:  # the server said that there was more
                break
            idle = idle + 1 if _size(part) <= before else 0
            if idle >= limits.attempts:
                raise DatasetError(
                    f"cannot download {file.url}: {error}",
                    hint=f"run again: {_size(part):,} bytes are kept; or get it by other means and "
                    "give it with --from",
                ) from error
            time.sleep(limits.wait_s * idle)
    return _finished(file, part, target)


def take(file: FetchedFile, source: Path, folder: Path) -> Path:
    """Copy a file that somebody has brought by other means.

    Raises:
        DatasetError: it cannot be read, or is not the file that it should be.
    """
    target = folder / file.name
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        with source.open("rb") as read, part.open("wb") as write:
            shutil.copyfileobj(read, write, _BLOCK)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DatasetError(f"cannot copy {source}: {error.strerror}") from error
    return _finished(file, part, target)


class _InterruptedError(Exception):
    """A download stopped before its end; it may go on."""


def _download(file: FetchedFile, part: Path, limits: FetchLimits, on_bytes: OnBytes | None) -> None:
    """Bring the rest of a file.

    Raises:
        _InterruptedError: the connection broke, stalled, or was refused for now.
        DatasetError: the server does not have it, or sends more than there should be.
    """
    httpx = _httpx()
    have, tag = _size(part), _tag_of(part)
    headers = {"Accept-Encoding": "identity"}
    if have and tag:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    timeout = httpx.Timeout(limits.stall_s)
    try:
        with httpx.stream(
            "GET", file.url, headers=headers, follow_redirects=True, timeout=timeout
        ) as response:
            _check_status(response, file)
            goes_on = response.status_code == _PARTIAL and _starts_at(response, have)
            start = have if goes_on else 0
            _keep_tag(part, response)
            with part.open("ab" if goes_on else "wb") as out:
                total = _total(response, start, file)
                for block in response.iter_raw():
                    out.write(block)
                    start += len(block)
                    if file.size_bytes is not None and start > file.size_bytes:
                        raise DatasetError(
                            f"{file.url} has more than the {file.size_bytes:,} bytes that "
                            f"{file.name} has",
                            hint="it was replaced; get the published one and give it with --from",
                        )
                    if on_bytes is not None:
                        on_bytes(start, total)
            if total is not None and start < total:
                raise _InterruptedError(f"{start:,} of {total:,} bytes came")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise DatasetError(f"{file.url!r} is no address to download from: {error}") from error
    except httpx.TooManyRedirects as error:
        raise DatasetError(
            f"cannot download {file.url}: it leads from redirect to redirect", hint=_BRING
        ) from error
    except httpx.TransportError as error:
        raise _InterruptedError(str(error) or type(error).__name__) from error


def _check_status(response: "httpx.Response", file: FetchedFile) -> None:
    """Tell answers that another attempt may change from those that it cannot."""
    status = response.status_code
    if status in {_RANGE_IGNORED, _PARTIAL}:
        return
    if status in {429, _PAST_THE_END} or status >= 500:
        raise _InterruptedError(f"the server answers {status}")
    raise DatasetError(
        f"cannot download {file.url}: the server answers {status}",
        hint=_BRING,
    )


def _finished(file: FetchedFile, part: Path, target: Path) -> Path:
    """Check a whole file and put it in its place."""
    _forget_tag(part)
    found, size = _digest(part), _size(part)
    if (file.sha256 and found != file.sha256) or size != (file.size_bytes or size):
        part.unlink()
        wanted = f"sha256 {file.sha256 or '?'}, {file.size_bytes or '?'} bytes"
        raise DatasetError(
            f"{file.name} is not the published file: it has sha256 {found}, {size} bytes, and "
            f"should have {wanted}",
            hint="get the published one and give it with --from",
        )
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    part.replace(target)
    return target


def _is_there(file: FetchedFile, target: Path) -> bool:
    return target.is_file() and (not file.sha256 or _digest(target) == file.sha256)


def _total(response: "httpx.Response", start: int, file: FetchedFile) -> int | None:
    """The bytes of the whole file, as published or, failing that, as the server says."""
    if file.size_bytes is not None:
        return file.size_bytes
    said = response.headers.get("Content-Length", "")
    return start + int(said) if said.isdigit() else None


def _starts_at(response: "httpx.Response", have: int) -> bool:
    """Whether a part is the part that was asked for."""
    return bool(response.headers.get("Content-Range", "").startswith(f"bytes {have}-"))


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _tag_of(part: Path) -> str:
    """What tells that the server still has the file that was begun; "" where nothing does."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return str(json.loads(_tag_path(part).read_text()).get("tag", ""))
    return ""


def _keep_tag(part: Path, response: "httpx.Response") -> None:
    strong = response.headers.get("ETag", "")
    tag = "" if strong.startswith("W/") else strong
    _tag_path(part).write_text(
        json.dumps({"tag": tag or response.headers.get("Last-Modified", "")})
    )


def _forget_tag(part: Path) -> None:
    _tag_path(part).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _httpx() -> Any:  # noqa: ANN401 - a module
    try:
        import httpx
    except ImportError as error:
        raise MissingDependencyError(
            "downloads need httpx", hint="install polyseek[urls]"
        ) from error
    return httpx
