"""How an index run is told: the JSON, the summary, the progress."""

import io
from dataclasses import replace

import pytest

from cli.index import as_json, summary
from cli.progress import describe, index_progress
from indexer.captions import TextTally
from indexer.pipeline import Progress
from indexer.service import IndexReport, Skip

REPORT = IndexReport(
    added=1200,
    updated=2,
    moved=1,
    removed=0,
    unchanged=3,
    skipped=(
        Skip(b"/p/a.jpg", "truncated"),
        Skip(b"/p/b\x1b.jpg", "truncated"),
        Skip(b"/p/c.jpg", "truncated"),
        Skip(b"/p/d.jpg", "truncated"),
        Skip(b"/p/\xff.jpg", "empty file"),
    ),
    generation=7,
    seconds=12.34567,
    images_per_second=97.31234,
)


def test_the_report_for_scripts():
    shown = as_json(REPORT)
    skipped = shown.pop("skipped")
    assert shown == {
        "added": 1200,
        "updated": 2,
        "moved": 1,
        "removed": 0,
        "unchanged": 3,
        "texts": None,
        "generation": 7,
        "seconds": 12.346,
        "images_per_second": 97.312,
    }
    assert skipped[0] == {"path": "/p/a.jpg", "reason": "truncated"}
    assert skipped[4]["path_bytes"] == "L3Av/y5qcGc="


def test_the_report_for_people_names_the_top_reasons():
    assert summary(REPORT).splitlines() == [
        "added 1,200, updated 2, moved 1, removed 0, unchanged 3, skipped 5",
        "  4 skipped, truncated: /p/a.jpg, /p/b\\x1b.jpg, /p/c.jpg, ...",
        "  1 skipped, empty file: /p/\ufffd.jpg",
        "generation 7, 12.3 s, 97.3 images/s",
    ]


def test_many_reasons_are_cut_and_counted():
    skipped = tuple(Skip(b"/%d.jpg" % number, f"reason {number}") for number in range(8))
    report = IndexReport(0, 0, 0, 0, 0, skipped, 1, 0.0, 0.0)
    assert summary(report).splitlines()[-2] == "  and 3 more reasons; --json lists every file"


def test_captions_are_told_where_there_are_any():
    texts = TextTally(3, 1, 2, [Skip(b"/l.csv:7", "caption without image")])
    report = replace(REPORT, texts=texts)
    assert summary(report).splitlines()[1] == (
        "captions: added 3, removed 1, unchanged 2, skipped 1 (/l.csv:7: caption without image)"
    )
    assert as_json(report)["texts"] == {
        "added": 3,
        "removed": 1,
        "unchanged": 2,
        "skipped": [{"path": "/l.csv:7", "reason": "caption without image"}],
    }
    assert len(summary(replace(REPORT, texts=TextTally())).splitlines()) == 4


def test_a_dry_run_says_would():
    assert summary(REPORT, dry_run=True).startswith("would be added 1,200")


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(0, 10, 0, 0, 0.0, None), "0.0 images/s"),
        (Progress(5, 10, 0, 0, 2.0, 2.5), "2.0 images/s, 0:00:02 left"),
        (Progress(5, 10, 3, 0, 2.0, 3725.2), "2.0 images/s, 1:02:05 left, 3 skipped"),
    ],
)
def test_the_line_beside_the_bar(progress, line):
    assert describe(progress) == line


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_bar_without_a_terminal_or_with_quiet(monkeypatch, capsys):
    with index_progress(quiet=False) as draw:
        assert draw is None
    monkeypatch.setattr("sys.stderr", Terminal())
    with index_progress(quiet=True) as draw:
        assert draw is None
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.stderr", terminal)
    with index_progress(quiet=False) as draw:
        draw(Progress(5, 10, 1, 0, 2.0, 2.5))
    assert "looking for images" in terminal.getvalue()
    assert "1 skipped" in terminal.getvalue()


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch):
    class Gone(Terminal):
        def write(self, text):
            raise OSError(5, "Input/output error")

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Gone())
    with index_progress(quiet=False) as draw:
        draw(Progress(5, 10, 1, 0, 2.0, 2.5))
