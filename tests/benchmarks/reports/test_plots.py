"""Plots and tables of a measurement that is written down here."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from benchmarks.records.ann import AnnReport, AnnRow, CurvePoint
from benchmarks.reports.ann_table import table
from benchmarks.reports.plots import _height, _recall_at, draw_pareto, marks, pareto


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
        "recall@10",
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


def test_long_names_stand_on_lines_of_their_own_and_are_not_said_again(report):
    name, short = "faiss:OPQ64_256,IVF1024_HNSW32,PQ64x4fsr", "faiss:IVF1024,PQ64x4fs"
    rows = (replace(report.rows[0], system=name, spec=name.removeprefix("faiss:")),)
    rows += (replace(report.rows[0], system=short, spec=short.removeprefix("faiss:")),)
    lines = table(replace(report, rows=rows)).splitlines()
    assert (lines[1], lines[8]) == (name, "")
    assert [line.split()[0] for line in lines[2:6]] == ["text", "image", "composed", short]
    assert [line.split() for line in lines[10:]] == [
        [name],
        ["-", "-", "150", "-"],
        [short, "-", "-", "150", "-"],
    ]
    assert max(map(len, lines)) <= 80


def test_ratios_far_below_one_keep_two_digits(report):
    rows = (replace(report.rows[0], x_flat_text=0.063, x_flat_image=14.204),)
    text, image = table(replace(report, rows=rows)).splitlines()[1:3]
    assert (text.split()[6], image.split()[6]) == ("0.06", "14.20")


def test_the_axis_of_recall_goes_by_what_is_missed_up_to_one():
    assert _height([0.0, 0.9, 0.99, 1.0]) == pytest.approx([0, 1, 2, 3], abs=0.05)
    recalls = np.linspace(0, 1, 101)
    assert _recall_at(_height(recalls)) == pytest.approx(recalls)
    assert np.isfinite(_height(1.5))


@pytest.mark.parametrize(("threads", "said"), [(1, ", 1 thread -->"), (2, ", 2 threads -->")])
def test_plots_name_threads_and_the_front_if_there_is_one(report, tmp_path, threads, said):
    report = replace(report, setting={**report.setting, "threads": threads})
    draw_pareto(report, tmp_path)
    speeds = (tmp_path / "recall-qps-text.svg").read_text()
    assert said in speeds
    assert "<!-- not beaten in both -->" in speeds
    assert "not beaten" not in (tmp_path / "recall-bytes-text.svg").read_text()  # one beats all


def test_the_table_says_once_why_ratios_are_missing(report):
    lost = "no x_flat since its baseline failed: the system faiss:Flat died with code -9:"
    lines = table(replace(report, baseline_failures=(lost,))).splitlines()
    assert lines[:-1] == table(report).splitlines()
    assert lines[-1] == lost


def test_a_table_of_nothing_but_failures_has_no_heads():
    rows = (AnnRow("absent", failure="needs the package absent"),)
    assert table(AnnReport({}, rows)) == "absent: needs the package absent"
