"""Logs of path changes: what happened to an item's files after its segment was written.

Segments are immutable and files are not: they are renamed, copied, touched and deleted. Each
commit that says so writes one immutable log, `changes/<sha24>.jsonl`. Rows of all segments first,
then all logs in the manifest's order, give the catalogue's content at that generation; a log
names (item, path) pairs only, so nothing depends on what another item did.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retrieval.errors import CorruptCollectionError
from retrieval.model import FileRef, ItemId
from retrieval.store.fields import Section, as_section, file_from_json, file_to_json, get_int


@dataclass(frozen=True, slots=True)
class PathChange:
    """One file came to, or went from, an item.

    Attributes:
        op: "add" also replaces what was known of the same path (a touched file).
        file: as it is now; for "remove" only its path counts.
        item_id: the item that the file holds, or held.
    """

    op: Literal["add", "remove"]
    file: FileRef
    item_id: ItemId


def encode_changes(changes: Iterable[PathChange]) -> bytes:
    """The changes as JSON lines, in their order."""
    lines = (
        json.dumps(
            {"op": change.op, "item": change.item_id, **file_to_json(change.file)},
            ensure_ascii=False,
        )
        for change in changes
    )
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def decode_changes(data: bytes, path: Path) -> Iterator[PathChange]:
    """The changes in checked bytes of a log.

    Raises:
        CorruptCollectionError: a line is no change.
    """
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            section = as_section(json.loads(line), "change")
            yield PathChange(
                op=_op(section),
                file=file_from_json(section),
                item_id=ItemId(get_int(section, "item")),
            )
        except ValueError as error:
            raise CorruptCollectionError(f"{path}, line {number}: {error}") from error


def net_changes(changes: Iterable[PathChange]) -> tuple[PathChange, ...]:
    """The last change of each (item, path), in the order in which these last ones came."""
    last: dict[tuple[ItemId, bytes], PathChange] = {}
    for change in changes:
        key = (change.item_id, change.file.path)
        last.pop(key, None)
        last[key] = change
    return tuple(last.values())


def _op(section: Section) -> Literal["add", "remove"]:
    match section.get("op"):
        case "add":
            return "add"
        case "remove":
            return "remove"
        case other:
            raise ValueError(f"'op' must be add or remove, found {other!r}")
