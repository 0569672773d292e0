"""Which segments to merge, and what the merged one holds.

Segments grow in tiers, which end at 1/2, 4, 32 and 128 times a base (at the usual 4,096: 2,048,
16,384, 131,072 and 524,288 items); whatever is larger is final. After every run

- the segments of the smallest tier become one,
- a tier of FAN segments, counting what comes up from below, becomes one segment of a higher tier
  (or several, where one would have more than TOP bases),
- what goes up takes along the tiers that it passes.

So above the smallest tier a merge always takes an item to a higher one: it is written at birth and
at most three times again, a write amplification of 4 however many runs there are. In the smallest
tier a run writes at most half a base of items again (2 MiB of vectors at 512 dimensions). What is
left of n items is at most 1 + 3 * (FAN - 1) segments below the last tier and n / (128 * base) in
it; of a million items that came in one run, one segment.
"""

from collections.abc import Collection as AbstractCollection
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.recover import read_changes
from indexer.segment_files import PIECE_ROWS, Piece
from retrieval.model import Float16Array, GalleryName, Int64Array, ItemId
from retrieval.store.changes import PathChange, net_changes
from retrieval.store.collection import Collection, Gallery
from retrieval.store.segment import VECTORS, Segment, check_file

MAX_LOGS = 16
"""Change logs beyond this are folded into one: each is a file that a rebuild has to read."""

FAN = 8
"""Segments of a tier that become one."""

TOP = 256
"""Bases in the largest segment: 1,048,576 items at the usual base of 4,096. A merge of such a size
needs 40 bytes of memory an item, and as much room on the disk again as it reads."""

_TIER_ENDS = (0.5, 4.0, 32.0, 128.0)
"""Bases in the largest segment of each tier but the last."""


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


def plan_merge(view: Collection, base: int) -> MergePlan:
    """What is due after a run; see the module.

    A segment of which most is dead is rewritten too, by itself if need be.

    Args:
        view: of the newest generation.
        base: items in a segment that a run commits.

    Raises:
        ValueError: base < 1.
    """
    if base < 1:
        raise ValueError(f"base must be at least 1, got {base}")
    groups = {
        name: _due(_sized(view.gallery(name)), base, TOP * base) for name in view.manifest.galleries
    }
    return _plan(view, groups, len(view.manifest.changes) > MAX_LOGS)


def plan_compaction(
    view: Collection, most_items: int, only: GalleryName | None = None
) -> MergePlan:
    """Few segments, of at most `most_items` living items each, and nothing dead.

    Segments without a dead item that are full, or alone, stay as they are; so do those of other
    galleries than `only`, if one is named.

    Raises:
        ValueError: most_items < 1.
    """
    if most_items < 1:
        raise ValueError(f"most_items must be at least 1, got {most_items}")
    groups = {
        name: tuple(
            group
            for group in _packed(_sized(view.gallery(name)), most_items)
            if len(group) > 1 or group[0].n_dead
        )
        for name in view.manifest.galleries
        if only in (None, name)
    }
    return _plan(view, groups, len(view.manifest.changes) > 1)


def check_sources(view: Collection, plan: MergePlan) -> None:
    """Check all that a merge will read, before it writes anything.

    Raises:
        CorruptCollectionError: a file is not what the manifest says.
    """
    for segment in (each for groups in plan.groups.values() for group in groups for each in group):
        segment.vectors.check_all()  # by the blocks' sums, so that reading hashes them no more
        for file in segment.entry.files:
            if not file.name.endswith("/" + VECTORS):
                check_file(view.folder / file.name, file)
    for entry in view.manifest.changes if plan.folds_logs else ():
        check_file(view.folder / entry.name, entry)


def merged_shape(group: Sequence[Segment], tombstones: Int64Array) -> tuple[int, int]:
    """(n, dim) of the living rows of several segments."""
    n = sum(int((~np.isin(each.ids, tombstones)).sum()) for each in group)
    return n, group[0].vectors.dim


def merged_pieces(group: Sequence[Segment], tombstones: Int64Array) -> Iterator[Piece]:
    """Living items of several segments in the order of their ids, as they are on the disk.

    The ids of one segment may lie between those of another. Vectors and rows are copied byte for
    byte, a piece at a time.

    Raises:
        CorruptCollectionError: a file is damaged; nothing that was made of the pieces may be used
            then.
    """
    alive = [np.flatnonzero(~np.isin(each.ids, tombstones)) for each in group]
    ids = np.concatenate([each.ids[rows] for each, rows in zip(group, alive, strict=True)])
    source = np.repeat(np.arange(len(group), dtype=np.int64), [len(rows) for rows in alive])
    row = np.concatenate(alive)
    order = np.argsort(ids, kind="stable")  # ascending runs: timsort merges them
    lines = [_kept_lines(each, rows) for each, rows in zip(group, alive, strict=True)]
    for start in range(0, len(order), PIECE_ROWS):
        here = order[start : start + PIECE_ROWS]
        yield Piece(
            ids=ids[here],
            vectors=_gather(group, source[here], row[here]),
            rows=b"".join(next(lines[number]) for number in source[here].tolist()),
        )
    for rest in lines:
        for _ in rest:  # the lines of the dead at the end: the digest is compared after the last
            raise AssertionError("a segment has more lines than items")


def fold_changes(view: Collection, dropped: AbstractCollection[ItemId]) -> tuple[PathChange, ...]:
    """All logs as one that leads to the same files, without the items that are dropped."""
    changes = read_changes(view.folder, view.manifest)
    return net_changes(change for change in changes if change.item_id not in dropped)


@dataclass(frozen=True, slots=True)
class _Sized:
    """A segment, and how many of its items live and are dead."""

    segment: Segment
    n_alive: int
    n_dead: int

    @property
    def is_mostly_dead(self) -> bool:
        return self.n_dead > self.n_alive


_Group = tuple[_Sized, ...]


def _sized(gallery: Gallery) -> list[_Sized]:
    """The segments of a gallery, oldest items first."""
    found = []
    for segment in sorted(gallery.segments, key=lambda each: int(each.ids[0])):
        n_dead = int(np.isin(segment.ids, gallery.tombstones).sum())
        found.append(_Sized(segment, len(segment.ids) - n_dead, n_dead))
    return found


def _plan(
    view: Collection, groups: Mapping[GalleryName, tuple[_Group, ...]], folds_logs: bool
) -> MergePlan:
    dropped = frozenset(
        ItemId(item_id)
        for name, chosen in groups.items()
        for group in chosen
        for each in group
        if each.n_dead
        for item_id in np.intersect1d(each.segment.ids, view.gallery(name).tombstones).tolist()
    )
    return MergePlan(
        {
            name: tuple(tuple(each.segment for each in group) for group in chosen)
            for name, chosen in groups.items()
        },
        dropped,
        bool(dropped) or folds_logs,
    )


def _tier(n_items: int, base: int) -> int:
    """Which tier a segment is of; see the module."""
    return sum(n_items > end * base for end in _TIER_ENDS)


def _due(segments: Sequence[_Sized], base: int, most_items: int) -> tuple[_Group, ...]:
    tiers: list[list[_Sized]] = [[] for _ in range(1 + len(_TIER_ENDS))]
    for each in segments:
        tiers[_tier(each.n_alive, base)].append(each)
    pools: list[list[_Sized]] = []
    pool = tiers[0]
    for number, tier in enumerate(tiers[1:-1], start=1):
        reached = _tier(sum(each.n_alive for each in pool), base) if pool else 0
        if reached > number or len(tier) + (reached == number) >= FAN:
            pool = pool + tier
        else:
            pools.append(pool)
            pool = []
    pools.append(pool)
    groups = [
        group
        for pool in pools
        for group in _packed(sorted(pool, key=lambda each: int(each.segment.ids[0])), most_items)
        if _gains(group, base)
    ]
    taken = {each.segment.name for group in groups for each in group}
    alone = [(each,) for each in segments if each.is_mostly_dead and each.segment.name not in taken]
    return (*groups, *alone)


def _gains(group: _Group, base: int) -> bool:
    """Whether a group of several leads to a higher tier, or is small enough to be no matter."""
    before = max(_tier(each.n_alive, base) for each in group)
    after = _tier(sum(each.n_alive for each in group), base)
    return len(group) > 1 and (after > before or before == 0)


def _packed(segments: Sequence[_Sized], most_items: int) -> Iterator[_Group]:
    """The segments in groups of at most `most_items` living items, each in the first that has room.

    A segment that is larger makes a group of its own.
    """
    groups: list[list[_Sized]] = []
    room: list[int] = []
    for each in segments:
        fitting = next((i for i, left in enumerate(room) if left >= each.n_alive), None)
        if fitting is None:
            groups.append([each])
            room.append(most_items - each.n_alive)
        else:
            groups[fitting].append(each)
            room[fitting] -= each.n_alive
    return map(tuple, groups)


def _gather(group: Sequence[Segment], source: Int64Array, row: Int64Array) -> Float16Array:
    """Rows of several segments, (len(row), dim): row[i] of group[source[i]]."""
    vectors = np.empty((len(row), group[0].vectors.dim), np.float16)
    for number in np.unique(source).tolist():
        here = np.flatnonzero(source == number)
        vectors[here] = group[number].vectors.gather_half(row[here])
    return vectors


def _kept_lines(segment: Segment, rows: Int64Array) -> Iterator[bytes]:
    """The lines of some rows, ascending; the file is read, and checked, to its end."""
    wanted = iter(rows.tolist())
    at = next(wanted, None)
    for number, line in enumerate(segment.row_lines()):
        if number == at:
            yield line
            at = next(wanted, None)
