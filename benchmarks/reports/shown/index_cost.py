"""What an index loses and saves, beside the search of the whole gallery on the same features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.records.run import EXACT
from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import percent, protocol_name, slug, way_name
from benchmarks.reports.shown.recalls import depth_of
from benchmarks.reports.shown.tables import Table

_FOUND = {"t2i": "ann_recall@", "i2t": "i2t_ann_recall@"}
"""How the figure of each direction begins that says how much of the exact best was found."""


@dataclass(frozen=True, slots=True)
class SystemRow:
    """One way of searching.

    Attributes:
        system: EXACT or the kind of index.
        recalls: a share in [0, 1] by depth.
        ann_recall: the share of the exact best that was found, by how many these are.
        search_ms: median milliseconds of one query; None where that was not recorded.
        build_s: seconds; likewise.
    """

    system: str
    recalls: Mapping[str, float]
    ann_recall: Mapping[str, float]
    search_ms: float | None
    build_s: float | None


@dataclass(frozen=True, slots=True)
class IndexCost:
    """All ways of searching one gallery with one model.

    Attributes:
        name: for files.
        title: the protocol.
        entrant: the model.
        way: the direction.
        rows: the exact one first, if it is there.
    """

    name: str
    title: str
    entrant: str
    way: str
    rows: tuple[SystemRow, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The depths of recall, in order."""
        return tuple(dict.fromkeys(label for row in self.rows for label in row.recalls))

    @property
    def is_timed(self) -> bool:
        """Whether search times of two systems are there."""
        return sum(row.search_ms is not None for row in self.rows) > 1

    def table(self) -> Table:
        """All of it as text."""
        found = dict.fromkeys(name for row in self.rows for name in row.ann_recall)
        heads = ("search", *self.labels, *(f"ANN@{depth}" for depth in found))
        lines = tuple(
            (
                row.system,
                *(_shown(row.recalls.get(label)) for label in self.labels),
                *(_shown(row.ann_recall.get(name)) for name in found),
                "-" if row.search_ms is None else f"{row.search_ms:.3f}",
                "-" if row.build_s is None else f"{row.build_s:.1f}",
            )
            for row in self.rows
        )
        heads = (*heads, "ms", "build s")
        title = f"{self.title}, {self.entrant}: {way_name(self.way)}"
        return Table(title, heads, lines, tuple(range(1, len(heads))))


def index_costs(rows: Sequence[FigureRow]) -> tuple[IndexCost, ...]:
    """Every protocol and model that was searched through an index; the last of equals counts."""
    groups: dict[tuple[object, str], dict[str, list[FigureRow]]] = {}
    for row in rows:
        systems = groups.setdefault((row.record.key, row.entrant), {})
        own = systems.setdefault(row.record.system, [])
        if own and own[0].at != row.at:
            own.clear()
        own.append(row)
    return tuple(
        cost
        for (_, entrant), systems in groups.items()
        if set(systems) - {EXACT}
        for way in _FOUND
        if (cost := _cost(entrant, way, systems)) is not None
    )


def _cost(entrant: str, way: str, systems: Mapping[str, list[FigureRow]]) -> IndexCost | None:
    """None where no index was asked in that direction."""
    in_order = sorted(systems, key=lambda name: name != EXACT)
    records = [systems[name][0].record for name in in_order]
    scan = next((ms for each in records if (ms := each.times.get(f"{way}_exact_ms"))), None)
    rows = tuple(_row(systems[name], way, scan) for name in in_order)
    if not any(row.ann_recall for row in rows):
        return None
    title = protocol_name(records[0].key)
    shown = tuple(row for row in rows if row.recalls or row.ann_recall)
    return IndexCost(slug("index", title, entrant, way), title, entrant, way, shown)


def _row(rows: Sequence[FigureRow], way: str, scan_ms: float | None) -> SystemRow:
    record = rows[0].record
    recalls = {
        found[1]: row.value
        for row in rows
        if (found := depth_of(row.name)) is not None and found[0] == way
    }
    begin = _FOUND[way]
    ann = {row.name.removeprefix(begin): row.value for row in rows if row.name.startswith(begin)}
    is_exact = record.system == EXACT
    search = scan_ms if is_exact else record.times.get(f"{way}_index_ms")
    return SystemRow(record.system, recalls, ann, search, record.times.get(f"{way}_build_s"))


def _shown(share: float | None) -> str:
    return "-" if share is None else percent(share)
