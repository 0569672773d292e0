"""Languages of one data set: by how many classes they name, or sorted by recall.

Groups of Babel-ImageNet. Source: its repository's notebook of results, as of 2024-05-22: limits of
33, 111, 333, 666 and 1,000 classes for all 298 languages, of 100, 333, 666 and 1,000 for the 100
that most papers show. English is in no group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.records.run import EXACT, RunRecord
from benchmarks.reports.shown.figures import FigureRow
from benchmarks.reports.shown.naming import language_name, of_all_languages, protocol_name, slug

LIMITS_298 = (("", 33), ("", 111), ("", 333), ("", 666), ("", 1_000))
LIMITS_100 = (("very low", 100), ("low", 333), ("mid", 666), ("high", 1_000))
"""What each group is called there, and the most classes that a language of it names."""

ENGLISH = "English"
_BABEL, _ALL_LANGUAGES = "babel-imagenet", "babel_imagenet-298.json"
_HEADLINES = ("top1", "t2i_r@1")


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language.

    Attributes:
        code: as `language_name` has it.
        classes: that it names; None where there are no classes.
        values: a share in [0, 1] by model.
        published: likewise, where a comparable one was published.
    """

    code: str
    classes: int | None
    values: Mapping[str, float]
    published: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LanguageGroup:
    """Languages that have about as many resources, or all of them.

    Attributes:
        name: of the group; "" where there is but one.
        is_by_classes: whether it is made of languages with about as many classes.
        rows: ascending by classes, or descending by the first model's figure.
    """

    name: str
    is_by_classes: bool
    rows: tuple[LanguageRow, ...]

    def mean(self, entrant: str) -> float | None:
        """Of a model's figures over its languages; None where it has none."""
        own = [each.values[entrant] for each in self.rows if entrant in each.values]
        return sum(own) / len(own) if own else None

    def published_mean(self, entrant: str) -> float | None:
        """Of published figures, over the same languages; None unless all of them have one."""
        measured = [each for each in self.rows if entrant in each.values]
        theirs = [each.published[entrant] for each in measured if entrant in each.published]
        return sum(theirs) / len(theirs) if theirs and len(theirs) == len(measured) else None


@dataclass(frozen=True, slots=True)
class Languages:
    """All languages of one protocol.

    Attributes:
        name: for files.
        title: the protocol.
        figure: that is shown.
        entrants: the models, in order.
        groups: those with languages, of the fewest classes first.
    """

    name: str
    title: str
    figure: str
    entrants: tuple[str, ...]
    groups: tuple[LanguageGroup, ...]

    @property
    def is_grouped(self) -> bool:
        """Whether they are grouped by their number of classes."""
        return self.groups[0].is_by_classes


def languages(rows: Sequence[FigureRow]) -> tuple[Languages, ...]:
    """Those of every protocol with two languages or more; the last of equal records counts."""
    found: dict[tuple[object, str], list[FigureRow]] = {}
    for row in rows:
        if row.name in _HEADLINES and row.record.system == EXACT:
            found.setdefault((of_all_languages(row.record.key), row.name), []).append(row)
    return tuple(
        _languages(each)
        for each in found.values()
        if len({language_name(row.record.key) for row in each}) > 1
    )


def _languages(rows: Sequence[FigureRow]) -> Languages:
    first = rows[0].record
    entrants = tuple(dict.fromkeys(row.entrant for row in rows))
    by_code: dict[str, dict[str, FigureRow]] = {}
    for row in rows:
        by_code.setdefault(language_name(row.record.key), {})[row.entrant] = row
    own = [_row(code, each) for code, each in by_code.items()]
    groups = _by_classes(own, _limits(first)) if first.key.dataset == _BABEL else _sorted(own)
    title = protocol_name(of_all_languages(first.key))
    return Languages(slug("languages", title), title, rows[0].name, entrants, groups)


def _row(code: str, rows: Mapping[str, FigureRow]) -> LanguageRow:
    classes = next(iter(rows.values())).record.counts.get("classes")
    published = {
        entrant: row.verdict.reference.share
        for entrant, row in rows.items()
        if row.verdict is not None and row.verdict.delta_pp is not None
    }
    return LanguageRow(code, classes, {name: row.value for name, row in rows.items()}, published)


def _limits(record: RunRecord) -> Sequence[tuple[str, int]]:
    return LIMITS_298 if _ALL_LANGUAGES in record.data["annotations"] else LIMITS_100


def _by_classes(
    rows: Sequence[LanguageRow], limits: Sequence[tuple[str, int]]
) -> tuple[LanguageGroup, ...]:
    english = tuple(row for row in rows if _is_english(row))
    others = sorted((row for row in rows if not _is_english(row)), key=_classes)
    groups, low = [], 1
    for word, high in limits:
        own = tuple(row for row in others if low <= _classes(row)[0] <= high)
        name = f"{low} to {high} classes"
        groups.append(LanguageGroup(f"{word}, {name}" if word else name, True, own))
        low = high + 1
    groups.append(LanguageGroup(ENGLISH, True, english))
    return tuple(each for each in groups if each.rows)


def _is_english(row: LanguageRow) -> bool:
    return row.code.partition(",")[0] == "EN"


def _classes(row: LanguageRow) -> tuple[int, str]:
    return row.classes or 1, row.code


def _sorted(rows: Sequence[LanguageRow]) -> tuple[LanguageGroup, ...]:
    in_order = sorted(rows, key=lambda row: (-max(row.values.values()), row.code))
    return (LanguageGroup("", False, tuple(in_order)),)
