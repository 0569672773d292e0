"""The files that a query writes, a contact sheet and a page; no photograph is ever replaced."""

import contextlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import shown_path
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

    from retrieval.store.collection import Collection

# By suffix: Pillow's name of the format, and the most pixels that an edge may have in it.
_SHEETS = {
    ".png": ("PNG", 2**31 - 1),
    ".jpg": ("JPEG", 65_500),
    ".jpeg": ("JPEG", 65_500),
    ".webp": ("WEBP", 16_383),
}
_PAGES = (".html", ".htm")
_QUALITY = 90


def check_suffixes(sheet: Path | None, html: Path | None) -> None:
    """Refuse names that say something else than what would be written.

    Raises:
        SettingsError: names the option and the suffixes that it takes.
    """
    for option, path, known in (("--sheet", sheet, tuple(_SHEETS)), ("--html", html, _PAGES)):
        if path is not None and path.suffix.lower() not in known:
            raise SettingsError(
                f"{option} {shown_path(path)}: the name must end in {' or '.join(known)}",
                hint=f"for example {option} {path.stem or 'hits'}{known[0]}",
            )


def refuse_photographs(
    targets: Iterable[Path], collection: "Collection", query_images: Iterable[Path]
) -> None:
    """Refuse to write over pictures that are indexed, or that the query starts from.

    Raises:
        SettingsError: a target is one of them, symbolic links resolved.
    """
    asked = {os.path.realpath(path) for path in query_images}
    for target in targets:
        path = os.path.realpath(target)
        known = collection.catalogue.find_path(os.fsencode(path), collection.generation)
        if known or path in asked:
            what = "an indexed picture" if known else "the picture that the query starts from"
            raise SettingsError(
                f"{shown_path(target)} is {what} and would be lost",
                hint="choose another name, best outside of the folders that are indexed",
            )


def write_sheet(sheet: "Image", path: Path) -> None:
    """Write a contact sheet in the format that its name says.

    Raises:
        SettingsError: the format cannot hold so many pixels.
        OSError: the file cannot be written.
    """
    kind, most_px = _SHEETS[path.suffix.lower()]
    if max(sheet.size) > most_px:
        raise SettingsError(
            f"{shown_path(path)}: a sheet of {sheet.width} x {sheet.height} pixels is too large "
            f"for {kind}",
            hint="let the name end in .png, or ask for fewer hits with --top",
        )
    file = io.BytesIO()
    sheet.save(file, kind, quality=_QUALITY)
    _replace(path, file.getvalue())


def write_page(page: str, path: Path) -> None:
    """Write a page as UTF-8.

    Raises:
        OSError: the file cannot be written.
    """
    _replace(path, page.encode())


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place whole: an earlier one stays until the new one is complete."""
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".polyseek-{os.getpid()}.partial")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a device or a pipe; a folder refuses
            return
        try:
            partial.write_bytes(content)
            partial.replace(target)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
