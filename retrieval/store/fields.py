"""Typed reading of JSON sections, and how paths and texts are spelled in JSON.

The three loaders of the store (manifest, rows, changes) read untrusted bytes; every getter here
raises FieldError naming the field, and the loader turns that into one CorruptCollectionError.
"""

import base64
import math
from collections.abc import Mapping

from retrieval.model import FileRef

Section = Mapping[str, object]

INT64_MAX = 2**63 - 1


class FieldError(ValueError):
    """A field is absent, or of another type than it must be."""


def get_text(section: Section, name: str) -> str:
    """The string at `name`; FieldError if it is absent or no string."""
    value = section.get(name)
    if not isinstance(value, str):
        raise FieldError(f"{name!r} must be a text, found {value!r}")
    return value


def get_int(section: Section, name: str) -> int:
    """The whole number at `name`; FieldError if it is absent or none."""
    value = section.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(f"{name!r} must be a whole number, found {value!r}")
    return value


def get_float(section: Section, name: str) -> float:
    """The number at `name`; FieldError if it is absent or none."""
    value = section.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise FieldError(f"{name!r} must be a number, found {value!r}")
    return float(value)


def get_section(section: Section, name: str) -> Section:
    """The object at `name`; FieldError if it is absent or none."""
    return as_section(section.get(name), name)


def get_list(section: Section, name: str) -> tuple[object, ...]:
    """The list at `name`; an absent one is empty."""
    value = section.get(name, [])
    if not isinstance(value, list):
        raise FieldError(f"{name!r} must be a list, found {value!r}")
    return tuple(value)


def get_texts(section: Section, name: str) -> tuple[str, ...]:
    """The list of strings at `name`; an absent one is empty."""
    values = get_list(section, name)
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) != len(values):
        raise FieldError(f"{name!r} must hold texts only")
    return texts


def as_section(value: object, name: str) -> Section:
    """`value` as an object; FieldError if it is something else."""
    if not isinstance(value, dict):
        raise FieldError(f"{name!r} must be an object, found {value!r}")
    return value


def path_to_json(path: bytes) -> object:
    """A path as text where it is valid UTF-8, else as {"base64": ...}: nothing is lost."""
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(path).decode("ascii")}


def path_from_json(value: object) -> bytes:
    """The inverse of `path_to_json`."""
    if isinstance(value, str):
        return value.encode("utf-8")
    return base64.b64decode(get_text(as_section(value, "path"), "base64"), validate=True)


def file_to_json(file: FileRef) -> dict[str, object]:
    """One file on disk as a JSON object."""
    known = {
        "path": path_to_json(file.path),
        "size_bytes": file.size_bytes,
        "mtime_ns": file.mtime_ns,
    }
    return known if file.source is None else {**known, "source": path_to_json(file.source)}


def file_from_json(section: Section) -> FileRef:
    """The inverse of `file_to_json`."""
    return FileRef(
        path=path_from_json(section.get("path")),
        size_bytes=get_int(section, "size_bytes"),
        mtime_ns=get_int(section, "mtime_ns"),
        source=path_from_json(section["source"]) if "source" in section else None,
    )


def clean_text(text: str) -> str:
    """`text` without what some SQL back end refuses: NUL and lone surrogates become U+FFFD.

    EXIF fields end in NUL often enough to matter, and PostgreSQL stores none.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "�").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean_number(value: float | None) -> float | None:
    """`value`, or None where it is not finite: neither JSON nor a filter knows NaN.

    -0.0 becomes 0.0, which is what SQLite gives back for it.
    """
    return value + 0.0 if value is not None and math.isfinite(value) else None


def clean_int(value: int) -> int:
    """`value` within 64 bits: a file's time can lie past the year 2262, a SQL integer cannot."""
    return max(-INT64_MAX, min(INT64_MAX, value))
