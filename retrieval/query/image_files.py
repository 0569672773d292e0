"""Image files in queries: read with care, decoded as those of a collection are."""

import io
import os
import re
import stat
from pathlib import Path

from PIL.Image import Image

from retrieval.errors import ImageError, QueryError
from retrieval.images import decode_image

MAX_QUERY_IMAGE_BYTES = 1 << 30
"""A file is read whole. The largest picture within the default pixel limits has a quarter of that
(90 M px x 3 bytes, uncompressed)."""

# What a system lacks of these it does not need: Windows has no pipes among its files.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)

_ADDRESS = re.compile(r"(?P<scheme>https?|ftp|file|data|s3|gs):/*(?P<rest>.*)", re.IGNORECASE)


def read_image_file(path: Path) -> bytes:
    """Bytes of a regular file; nothing that could block or never end is read.

    Raises:
        QueryError: it cannot be read, is no regular file, or has more than MAX_QUERY_IMAGE_BYTES.
    """
    doing = f"cannot read the query image {path}"
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
        with io.FileIO(os.open(path, _OPEN_FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                hint = "give the path of an image file"
                raise QueryError(f"{doing}: it is a pipe or a device", hint=hint)
            if status.st_size > MAX_QUERY_IMAGE_BYTES:
                raise QueryError(
                    f"{doing}: it has {status.st_size:,} bytes",
                    hint=f"an image file may have {MAX_QUERY_IMAGE_BYTES:,} bytes",
                )
            return file.readall()
    except FileNotFoundError as error:
        if address := _ADDRESS.match(str(path)):
            shown = f"{address['scheme']}://{address['rest']}"  # a path holds no two slashes
            raise QueryError(
                f"{shown} is an address, and a query image is a file",
                hint="download it and give the path of the file",
            ) from error
        hint = "check the path; a relative one starts from the current folder"
        raise QueryError(f"{doing}: {error.strerror}", hint=hint) from error
    except OSError as error:
        hint = "give an image file that you may read"
        raise QueryError(f"{doing}: {error.strerror}", hint=hint) from error
    except ValueError as error:  # a NUL in the path
        raise QueryError(f"{doing}: {error}", hint="check the path") from error


def decode_query_image(path: Path, content: bytes, target_px: int) -> Image:
    """The picture in a file's bytes, upright, RGB, as small as the encoder needs it.

    Raises:
        QueryError: it is no image; names the path and the reason.
    """
    try:
        return decode_image(content, target_px=target_px).image
    except ImageError as error:
        raise QueryError(
            f"cannot use the query image {path}: {error.reason}", hint=error.hint
        ) from error
