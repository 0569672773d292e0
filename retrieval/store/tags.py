"""The log of tags: tags.jsonl in the collection's folder, the one file there that grows.

Rows of items are immutable and tags are not. One line is one command: a tag, and the contents
(sha256) it was put on or taken off. Contents, not ids: an item that is deleted and indexed again
has another id, and its tags again. The line ends in a checksum of itself.

A line is acknowledged once it is on the disk, so only a crash can leave a last line that is torn;
that one never counted.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zlib import crc32

from retrieval.errors import CorruptCollectionError, QueryError
from retrieval.store.fields import as_section, clean_text, get_int, get_text, get_texts
from retrieval.store.folding import fold

TAGS_NAME = "tags.jsonl"
MAX_TAG_CHARS = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag was put on contents, or taken off them.

    Attributes:
        op: what happened.
        tag: as it was written; tags that differ in case only are one.
        contents: sha256 (hex) of the items' contents.
    """

    op: Literal["add", "remove"]
    tag: str
    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagLog:
    """What a log says.

    Attributes:
        changes: oldest first.
        n_bytes: of the whole lines.
        is_torn: whether something that is no whole line follows them.
    """

    changes: tuple[TagChange, ...] = ()
    n_bytes: int = 0
    is_torn: bool = False


def tag_name(text: str) -> str:
    """The tag that a user means: without blanks around it.

    Raises:
        QueryError: it is empty, too long, or holds control characters.
    """
    name = clean_text(text.strip())
    if not name or len(name) > MAX_TAG_CHARS or not name.isprintable():
        raise QueryError(
            f"{text[:50]!r} cannot be a tag",
            hint=f"a tag has 1 to {MAX_TAG_CHARS} printable characters",
        )
    return name


def encode_tag_change(change: TagChange) -> bytes:
    """The change as one line."""
    known = {"op": change.op, "tag": change.tag, "contents": list(change.contents)}
    text = json.dumps(known, ensure_ascii=False)
    checked = {**known, "crc32": crc32(text.encode())}
    return (json.dumps(checked, ensure_ascii=False) + "\n").encode()


def decode_tag_log(data: bytes, path: Path) -> TagLog:
    """What the bytes of a log say.

    Raises:
        CorruptCollectionError: a line before the last is damaged.
    """
    *lines, rest = data.split(b"\n")
    changes: list[TagChange] = []
    for number, line in enumerate(lines, start=1):
        try:
            changes.append(_decode(line))
        except ValueError as error:
            if number == len(lines) and not rest:
                return TagLog(tuple(changes), len(data) - len(line) - 1, is_torn=True)
            raise CorruptCollectionError(
                f"{path}, line {number}: {error}",
                hint="restore the file from a backup, or delete that line",
            ) from error
    return TagLog(tuple(changes), len(data) - len(rest), is_torn=bool(rest))


def read_tag_log(folder: Path) -> TagLog:
    """The log of a collection; an empty one where nothing was ever tagged.

    Raises:
        CorruptCollectionError: a line before the last is damaged.
    """
    path = folder / TAGS_NAME
    try:
        return decode_tag_log(path.read_bytes(), path)
    except FileNotFoundError:
        return TagLog()


def net_tags(changes: Iterable[TagChange]) -> dict[tuple[str, str], str]:
    """What holds after the changes: names of tags by content and folded name.

    Of two spellings the one that was there first stays.
    """
    held: dict[tuple[str, str], str] = {}
    for change in changes:
        folded = fold(change.tag)
        for content in change.contents:
            if change.op == "add":
                held.setdefault((content, folded), change.tag)
            else:
                held.pop((content, folded), None)
    return held


def _decode(line: bytes) -> TagChange:
    section = as_section(json.loads(line), "change")
    op, tag, contents = section.get("op"), get_text(section, "tag"), get_texts(section, "contents")
    if op not in ("add", "remove"):
        raise ValueError(f"'op' must be add or remove, found {op!r}")
    known = json.dumps({"op": op, "tag": tag, "contents": list(contents)}, ensure_ascii=False)
    if crc32(known.encode()) != get_int(section, "crc32"):
        raise ValueError("the line is not what was written")
    if not all(map(_SHA256.fullmatch, contents)):
        raise ValueError("a content is no sha256")
    return TagChange("add" if op == "add" else "remove", tag, contents)
