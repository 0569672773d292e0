"""Captions of one's own pictures: a table, COCO's form, or a file of lines for each picture.

Nothing is skipped here, as `polyseek index` skips what it cannot use: a figure over what is left
would be silently another one. So files are read strictly, and as UTF-8.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.coco_captions import read_captions as read_coco
from benchmarks.datasets.packages import digest
from benchmarks.datasets.texts import read_json_lines, read_lines
from retrieval.images import IMAGE_SUFFIXES

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")

_NEEDED, _OPTIONAL = ("image", "caption"), ("id", "language")
_MAX_FIELD_CHARS = 1 << 20


@dataclass(frozen=True, slots=True)
class Said:
    """One caption.

    Attributes:
        where: it stands, for errors.
        image: the picture's name, below the folder of the pictures.
        text: what it says.
        key: its name; "" where there is none.
        language: as it is written; None where the captions do not tell it.
    """

    where: str
    image: str
    text: str
    key: str = ""
    language: str | None = None


def read_said(captions: Path, images: Path) -> tuple[list[Said], dict[str, str]]:
    """All captions in their order, and the sha256 (hex) of what was read, by name.

    Args:
        captions: a file with one of `SUFFIXES`, or a folder of .txt files.
        images: folder of the pictures.

    Raises:
        DatasetError: there is no such file, it is of no form that is known, is damaged, or lacks a
            column.
    """
    if captions.is_dir():
        return _of_folder(captions, images)
    if captions.suffix.lower() not in SUFFIXES:
        raise DatasetError(
            f"{captions} is neither a folder nor a file of captions",
            hint=f"captions are read from {', '.join(SUFFIXES)} and from a folder of .txt files",
        )
    if captions.suffix.lower() == ".json":
        coco = read_coco(captions)
        said = [
            Said(f"{captions}: caption {key}", coco.files[image], text, str(key))
            for key, image, text in coco.captions
        ]
        return said, {captions.name: coco.sha256}
    is_lines = captions.suffix.lower() == ".jsonl"
    rows, sha256 = _of_lines(captions) if is_lines else _of_table(captions)
    return [_of_row(where, row) for where, row in rows], {captions.name: sha256}


def _of_lines(path: Path) -> tuple[list[tuple[str, Mapping[str, object]]], str]:
    rows, sha256 = read_json_lines(path)
    return [(f"{path}: line {number}", row) for number, row in enumerate(rows, 1)], sha256


def _of_table(path: Path) -> tuple[list[tuple[str, Mapping[str, object]]], str]:
    """The rows of a table, each with where it ends."""
    lines, sha256 = read_lines(path)
    csv.field_size_limit(_MAX_FIELD_CHARS)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[str, Mapping[str, object]]] = []
    try:
        header = next(reader, [])
        _check_columns(header, str(path))
        for fields in filter(None, reader):
            where = f"{path}: line {reader.line_num}"
            if len(fields) != len(header):
                raise DatasetError(
                    f"{where} has {len(fields)} fields, and the header has {len(header)}",
                    hint="put a field that holds the delimiter in double quotes",
                )
            found.append((where, dict(zip(header, fields, strict=True))))
    except csv.Error as error:
        raise DatasetError(f"{path}: line {reader.line_num}: {error}") from error
    return found, sha256


def _check_columns(there: Sequence[str], where: str) -> None:
    if lacking := [name for name in _NEEDED if name not in there]:
        raise DatasetError(
            f"{where} has no column {lacking[0]!r}; it has {', '.join(there) or 'none'}",
            hint="its columns are to be image and caption, and may be id and language",
        )
    if again := [name for name in (*_NEEDED, *_OPTIONAL) if there.count(name) > 1]:
        raise DatasetError(f"{where} has the column {again[0]!r} twice")


def _of_row(where: str, row: Mapping[str, object]) -> Said:
    """One caption of a table or of JSON lines.

    Raises:
        DatasetError: a column is not there, or holds no text.
    """
    _check_columns([*row], where)
    values = {name: row[name] for name in (*_NEEDED, *_OPTIONAL) if name in row}
    if isinstance(values.get("id"), int):
        values["id"] = str(values["id"])
    for name, value in values.items():
        if not isinstance(value, str):
            raise DatasetError(f"{where}: its {name} is {value!r}, which is no text")
    image, text, key = (str(values.get(name, "")).strip() for name in ("image", "caption", "id"))
    language = str(values["language"]) if "language" in values else None
    return Said(where, image, text, key, language)


def _of_folder(captions: Path, images: Path) -> tuple[list[Said], dict[str, str]]:
    """The lines of all .txt files, each for the picture of its name.

    Raises:
        DatasetError: a file has no line, or two pictures have its name.
    """
    named: dict[str, list[str]] = defaultdict(list)
    for path in sorted(images.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            name = path.relative_to(images)
            named[name.with_suffix("").as_posix()].append(name.as_posix())
    said: list[Said] = []
    hashes: list[tuple[str, bytes]] = []
    for path in sorted(captions.rglob("*.txt")):
        stem = path.relative_to(captions).with_suffix("").as_posix()
        pictures = named.get(stem, [stem])
        if len(pictures) > 1:
            raise DatasetError(
                f"{path} may be of {pictures[0]} or of {pictures[1]}",
                hint="give one of the two pictures another name",
            )
        lines, sha256 = read_lines(path)
        hashes.append((stem, sha256.encode()))
        said += _of_file(path, pictures[0], lines)
    return said, {f"{captions.name}/**.txt": digest(hashes)}


def _of_file(path: Path, picture: str, lines: Sequence[str]) -> Iterator[Said]:
    if not any(map(str.strip, lines)):
        raise DatasetError(f"{path} holds no caption", hint="take it out, or write a line into it")
    for number, line in enumerate(lines, 1):
        if text := line.strip():
            yield Said(f"{path}: line {number}", picture, text)
