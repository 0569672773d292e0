"""What the sections of a report are called, and what a reader has to know of each."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.reports.shown.languages import Languages
from benchmarks.reports.shown.naming import percent
from benchmarks.reports.shown.report import Report
from benchmarks.reports.shown.tables import Table


@dataclass(frozen=True, slots=True)
class Words:
    """One section.

    Attributes:
        name: that links go to.
        title: of the section.
        intro: one or two sentences; "" where there is nothing to know.
    """

    name: str
    title: str
    intro: str = ""


VERDICTS = Words("verdicts", "Beside published figures")
RECALLS = Words(
    "recall",
    "Recall",
    "Percent of queries with a right answer among the first K of the whole gallery. A diamond is "
    "the published figure of the same model and protocol.",
)
LANGUAGES = Words(
    "languages",
    "Languages",
    "Each language has its own classes or captions, so figures compare models in one language, "
    "not languages: with n classes, chance alone gives 1/n.",
)
COSTS = Words(
    "indexes",
    "Recall against the cost of an index",
    "The same features, searched whole and through an index. ANN@10 is the share of the ten that "
    "exact search finds. Times are medians of single queries: "
    "exact is a bare product of all vectors, an index is asked through the whole engine.",
)
RANKS = Words(
    "ranks",
    "Ranks of right answers",
    "Percent of queries whose best right answer stands that far down.",
)
FAILURES = Words(
    "failures",
    "Worst failures",
    "Queries whose right answer stands furthest down, one a picture or class, and what the "
    "encoder put first. Captions name one right picture; what came first may fit as well.",
)
SETTINGS = Words(
    "settings",
    "Settings beside those of the reference",
    "What is known of either run, the likeliest cause of a difference first.",
)
FIGURES = Words("figures", "All figures", "Shares in percent; ranks and sums as they are.")
PROVENANCE = Words("provenance", "What the figures rest on")


def title(report: Report) -> str:
    """Of the whole report: its data sets."""
    return f"Measured on {_listed(report.data_sets)}"


def summary(report: Report) -> str:
    """One line on what the report is about."""
    n = report.n_records
    records = f"{n:,} record{'' if n == 1 else 's'}"
    return f"{records} of {_listed(report.models)}; polyseek bench report"


def language_tables(shown: Languages) -> Iterator[Table]:
    """All languages of a data set, a table for each group."""
    has_classes = any(row.classes is not None for group in shown.groups for row in group.rows)
    published = tuple(
        name
        for name in shown.entrants
        if any(name in row.published for group in shown.groups for row in group.rows)
    )
    heads = (
        "language",
        *(("classes",) if has_classes else ()),
        *shown.entrants,
        *(f"{name}, published" for name in published),
    )
    for group in shown.groups:
        rows = tuple(
            (
                row.code,
                *((f"{row.classes or 0:,}",) if has_classes else ()),
                *(_share(row.values.get(name)) for name in shown.entrants),
                *(_share(row.published.get(name)) for name in published),
            )
            for row in group.rows
        )
        name = f": {group.name}" if group.name else ""
        numbers = tuple(range(1, len(heads)))
        yield Table(f"{shown.title}, {shown.figure}{name}", heads, rows, numbers)


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _listed(names: tuple[str, ...]) -> str:
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
