"""Tables as HTML, with heads for those who hear them."""

from benchmarks.reports.page.markup import Html, element, joined
from benchmarks.reports.shown.tables import Table

_MOST_ROWS = 24
"""Of a table that is open when the page is."""


def table_of(table: Table, *, is_long: bool = False) -> Html:
    """A table that is scrolled sideways where it is too wide for the screen.

    Args:
        table: with at least one row.
        is_long: whether cells hold long words, such as digests.
    """
    head = element("tr", *(_cell("th", at, table, text, "col") for at, text in _numbered(table)))
    body = joined(
        *(
            element(
                "tr",
                _cell("th", 0, table, row[0], "row"),
                *(_cell("td", at, table, text) for at, text in enumerate(row[1:], start=1)),
            )
            for row in table.rows
        )
    )
    whole = element(
        "table",
        element("caption", table.title),
        element("thead", head),
        element("tbody", body),
        class_="long" if is_long else None,
    )
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=table.title)


def folded(summary: str, content: Html, *, rows: int) -> Html:
    """Content that is closed at first if it has many rows."""
    if rows <= _MOST_ROWS:
        return content
    return element("details", element("summary", f"{summary} ({rows:,} rows)"), content)


def _numbered(table: Table) -> list[tuple[int, str]]:
    return list(enumerate(table.heads))


def _cell(tag: str, at: int, table: Table, text: str, scope: str | None = None) -> Html:
    return element(tag, text, scope=scope, class_="number" if at in table.numbers else None)
