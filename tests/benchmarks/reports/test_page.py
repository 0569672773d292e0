"""The page: whole, closed in itself, safe, and readable under both schemes."""

import itertools
from xml.etree import ElementTree

import pytest

from benchmarks.reports.drawn import drawn
from benchmarks.reports.page.inline_svg import inline_svg
from benchmarks.reports.page.markup import element, joined
from benchmarks.reports.page.page import render_page
from benchmarks.reports.palette import COLOURS, RANK_BINS, SERIES, contrast, letters_on
from benchmarks.reports.shown.failures import Failure, Failures, Item
from benchmarks.reports.shown.report import report_of
from tests.benchmarks.reports.kit import Page, babel, folder_of, ranked, record

SCRIPT = '<script>alert("1")</script> & \u732b'


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with something for every section."""
    folder = folder_of(tmp_path_factory.mktemp("run"))
    ranks = ranked(folder, t2i=[1, 2, 300], i2t=[1, 7])
    folder.add(record(ranks=ranks))
    folder.add(record("strange $x_1$ <b>", ranks=ranks))
    through = {"figures": {"t2i_r@1": 0.2, "ann_recall@10": 0.9}}
    folder.add(record(system="auto", times={"t2i_index_ms": 0.1, "t2i_exact_ms": 2.0}, **through))
    for code, n_classes, share in (("DE", 738, 0.3), ("SW", 220, 0.1), ("EN", 1000, 0.6)):
        folder.add(babel(code, n_classes, share))
    for code in ("de", "fr"):
        figures = {"figures": {"t2i_r@1": 0.5}}
        folder.add(record("mini", dataset="xtd", language=code, captions="", **figures))
    return folder


@pytest.fixture(scope="module")
def failures():
    failed = Failure("t2i", 300, Item(SCRIPT), Item(SCRIPT), Item("\u202eright to left"))
    return (Failures("coco test", "mini", (failed,)),)


@pytest.fixture(scope="module")
def text(run, failures):
    report = report_of(run, failures)
    return render_page(report, drawn(report))


def test_every_element_is_closed_and_nothing_is_asked_for(text):
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    asked = [link for link in page.links if not link[2].startswith(("#", "data:"))]
    assert {(tag, name) for tag, name, _ in asked} <= {("a", "href")}
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    inner = [link[2][1:] for link in page.links if link[2].startswith("#")]
    assert set(inner) <= set(page.ids)
    for banned in ("url(http", "@import", "javascript:"):
        assert banned not in text


def test_every_section_is_there_once_and_linked(text):
    page = Page(text)
    assert page.heads == [
        "verdicts", "recall", "languages", "indexes", "ranks", "failures", "settings", "figures",
        "provenance",
    ]  # fmt: skip
    assert {f"#{name}" for name in page.heads} <= {link[2] for link in page.links}


def test_an_empty_section_leaves_no_hole(tmp_path):
    folder = folder_of(tmp_path, record("mini", figures={"some_measure": 0.5}))
    report = report_of(folder)
    page = Page(render_page(report, drawn(report)))
    assert page.heads == ["verdicts", "figures", "provenance"]
    assert "Nothing comparable was published of mini." in page.text


def test_what_people_wrote_is_text(text):
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; \u732b" in text
    assert "<b>" not in text
    assert "strange $x_1$ <b>" in Page(text).text


def test_verdicts_are_words_as_well_as_colours(text):
    page = Page(text)
    for word in ("reproduced", "not reproduced", "incomparable"):
        assert word in page.text
    assert ("span", {"class": "grade grade-not-reproduced"}) in page.tags


def test_those_who_do_not_see_are_told(text):
    page = Page(text)
    heads = [given for tag, given in page.tags if tag == "th"]
    assert all(given.get("scope") in ("col", "row") for given in heads)
    plots = [given for tag, given in page.tags if tag == "svg"]
    assert len(plots) > 5
    assert all(given["role"] == "img" and given["aria-label"] for given in plots)
    scrolled = [given for _, given in page.tags if given.get("class") == "scroll"]
    assert all(given["tabindex"] == "0" and given["aria-label"] for given in scrolled)


def test_the_same_run_gives_the_same_page_and_plots(run, failures, text):
    report = report_of(run, failures)
    again = drawn(report)
    assert render_page(report, again) == text
    assert again.all == drawn(report).all


def test_plots_follow_the_scheme_on_the_page_and_not_in_files(run):
    report = report_of(run)
    plot = drawn(report).recalls[0]
    assert ElementTree.fromstring(plot.svg).tag.endswith("svg")
    assert SERIES[0] in plot.svg.decode()
    inline = inline_svg(plot)
    assert SERIES[0] not in inline
    assert "var(--series-1)" in inline
    assert "<?xml" not in inline
    assert "http" not in inline


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_are_read_on_their_grounds(scheme):
    shown = {name: getattr(each, scheme) for name, each in COLOURS.items()}
    pairs = [*itertools.product(("ink", "faint", "accent"), ("paper", "tile"))]
    pairs += [(name, f"{name}-tile") for name in ("good", "near", "bad", "apart")]
    for letters, ground in pairs:
        assert contrast(shown[letters], shown[ground]) >= 4.5, (letters, ground)
    for name in shown:
        if name.startswith("series-"):
            assert contrast(shown[name], shown["paper"]) >= 3, name


def test_numbers_are_read_on_their_bins():
    assert contrast("#000000", "#ffffff") == 21
    for colour in RANK_BINS:
        assert contrast(letters_on(colour), colour) >= 4.5


def test_markup_escapes_all_but_markup():
    inner = element("b", "<&", None, title='"')
    assert inner == '<b title="&quot;">&lt;&amp;</b>'
    assert element("p", inner, hidden=True, id=None) == f"<p hidden>{inner}</p>"
    assert element("img", src="a", aria_label="b") == '<img src="a" aria-label="b">'
    assert joined("\x00\ud800", inner) == f"\ufffd\ufffd{inner}"
