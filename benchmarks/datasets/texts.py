"""Annotation files of lines, plain or gzipped, hashed as they lie."""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from benchmarks.datasets.base import DatasetError


def read_lines(path: Path) -> tuple[list[str], str]:
    r"""The lines of a UTF-8 file, and the sha256 (hex) of its bytes as they lie.

    Only \n and \r\n end a line: captions hold other separators of Unicode. A name that ends in .gz
    is unpacked; an empty last line is none.

    Raises:
        DatasetError: it cannot be read, unpacked or decoded.
    """
    try:
        content = path.read_bytes()
        packed = path.suffix == ".gz"
        text = (gzip.decompress(content) if packed else content).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}", hint="get the file again") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[-1]:
        lines.pop()
    return lines, hashlib.sha256(content).hexdigest()


def read_json_lines(path: Path) -> tuple[list[Mapping[str, Any]], str]:
    """The objects of a file with one a line, and the sha256 (hex) of its bytes.

    Raises:
        DatasetError: it cannot be read, or a line is no object.
    """
    lines, sha256 = read_lines(path)
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DatasetError(
                f"{path}: line {number} is no JSON: {error}", hint="get the file again"
            ) from error
        if not isinstance(value, dict):
            raise DatasetError(f"{path}: line {number} is no object")
        found.append(value)
    return found, sha256
