"""Writes tags.jsonl, and lets the catalogue's tags follow it. Call all of this under the lock."""

import logging
import os
from pathlib import Path

from indexer import durable
from indexer.catalogue import CatalogueWriter
from retrieval.store.tags import TAGS_NAME, TagChange, TagLog, encode_tag_change, read_tag_log

logger = logging.getLogger(__name__)


def append_change(folder: Path, change: TagChange) -> int:
    """Add one line, durably; returns the size of the log in bytes.

    What a crash left behind the last whole line must be gone: see `follow_log`.
    """
    path = folder / TAGS_NAME
    is_new = not path.exists()
    with path.open("ab") as file:
        file.write(encode_tag_change(change))
        file.flush()
        durable.checkpoint("tags_written")
        os.fsync(file.fileno())
        size_bytes = file.tell()
    if is_new:
        durable.sync_folder(folder)
    durable.checkpoint("tags_synced")
    return size_bytes


def follow_log(folder: Path, rows: CatalogueWriter) -> None:
    """Make the catalogue's tags those of the log, if a crash came between them.

    Raises:
        CorruptCollectionError: a line of the log, not the last, is damaged.
    """
    path = folder / TAGS_NAME
    size_bytes = path.stat().st_size if path.exists() else 0
    if size_bytes == rows.tags_bytes():
        return
    log = read_tag_log(folder)
    if log.is_torn:
        _cut(path, log)
    logger.info("reading the tags of %s from their log", folder)
    rows.replace_tags(log)


def _cut(path: Path, log: TagLog) -> None:
    """Drop a torn last line."""
    logger.warning("%s: dropping a last line that a crash left unfinished", path)
    with path.open("r+b") as file:
        file.truncate(log.n_bytes)
        os.fsync(file.fileno())
