"""Plots and tables of a measurement that is written down here."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image

from benchmarks.records.ann import AnnReport, AnnRow, CurvePoint
from benchmarks.reports.ann_table import table
from benchmarks.reports.plots import draw_pareto, marks, pareto


def row(system, recall, qps, size):
    return AnnRow(
        system,
        recall_text=recall,
        recall_text_se=0.001,
        recall_image=recall,
        recall_image_se=0.001,
        recall_composed=recall,
        recall_composed_se=0.001,
        qps_b64_text=qps,
        qps_b64_image=2 * qps,
        qps_b64_composed=3 * qps,
        resident_bytes_per_vector=size,
        spec="some,spec",
    )


@pytest.fixture
def report():
    setting = {"n": 1000, "dim": 64, "k": 10, "threads": 2, "target_recall": 0.95}
    rows = (
        row("ours", 0.96, 4000.0, 150.0),
        row("scan", 1.0, 300.0, 0.0),
        row("worse", 0.9, 200.0, 2300.0),
        AnnRow("absent", failure="needs the package absent"),
    )
    curves = tuple(
        CurvePoint("worse", "text", "ef", ef, 0.7 + ef / 1000, 40_000 / ef) for ef in (16, 64, 256)
    )
    return AnnReport(setting, rows, curves)


def test_the_front_is_what_none_beats_in_both():
    points = [(1.0, 0.9), (2.0, 0.8), (2.0, 0.7), (3.0, 0.75), (1.5, 0.7), (1.0, 0.9)]
    assert pareto(points, more_is_better=True) == [(1.0, 0.9), (2.0, 0.8), (3.0, 0.75)]
    assert pareto(points, more_is_better=False) == [(1.0, 0.9)]
    assert pareto([], more_is_better=True) == []


def test_systems_without_figures_have_no_mark(report):
    assert marks(report, "text", "qps") == {
        "ours": (4000.0, 0.96),
        "scan": (300.0, 1.0),
        "worse": (200.0, 0.9),
    }
    assert marks(report, "image", "bytes")["scan"] == (0.0, 1.0)


def test_every_plot_is_drawn_twice_and_shows_what_it_should(report, tmp_path):
    written = draw_pareto(report, tmp_path)
    assert sorted(path.name for path in written) == sorted(
        f"recall-{quantity}-{modality}.{form}"
        for quantity in ("qps", "bytes")
        for modality in ("text", "image", "composed")
        for form in ("svg", "png")
    )
    for path in written:
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert min(image.size) > 400
                assert len(set(image.convert("L").resize((60, 60)).tobytes())) > 10
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
            text = path.read_text()
            for word in ("ours", "scan", "worse", "recall@10"):
                assert f"<!-- {word} -->" in text
            assert "<!-- absent -->" not in text


def test_the_table_has_a_line_a_search_and_says_what_failed(report):
    lines = table(report).splitlines()
    assert lines[0].split() == [
        "system",
        "queries",
        "recall",
        "ms",
        "x",
        "flat",
        "x",
        "gemm",
        "qps",
    ]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["ours", "text"],
        ["ours", "image"],
        ["ours", "composed"],
    ]
    assert lines[3].split()[2:] == ["0.9600", "+-", "0.0010", "-", "-", "-", "12000"]
    assert lines[12].split() == ["ours", "-", "-", "150", "-", "some,spec"]
    assert lines[-1] == "absent: needs the package absent"
    assert len(lines) == 1 + 9 + 1 + 1 + 3 + 1 + 1
    assert max(map(len, lines)) <= 80


def test_the_table_says_once_why_ratios_are_missing(report):
    lost = "no x_flat since its baseline failed: the system faiss:Flat died with code -9:"
    lines = table(replace(report, baseline_failures=(lost,))).splitlines()
    assert lines[:-1] == table(report).splitlines()
    assert lines[-1] == lost


def test_a_table_of_nothing_but_failures_has_no_heads():
    rows = (AnnRow("absent", failure="needs the package absent"),)
    assert table(AnnReport({}, rows)) == "absent: needs the package absent"
