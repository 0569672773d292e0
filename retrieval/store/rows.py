"""rows.jsonl: one line an item, all that is needed to rebuild its catalogue rows.

It holds the item as it was born; what happened to its files later is in the logs of changes.py.
A line has no blanks between its values; files of before have, and are read alike.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from retrieval.errors import CorruptCollectionError
from retrieval.model import ImageMeta, ItemId, ItemRecord
from retrieval.store.fields import (
    Section,
    as_section,
    clean_number,
    file_from_json,
    file_to_json,
    get_float,
    get_int,
    get_list,
    get_text,
    get_texts,
)


def encode_rows(records: Iterable[ItemRecord]) -> bytes:
    """The records as JSON lines, in their order."""
    return b"".join(
        [orjson.dumps(_to_json(record), option=orjson.OPT_APPEND_NEWLINE) for record in records]
    )


def decode_rows(data: bytes, path: Path) -> Iterator[ItemRecord]:
    """The records in checked bytes of a rows.jsonl.

    Raises:
        CorruptCollectionError: a line is no record.
    """
    yield from decode_row_lines(data.splitlines(), path)


def decode_row_lines(lines: Iterable[bytes], path: Path) -> Iterator[ItemRecord]:
    """The records in the checked lines of a rows.jsonl; raises as `decode_rows`."""
    for number, line in enumerate(lines, start=1):
        try:
            yield _from_json(as_section(orjson.loads(line), "row"))
        except ValueError as error:
            raise CorruptCollectionError(f"{path}, line {number}: {error}") from error


def _to_json(record: ItemRecord) -> dict[str, object]:
    meta = record.meta
    known: dict[str, object] = {
        "id": record.id,
        "sha256": record.sha256,
        "format": meta.format,
        "width": meta.width,
        "height": meta.height,
    }
    if meta.taken is not None:
        known["taken"] = meta.taken
    if meta.camera is not None:
        known["camera"] = meta.camera
    # orjson makes null of NaN, and that could not be read again.
    latitude, longitude = clean_number(meta.latitude), clean_number(meta.longitude)
    if latitude is not None:
        known["latitude"] = latitude
    if longitude is not None:
        known["longitude"] = longitude
    known["files"] = [file_to_json(file) for file in record.files]
    known["captions"] = record.captions
    if record.added is not None:
        known["added"] = record.added
    return known


def _from_json(section: Section) -> ItemRecord:
    return ItemRecord(
        id=ItemId(get_int(section, "id")),
        sha256=get_text(section, "sha256"),
        meta=ImageMeta(
            format=get_text(section, "format"),
            width=get_int(section, "width"),
            height=get_int(section, "height"),
            taken=get_text(section, "taken") if "taken" in section else None,
            camera=get_text(section, "camera") if "camera" in section else None,
            latitude=get_float(section, "latitude") if "latitude" in section else None,
            longitude=get_float(section, "longitude") if "longitude" in section else None,
        ),
        files=tuple(
            file_from_json(as_section(file, "file")) for file in get_list(section, "files")
        ),
        captions=get_texts(section, "captions"),
        added=get_text(section, "added") if "added" in section else None,
    )
