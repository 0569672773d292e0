"""Verdicts and settings on the page."""

from benchmarks.reference.verdicts import Grade
from benchmarks.reports.page.markup import Html, element, joined
from benchmarks.reports.page.tables import folded
from benchmarks.reports.shown.report import Report
from benchmarks.reports.shown.settings_diff import SettingRow, SettingsDiff
from benchmarks.reports.shown.verdict_groups import GRADES, Reason, VerdictGroup, VerdictRow

_SIGNS = dict(zip(GRADES, ("\u2713", "\u2248", "\u2717", "\u2013"), strict=True))
_MOST_NAMED = 6


def verdicts(report: Report) -> Html | None:
    """All verdicts; None where there is none and nothing is to be said of it."""
    told = [_nothing_of(report.bare)] if report.bare else []
    if not report.verdicts:
        return joined(*told) if told else None
    counts = element(
        "ul",
        *(element("li", f"{count:,} ", grade_of(grade)) for grade, count in report.grades.items()),
        class_="grades",
    )
    groups = element("div", *map(_group, report.verdicts), class_="grid")
    return joined(counts, element("p", _BANDS, class_="faint"), groups, *told)


_BANDS = (
    "reproduced: within 0.3 points where texts find pictures, 0.5 else; close: within 1. "
    "Incomparable figures have another protocol and are not subtracted. Figures in percent."
)


def grade_of(grade: Grade) -> Html:
    """The word of a verdict, with its sign and colour."""
    sign = element("span", _SIGNS[grade], aria_hidden="true")
    return element("span", sign, f" {grade}", class_=f"grade grade-{grade.replace(' ', '-')}")


def settings(diffs: tuple[SettingsDiff, ...]) -> Html | None:
    """Settings beside those of published figures; None where there are none."""
    if not diffs:
        return None
    return element("div", *map(_settings, diffs), class_="grid")


def _nothing_of(models: tuple[str, ...]) -> Html:
    return element("p", f"Nothing comparable was published of {', '.join(models)}.")


def _group(group: VerdictGroup) -> Html:
    source = (
        element("a", group.source, href=group.address, rel="noreferrer")
        if group.address.startswith("https://")
        else group.source
    )
    about = f"{group.entrant}, {group.system}; published: "
    heads = ("figure", "here", "published", "\u0394", "verdict")
    head = element(
        "tr",
        *(
            element("th", each, scope="col", class_="number" if 0 < at < 4 else None)
            for at, each in enumerate(heads)
        ),
    )
    table = element("table", element("thead", head), element("tbody", *map(_row, group.rows)))
    return element(
        "article",
        element("h3", group.title),
        element("p", about, source, class_="faint"),
        folded("Verdicts", table, rows=len(group.rows)),
        element("ul", *map(_reason, group.reasons), class_="reasons") if group.reasons else None,
    )


def _row(row: VerdictRow) -> Html:
    name = f"{row.language} {row.figure}" if row.language else row.figure
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", row.own, class_="number"),
        element("td", row.published, class_="number"),
        element("td", row.delta.replace("-", "\u2212") or "\u2013", class_="number"),
        element("td", grade_of(row.grade)),
    )


def _reason(reason: Reason) -> Html:
    more = "" if len(reason.of) <= _MOST_NAMED else f" and {len(reason.of) - _MOST_NAMED:,} more"
    of = f" ({', '.join(reason.of[:_MOST_NAMED])}{more})" if reason.of else ""
    return element("li", reason.text, of)


def _settings(diff: SettingsDiff) -> Html:
    head = element(
        "tr", *(element("th", each, scope="col") for each in ("setting", "here", "published"))
    )
    table = element("table", element("thead", head), element("tbody", *map(_setting, diff.rows)))
    return element(
        "article",
        element("h3", diff.title),
        element("p", f"{diff.entrant}; published: {diff.source}", class_="faint"),
        table,
    )


def _setting(row: SettingRow) -> Html:
    shown = element("span", f"{row.own}", class_="differs") if row.differs else row.own
    effect = f" differs ({row.effect})" if row.effect else " differs"
    return element(
        "tr",
        element("th", row.name.replace("_", " "), scope="row"),
        element("td", shown, effect if row.differs else None),
        element("td", row.published),
    )
