"""The page of a report, whole."""

from collections.abc import Iterator, Sequence

from benchmarks.reports.drawn import Drawn
from benchmarks.reports.page.failures import failures
from benchmarks.reports.page.inline_svg import inline_svg
from benchmarks.reports.page.markup import Html, element, joined
from benchmarks.reports.page.style import style
from benchmarks.reports.page.tables import folded, table_of
from benchmarks.reports.page.verdicts import settings, verdicts
from benchmarks.reports.run_plots import Plot
from benchmarks.reports.shown.report import Report
from benchmarks.reports.shown.tables import Table
from benchmarks.reports.words import (
    COSTS,
    FAILURES,
    FIGURES,
    LANGUAGES,
    PROVENANCE,
    RANKS,
    RECALLS,
    SETTINGS,
    VERDICTS,
    Words,
    language_tables,
    summary,
    title,
)

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_page(report: Report, plots: Drawn) -> str:
    """The page, to be written as UTF-8; it asks for nothing and holds no script.

    Args:
        report: what is shown.
        plots: drawn of it.
    """
    sections = [
        (words, content) for words, content in _sections(report, plots) if content is not None
    ]
    links = element(
        "nav",
        element(
            "ul",
            *(
                element("li", element("a", words.title, href=f"#{words.name}"))
                for words, _ in sections
            ),
        ),
        aria_label="Sections",
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", title(report)),
            element("p", summary(report), class_="faint"),
            links,
        ),
        element("main", *(_section(words, content) for words, content in sections)),
    )
    return f"<!doctype html>\n{element('html', _head(title(report)), body, lang='en')}\n"


def _sections(report: Report, plots: Drawn) -> Iterator[tuple[Words, Html | None]]:
    """All sections in their order; None for one that this run does not have."""
    languages = [table for each in report.languages for table in language_tables(each)]
    yield VERDICTS, verdicts(report)
    yield RECALLS, _plots(plots.recalls)
    yield LANGUAGES, _with_tables(plots.languages, languages)
    yield COSTS, _with_tables(plots.costs, [each.table() for each in report.costs])
    yield RANKS, _with_tables(plots.ranks, [each.table() for each in report.ranks])
    yield FAILURES, failures(report.failures, report.no_failures)
    yield SETTINGS, settings(report.settings)
    yield FIGURES, _figures(report)
    yield PROVENANCE, _provenance(report)


def _section(words: Words, content: Html) -> Html:
    return element(
        "section",
        element("h2", words.title, id=words.name),
        element("p", words.intro, class_="faint") if words.intro else None,
        content,
        aria_labelledby=words.name,
    )


def _plots(plots: Sequence[Plot]) -> Html | None:
    if not plots:
        return None
    figures = (element("figure", inline_svg(each), class_="plot") for each in plots)
    return element("div", *figures, class_="grid")


def _with_tables(plots: Sequence[Plot], tables: Sequence[Table]) -> Html | None:
    """Plots, and below them what they show as tables that can be unfolded."""
    if not plots:
        return None
    content = joined(*map(table_of, tables))
    summary = element("summary", "As tables" if len(tables) > 1 else "As a table")
    return joined(_plots(plots), element("details", summary, content))


def _figures(report: Report) -> Html:
    return joined(
        *(folded(each.title, table_of(each), rows=len(each.rows)) for each in report.tables)
    )


def _provenance(report: Report) -> Html:
    return joined(
        *(
            folded(each.title, table_of(each, is_long=not each.numbers), rows=len(each.rows))
            for each in report.provenance
        )
    )


def _head(name: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="generator", content="polyseek"),
        element("title", f"{name} - polyseek"),
        element("style", Html(style())),
    )
