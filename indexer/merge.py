"""Which segments to merge, and what the merged one holds.

Two segments that are at most half full fit into one, so after a merge at most one of those is
left: the number of segments stays within twice the least, and an item is rewritten a number of
times that grows with the logarithm of the segment size only.
"""

from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.recover import read_changes
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId, ItemRecord
from retrieval.store.changes import PathChange, net_changes
from retrieval.store.collection import Collection, Gallery
from retrieval.store.segment import Segment, check_file

MAX_LOGS = 16
"""Change logs beyond this are folded into one: each is a file that a rebuild has to read."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge will do.

    Attributes:
        groups: by gallery, the segments that become one.
        dropped: dead items in them, whose vectors go for good.
        folds_logs: whether all change logs become one; always if items are dropped, so that no
            log names an item that is in no segment.
    """

    groups: Mapping[GalleryName, tuple[tuple[Segment, ...], ...]]
    dropped: frozenset[ItemId]
    folds_logs: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.folds_logs and not any(self.groups.values())


def plan_merge(view: Collection, max_items: int) -> MergePlan:
    """Group the segments whose living items fill at most half of `max_items`.

    A group of one is worth rewriting only if most of it is dead.

    Raises:
        ValueError: max_items < 1.
    """
    if max_items < 1:
        raise ValueError(f"max_items must be at least 1, got {max_items}")
    groups = {name: _groups(view.gallery(name), max_items) for name in view.manifest.galleries}
    dropped = frozenset(
        ItemId(item_id)
        for name, chosen in groups.items()
        for group in chosen
        for segment in group
        for item_id in np.intersect1d(segment.ids, view.gallery(name).tombstones).tolist()
    )
    return MergePlan(groups, dropped, bool(dropped) or len(view.manifest.changes) > MAX_LOGS)


def check_sources(view: Collection, plan: MergePlan) -> None:
    """Hash all that a merge will read, before it writes anything.

    Raises:
        CorruptCollectionError: a file is not what the manifest says.
    """
    segments = [each for groups in plan.groups.values() for group in groups for each in group]
    logs = view.manifest.changes if plan.folds_logs else ()
    for entry in (*(file for each in segments for file in each.entry.files), *logs):
        check_file(view.folder / entry.name, entry)


def merge_segments(
    group: Sequence[Segment], tombstones: Int64Array
) -> tuple[Float32Array, list[ItemRecord]]:
    """Living rows of several segments, ids ascending: vectors (n, dim) and n records.

    float16 -> float32 -> float16 is exact, so that no vector changes.
    """
    ids = np.concatenate([segment.ids for segment in group])
    every = np.concatenate(
        [segment.vectors.gather(np.arange(segment.vectors.n)) for segment in group]
    )
    records = [record for segment in group for record in segment.records()]
    order = np.argsort(ids)
    order = order[~np.isin(ids[order], tombstones)]
    return every[order], [records[row] for row in order.tolist()]


def fold_changes(view: Collection, dropped: AbstractCollection[ItemId]) -> tuple[PathChange, ...]:
    """All logs as one that leads to the same files, without the items that are dropped."""
    changes = read_changes(view.folder, view.manifest)
    return net_changes(change for change in changes if change.item_id not in dropped)


def _groups(gallery: Gallery, max_items: int) -> tuple[tuple[Segment, ...], ...]:
    groups: list[list[Segment]] = []
    room: list[int] = []
    n_dead: dict[str, int] = {}
    for segment in gallery.segments:
        n_dead[segment.name] = int(np.isin(segment.ids, gallery.tombstones).sum())
        n_alive = len(segment.ids) - n_dead[segment.name]
        if 2 * n_alive > max_items:
            continue
        fitting = next((i for i, left in enumerate(room) if left >= n_alive), None)
        if fitting is None:
            groups.append([segment])
            room.append(max_items - n_alive)
        else:
            groups[fitting].append(segment)
            room[fitting] -= n_alive
    return tuple(
        tuple(group)
        for group in groups
        if len(group) > 1 or 2 * n_dead[group[0].name] > len(group[0].ids)
    )
