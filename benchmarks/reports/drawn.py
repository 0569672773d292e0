"""All plots of a report."""

from dataclasses import dataclass

from benchmarks.reports.run_bars import draw_cost, draw_panel
from benchmarks.reports.run_languages import draw_languages
from benchmarks.reports.run_plots import Plot
from benchmarks.reports.run_ranks import draw_ranks
from benchmarks.reports.shown.report import Report


@dataclass(frozen=True, slots=True)
class Drawn:
    """The plots of a report, by its sections.

    Attributes:
        recalls: bars of recall.
        languages: groups of languages, or languages.
        costs: ways of searching.
        ranks: how far down right answers stand.
    """

    recalls: tuple[Plot, ...]
    languages: tuple[Plot, ...]
    costs: tuple[Plot, ...]
    ranks: tuple[Plot, ...]

    @property
    def all(self) -> tuple[Plot, ...]:
        """Every plot, in the order of the page."""
        return self.recalls + self.languages + self.costs + self.ranks


def drawn(report: Report) -> Drawn:
    """Draw them.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    return Drawn(
        tuple(map(draw_panel, report.panels)),
        tuple(plot for each in report.languages for plot in draw_languages(each)),
        tuple(plot for each in report.costs for plot in draw_cost(each)),
        tuple(map(draw_ranks, report.ranks)),
    )
