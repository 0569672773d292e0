"""What one commit means, worked out before anything is written.

An item is its content, so content that the collection already has costs no second vector: its
files join the item that is there. A file holds one picture, so a path that comes to one item
leaves the one it was at, and the log says so in as many words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrieval.model import (
    FileRef,
    Float16Array,
    Float32Array,
    ImageMeta,
    ItemId,
    ItemRecord,
    gallery_of,
)
from retrieval.store.catalogue import Catalogue
from retrieval.store.changes import PathChange, net_changes
from retrieval.store.collection import Collection
from retrieval.store.fields import clean_int, clean_number, clean_text

_NORM_TOLERANCE = 1e-3
"""What float16 rounding can do to the norm of a unit vector, with room."""

_CHECKED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class NewItem:
    """One decoded picture (or text) to put in.

    Attributes:
        sha256: hex digest of the file's bytes.
        meta: of the picture.
        files: where the content lies; at least one.
        captions: texts that came with it.
    """

    sha256: str
    meta: ImageMeta
    files: tuple[FileRef, ...]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit, worked out.

    Attributes:
        records: items to be born, ids ascending.
        vectors: (len(records), dim) unit rows.
        changes: of files that no birth says, each (item, path) once.
        ids: the item of every NewItem given, in their order.
    """

    records: tuple[ItemRecord, ...]
    vectors: Float32Array | Float16Array
    changes: tuple[PathChange, ...]
    ids: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit came to.

    Attributes:
        generation: that holds it; the one before, if there was nothing to do.
        ids: of the items given, in their order.
    """

    generation: int
    ids: tuple[ItemId, ...] = ()


def plan_batch(
    items: Sequence[NewItem],
    vectors: Float32Array | Float16Array,
    changes: Sequence[PathChange],
    *,
    known: Mapping[str, ItemId],
    next_id: int,
    added: str,
) -> Batch:
    """Tell new content from known content and give the new items their ids.

    Args:
        items: n contents, of which some may be known or equal to each other.
        vectors: (n, dim) unit rows; row i belongs to items[i].
        changes: of files of known items, in the order in which they happened.
        known: items of the collection by sha256.
        next_id: the first free id.
        added: when; see `ItemRecord.added`.
    """
    ids: dict[str, ItemId] = dict(known)
    born: list[ItemRecord] = []
    rows: list[int] = []
    joins: list[PathChange] = []
    raw_meta: ImageMeta | None = None
    for row, item in enumerate(items):
        if item.sha256 in ids:
            joins += [PathChange("add", _clean_file(file), ids[item.sha256]) for file in item.files]
            continue
        ids[item.sha256] = ItemId(next_id + len(born))
        if item.meta is not raw_meta:  # ready vectors all share one
            raw_meta, meta = item.meta, _clean_meta(item.meta)
        born.append(_record(item, ids[item.sha256], meta, added))
        rows.append(row)
    cleaned = [replace(change, file=_clean_file(change.file)) for change in changes]
    return Batch(
        records=tuple(born),
        vectors=vectors if len(rows) == len(items) else vectors[rows],
        changes=net_changes([*cleaned, *joins]),
        ids=tuple(ids[item.sha256] for item in items),
    )


def one_item_a_path(batch: Batch, catalogue: Catalogue, generation: int) -> Batch:
    """Add the removals that follow from a file holding one picture at a time.

    Raises:
        ValueError: two items of the batch claim one path.
    """
    holder: dict[bytes, ItemId] = {}
    births = [(file.path, record.id) for record in batch.records for file in record.files]
    adds = [(each.file.path, each.item_id) for each in batch.changes if each.op == "add"]
    for path, item_id in (*births, *adds):
        if holder.setdefault(path, item_id) != item_id:
            raise ValueError(f"items {holder[path]} and {item_id} both claim the file {path!r}")
    left = [
        PathChange("remove", found.file, found.item_id)
        for found in catalogue.files_at(holder, generation)
        if found.item_id != holder[found.file.path] and gallery_of(found.item_id) == "images"
    ]
    return replace(batch, changes=net_changes([*batch.changes, *left]))


def check_items_exist(changes: Sequence[PathChange], view: Collection) -> None:
    """Refuse changes of items that are in no segment, with a ValueError."""
    wanted = np.unique(np.array([change.item_id for change in changes], dtype=np.int64))
    is_there = np.zeros(len(wanted), dtype=np.bool_)
    for gallery in view.galleries.values():
        for segment in gallery.segments:
            is_there |= np.isin(wanted, segment.ids, assume_unique=True)
    if not is_there.all():
        raise ValueError(f"no items {wanted[~is_there].tolist()[:10]} to change the files of")


def check_vectors(vectors: Float32Array | Float16Array, n_items: int, dim: int) -> None:
    """Refuse what is not (n_items, dim) finite unit rows, with a ValueError."""
    if vectors.shape != (n_items, dim):
        raise ValueError(f"vectors have shape {vectors.shape}, not {(n_items, dim)}")
    for start in range(0, n_items, _CHECKED_AT_ONCE):
        rows = vectors[start : start + _CHECKED_AT_ONCE].astype(np.float32, copy=False)
        norms = np.linalg.norm(rows, axis=1)
        if not (np.abs(norms - 1.0) <= _NORM_TOLERANCE).all():  # NaN fails it too
            raise ValueError(f"vectors must have norm 1, found {norms.min()} to {norms.max()}")


def _record(item: NewItem, item_id: ItemId, meta: ImageMeta, added: str) -> ItemRecord:
    """The item that is born; `meta` is that of `item`, clean."""
    if not item.files:
        raise ValueError(f"item {item.sha256} has no file")
    return ItemRecord(
        id=item_id,
        sha256=item.sha256,
        meta=meta,
        files=_clean_files(item.files),
        captions=tuple(map(clean_text, item.captions)),
        added=added,
    )


def _clean_meta(meta: ImageMeta) -> ImageMeta:
    return replace(
        meta,
        format=clean_text(meta.format),
        taken=None if meta.taken is None else clean_text(meta.taken),
        camera=None if meta.camera is None else clean_text(meta.camera),
        latitude=clean_number(meta.latitude),
        longitude=clean_number(meta.longitude),
    )


def _clean_files(files: tuple[FileRef, ...]) -> tuple[FileRef, ...]:
    """Each path once."""
    if len(files) == 1:
        return (_clean_file(files[0]),)
    return tuple({file.path: _clean_file(file) for file in files}.values())


def _clean_file(file: FileRef) -> FileRef:
    mtime_ns = clean_int(file.mtime_ns)
    return file if mtime_ns == file.mtime_ns else replace(file, mtime_ns=mtime_ns)
