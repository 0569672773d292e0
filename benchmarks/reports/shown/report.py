"""All that a report on a run shows."""

from dataclasses import dataclass

from benchmarks.records.folder import RunFolder
from benchmarks.reference.verdicts import Grade
from benchmarks.reports.shown.failures import Failures
from benchmarks.reports.shown.figure_tables import figure_tables
from benchmarks.reports.shown.figures import FigureRow, figure_rows
from benchmarks.reports.shown.index_cost import IndexCost, index_costs
from benchmarks.reports.shown.languages import Languages, languages
from benchmarks.reports.shown.provenance import provenance
from benchmarks.reports.shown.rank_bins import RankHistogram, rank_histograms
from benchmarks.reports.shown.recalls import Panel, panels
from benchmarks.reports.shown.settings_diff import SettingsDiff, settings_diffs
from benchmarks.reports.shown.tables import Table
from benchmarks.reports.shown.verdict_groups import (
    VerdictGroup,
    grade_counts,
    verdict_groups,
    without_verdict,
)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A run for people. What a run does not have is empty here, and not on the page.

    Attributes:
        n_records: of the run.
        data_sets: their names, in order.
        models: likewise.
        rows: every figure.
        grades: how many figures have each verdict.
        verdicts: figures beside published ones.
        bare: models of which nothing was published.
        tables: every figure, by protocol.
        panels: recall as bars.
        languages: data sets in several languages.
        costs: indexes beside the search of everything.
        ranks: how far down the right answers stand.
        failures: the worst queries, with pictures.
        no_failures: why queries of some records are not shown; how to get them.
        settings: beside those of published figures.
        provenance: what the figures rest on.
    """

    n_records: int
    data_sets: tuple[str, ...]
    models: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    grades: dict[Grade, int]
    verdicts: tuple[VerdictGroup, ...]
    bare: tuple[str, ...]
    tables: tuple[Table, ...]
    panels: tuple[Panel, ...]
    languages: tuple[Languages, ...]
    costs: tuple[IndexCost, ...]
    ranks: tuple[RankHistogram, ...]
    failures: tuple[Failures, ...]
    no_failures: tuple[str, ...]
    settings: tuple[SettingsDiff, ...]
    provenance: tuple[Table, ...]


def report_of(
    folder: RunFolder, failures: tuple[Failures, ...] = (), no_failures: tuple[str, ...] = ()
) -> Report:
    """Work out all that is shown of a run.

    Args:
        folder: with at least one record.
        failures: see `failures.failures_of_run`.
        no_failures: likewise.

    Raises:
        BenchmarkError: a record or a file of ranks is damaged, or of another version.
    """
    records = folder.records()
    rows = figure_rows(records)
    return Report(
        len(records),
        tuple(dict.fromkeys(each.key.dataset for each in records)),
        tuple(dict.fromkeys(each.model["name"] for each in records)),
        rows,
        grade_counts(rows),
        verdict_groups(rows),
        without_verdict(rows),
        figure_tables(rows),
        panels(rows),
        languages(rows),
        index_costs(rows),
        rank_histograms(folder),
        failures,
        no_failures,
        settings_diffs(rows),
        provenance(records),
    )
