"""The formats of lists of pictures with captions, each turned into the same rows.

Sources: COCO captions (https://cocodataset.org/#format-data, "Image Captioning"); the split files
of Karpathy and Fei-Fei (CVPR 2015), `dataset_coco.json`, `dataset_flickr30k.json`.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from indexer.readers.columns import Columns, find_column, missing_column
from indexer.readers.sidecars import decode_text
from retrieval.errors import SourceError
from retrieval.model import display_path

PAIR_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")

_IMAGE_NAMES = ("image", "filepath", "file_path", "image_path", "path", "file_name", "filename")
_CAPTION_NAMES = ("caption", "captions", "text", "title", "description", "sentence")
_MAX_FIELD_CHARS = 1 << 20
_ID = (int, str)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list.

    Attributes:
        number: of the line or the entry, from 1.
        image: path as it is written; "" where there is none.
        captions: none of them blank.
        problem: why the line cannot be used; "" if it can.
        folder: where the picture may lie below the places that lists are looked up from; "" if the
            list does not say.
    """

    number: int
    image: str = ""
    captions: tuple[str, ...] = ()
    problem: str = ""
    folder: str = ""


def parse_rows(path: bytes, content: bytes, columns: Columns) -> list[Row]:
    """The rows of a list, by the suffix of its name.

    Raises:
        SourceError: it is not what its suffix says, or lacks a column.
    """
    where = display_path(path)
    text = decode_text(content)
    suffix = where[where.rfind(".") :].lower()
    if suffix == ".json":
        return [*_from_json(text, where)]
    if suffix == ".jsonl":
        return [*_from_json_lines(text, columns, where)]
    return [*_from_table(text, "\t" if suffix == ".tsv" else ",", columns, where)]


def _from_table(text: str, delimiter: str, columns: Columns, where: str) -> Iterator[Row]:
    csv.field_size_limit(_MAX_FIELD_CHARS)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(lines, [])
        image, caption = _choose(columns, header, where)
        for fields in lines:
            if not fields:
                continue
            if len(fields) != len(header):
                problem = f"{len(fields)} fields, the header has {len(header)}"
                yield Row(lines.line_num, problem=problem)
                continue
            cells = dict(zip(header, fields, strict=True))
            yield _row(lines.line_num, cells[image], [cells[caption]] if caption else [])
    except csv.Error as error:
        raise SourceError(f"{where}, line {lines.line_num}: {error}") from error


def _from_json_lines(text: str, columns: Columns, where: str) -> Iterator[Row]:
    """Each line has its own keys; an error only where none has one for the picture."""
    n_lines, seen = 0, dict[str, None]()
    has_images = False
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, problem="no JSON")
            continue
        if not isinstance(entry, dict):
            yield Row(number, problem="no JSON object")
            continue
        n_lines += 1
        seen.update(dict.fromkeys(entry))
        image = _column_of(columns.image, _IMAGE_NAMES, entry)
        caption = _column_of(columns.caption, _CAPTION_NAMES, entry)
        has_images = has_images or image is not None
        yield _row(
            number,
            entry.get(image) if image else None,
            _texts(entry.get(caption)) if caption else [],
        )
    if n_lines and not has_images:
        raise missing_column(columns.image or "image", list(seen), where)


def _column_of(wanted: str | None, usual: Sequence[str], entry: Mapping[str, object]) -> str | None:
    if wanted is not None:
        return wanted if wanted in entry else None
    return find_column(None, usual, list(entry), "")


def _from_json(text: str, where: str) -> Iterator[Row]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} is no JSON: {error}") from error
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list) or not all(isinstance(each, dict) for each in images):
        raise SourceError(
            f"{where} has no list of images",
            hint="it is to be COCO's caption JSON (images, annotations) or Karpathy's splits",
        )
    if isinstance(data.get("annotations"), list):
        return _from_coco(images, data["annotations"])
    return _from_karpathy(images)


def _from_coco(
    images: Sequence[Mapping[str, object]], annotations: Iterable[object]
) -> Iterator[Row]:
    """One row an image, then one for each annotation that belongs to none."""
    captions: dict[object, list[object]] = defaultdict(list)
    known = {each.get("id") for each in images if isinstance(each.get("id"), _ID)}
    strays = 0
    for each in annotations:
        image_id = each.get("image_id") if isinstance(each, dict) else None
        if isinstance(each, dict) and isinstance(image_id, _ID) and image_id in known:
            captions[each["image_id"]].append(each.get("caption"))
        else:
            strays += 1
    for number, image in enumerate(images, start=1):
        row = _row(number, image.get("file_name"), captions.get(_hashable(image.get("id")), []))
        # ".../val2017/000000000139.jpg": pictures are unpacked into a folder of their split.
        *_, folder, _ = ["", "", *str(image.get("coco_url", "")).split("/")]
        yield replace(row, folder=folder)
    for number in range(strays):
        yield Row(len(images) + 1 + number)


def _from_karpathy(images: Sequence[Mapping[str, object]]) -> Iterator[Row]:
    for number, image in enumerate(images, start=1):
        folder, name = image.get("filepath"), image.get("filename")
        path = f"{folder}/{name}" if isinstance(folder, str) and folder else name
        sentences = image.get("sentences")
        raw = [
            each.get("raw")
            for each in (sentences if isinstance(sentences, list) else [])
            if isinstance(each, dict)
        ]
        yield _row(number, path, raw)


def _row(number: int, image: object, captions: Iterable[object]) -> Row:
    if image is not None and not isinstance(image, str):
        return Row(number, problem="the image is no path")
    texts = (
        " ".join(text.replace("\0", " ").split()) for text in captions if isinstance(text, str)
    )
    return Row(number, (image or "").strip(), tuple(text for text in texts if text))


def _hashable(value: object) -> object:
    return value if isinstance(value, _ID) else None


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _choose(columns: Columns, there: Sequence[str], where: str) -> tuple[str, str | None]:
    image = find_column(columns.image, _IMAGE_NAMES, there, where)
    if image is None:
        raise missing_column("image", there, where)
    return image, find_column(columns.caption, _CAPTION_NAMES, there, where)
