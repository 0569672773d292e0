"""Recall at several depths as bars, models side by side, with marks at published figures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.records.run import EXACT
from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import of_all_languages, protocol_name, slug, way_name

MOST_MODELS = 6
"""Of one panel: as many as there are colours that everybody can tell apart."""

MOST_LANGUAGES = 3
"""Of a protocol that gets panels; with more, `languages` shows them."""

_FIGURE = re.compile(r"(?:(?P<way>.+)_)?(?P<measure>r|map)@(?P<k>\d+)|(?P<top>top)(?P<n>\d+)")

_AVERAGE_PRECISION = "mAP"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure of one model.

    Attributes:
        label: of the depth, e.g. "R@5".
        entrant: the model.
        value: a share in [0, 1].
        published: the figure of the same model and protocol, or None.
    """

    label: str
    entrant: str
    value: float
    published: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that belong together.

    Attributes:
        name: for files.
        title: the protocol.
        way: what is measured.
        bars: by depth, then by model.
    """

    name: str
    title: str
    way: str
    bars: tuple[Bar, ...]

    @property
    def entrants(self) -> tuple[str, ...]:
        """The models, in order."""
        return tuple(dict.fromkeys(each.entrant for each in self.bars))

    @property
    def labels(self) -> tuple[str, ...]:
        """The depths, in order."""
        return tuple(dict.fromkeys(each.label for each in self.bars))


def depth_of(figure: str) -> tuple[str, str] | None:
    """The way and the depth that a figure's name tells, e.g. ("t2i", "R@5"); None for others."""
    if (found := _FIGURE.fullmatch(figure)) is None:
        return None
    if found["top"]:
        return "top", f"top-{found['n']}"
    return found[
        "way"
    ] or "", f"{'R' if found['measure'] == 'r' else _AVERAGE_PRECISION}@{found['k']}"


def panels(rows: Sequence[FigureRow]) -> tuple[Panel, ...]:
    """A panel for each protocol and way of asking, over exact figures; the last of equals counts.

    A published figure of another protocol has no mark: it is not to be compared.
    """
    languages: dict[object, set[str]] = {}
    for row in rows:
        key = row.record.key
        languages.setdefault(of_all_languages(key), set()).add(key.language)
    groups: dict[tuple[object, str, str], dict[tuple[str, str], FigureRow]] = {}
    for row in rows:
        key, found = row.record.key, depth_of(row.name)
        few = len(languages[of_all_languages(key)]) <= MOST_LANGUAGES
        if found is not None and few and row.record.system == EXACT:
            way, label = found
            group = groups.setdefault((key, way, label.partition("@")[0][:3]), {})
            group[label, row.entrant] = row
    return tuple(panel for (_, way, _), found in groups.items() for panel in _panels(way, found))


def _panels(way: str, found: dict[tuple[str, str], FigureRow]) -> Iterator[Panel]:
    names = tuple(dict.fromkeys(entrant for _, entrant in found))
    labels = sorted(dict.fromkeys(label for label, _ in found), key=_depth)
    title = protocol_name(next(iter(found.values())).record.key)
    name = slug("recall", title, way, labels[0].partition("@")[0])
    told = way_name(way)
    if labels[0].startswith(_AVERAGE_PRECISION):
        told = f"{told}, mean average precision" if way else "mean average precision"
    for start in range(0, len(names), MOST_MODELS):
        bars = tuple(
            _bar(label, entrant, found[label, entrant])
            for label in labels
            for entrant in names[start : start + MOST_MODELS]
            if (label, entrant) in found
        )
        yield Panel(f"{name}-{start}" if start else name, title, told, bars)


def _bar(label: str, entrant: str, row: FigureRow) -> Bar:
    verdict = row.verdict
    is_comparable = verdict is not None and verdict.delta_pp is not None
    published = verdict.reference.share if verdict is not None and is_comparable else None
    return Bar(label, entrant, row.value, published)


def _depth(label: str) -> int:
    return int(re.split(r"[@-]", label)[1])
