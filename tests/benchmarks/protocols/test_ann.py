"""A whole measurement: every system on a small base, and what the report says of it."""

import json
import venv
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.protocols import ann as protocol
from benchmarks.protocols.ann import AnnOptions, measure_ann
from benchmarks.records.ann import AnnRow
from benchmarks.systems.registry import NAMES, Entry
from retrieval.errors import MissingDependencyError, SettingsError
from tests.benchmarks.kit import DIM, write_vectors

GRAPHS = tuple(name for name in ("hnswlib", "usearch") if find_spec(name))
"""hnswlib has to be compiled, and is not everywhere."""

INSTALLED = ("polyseek", "exact", "gemm", *GRAPHS, "faiss:Flat", "faiss:IVF8,Flat")

NUMBERS = {
    *("recall_text", "recall_text_se", "recall_image", "recall_image_se"),
    *("recall_composed", "recall_composed_se", "ms_b1_composed", "qps_b64_composed"),
    *("x_flat_composed", "x_gemm_composed"),
    *("ms_b1_text", "ms_b1_image", "qps_b64_text", "qps_b64_image"),
    *("x_flat_text", "x_flat_image", "x_gemm_text", "x_gemm_image"),
    *("build_s", "peak_rss_mb", "resident_bytes_per_vector", "disk_bytes_per_vector"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    paths = write_vectors(tmp_path_factory.mktemp("vectors"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.protocols.ann_timing._MOST_CALLS", 3)
        return measure_ann(
            AnnOptions(**paths, systems=INSTALLED, target_recall=0.9, with_curves=True)
        )


def test_the_report_is_one_json_object_of_setting_rows_and_curves(report):
    shown = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert set(shown) == {"setting", "rows", "curves", "baseline_failures"}
    assert shown["baseline_failures"] == []
    assert [row["system"] for row in shown["rows"]] == list(INSTALLED)
    for row in shown["rows"]:
        assert row["failure"] is None
        assert set(row) >= {"system", "spec", "params", *NUMBERS}
        assert all(isinstance(row[name], float) for name in NUMBERS), row
        assert row["ms_b1_text"] > 0
        low, high = row["x_flat_text_quartiles"]
        assert 0 < low <= row["x_flat_text"] <= high
    setting = shown["setting"]
    assert (setting["n"], setting["dim"], setting["k"], setting["rounds"]) == (400, DIM, 10, 7)
    assert (setting["text_queries"], setting["train_texts"]) == (70, 90)


def test_exact_systems_find_everything(report):
    rows = {row.system: row for row in report.rows}
    for name in ("polyseek", "exact", "gemm", "faiss:Flat"):  # ours is exact at this size
        found = (rows[name].recall_text, rows[name].recall_image, rows[name].recall_composed)
        assert found == (1.0, 1.0, 1.0), name
        assert rows[name].recall_text_se == 0
    assert rows["exact"].resident_bytes_per_vector == 0
    assert rows["faiss:Flat"].resident_bytes_per_vector == pytest.approx(4 * DIM, abs=1)
    assert rows["polyseek"].disk_bytes_per_vector > 2 * DIM
    assert rows["polyseek"].page_cache_bytes_per_vector == pytest.approx(2 * DIM, abs=1)


def test_knobs_are_set_on_the_training_texts_and_said(report):
    rows = {row.system: row for row in report.rows}
    for name in GRAPHS:
        assert rows[name].params["ef_text"] >= 10
        assert rows[name].params["tuned_on_texts"] is True
        assert rows[name].recall_text > 0.7
        assert rows[name].params["ef_composed"] >= 10
    assert rows["faiss:IVF8,Flat"].params["nprobe_text"] >= 1


def test_curves_climb_with_the_knob(report):
    assert {point.system for point in report.curves} == {*GRAPHS, "faiss:IVF8,Flat"}
    for modality in ("text", "image", "composed"):
        recalls = [
            point.recall
            for point in report.curves
            if (point.system, point.modality) == ("faiss:IVF8,Flat", modality)
        ]
        assert recalls == sorted(recalls)
        assert recalls[-1] == 1.0


def test_a_base_in_float32_with_equal_rows_and_no_texts(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.protocols.ann_timing._MOST_CALLS", 3)
    paths = write_vectors(tmp_path, dtype=np.float32)
    base = np.load(paths["base"])
    base[100:140] = base[:40]  # one item each to us, two rows to whoever asks
    np.save(paths["base"], base)
    del paths["train_texts"]
    report = measure_ann(AnnOptions(**paths, systems=("polyseek", "exact"), k=3, limit=300))
    assert (report.setting["n"], report.setting["train_texts"]) == (300, None)
    for row in report.rows:  # they keep float16: a near tie may fall otherwise
        assert row.recall_text > 0.98
        assert row.recall_image > 0.98
    assert report.rows[0].params["router"] == "off: no --train-texts"


def test_a_peer_that_is_missing_is_an_error_by_name_and_a_row_by_default(tmp_path, monkeypatch):
    paths = write_vectors(tmp_path)
    monkeypatch.setattr(
        protocol, "find_spec", lambda name: None if name in ("hnswlib", "autofaiss") else name
    )
    with pytest.raises(MissingDependencyError, match="hnswlib needs the package") as caught:
        measure_ann(AnnOptions(**paths, systems=("hnswlib",)))
    assert "--peer-env" in caught.value.hint
    monkeypatch.setattr(protocol, "NAMES", ("hnswlib", "autofaiss"))
    report = measure_ann(AnnOptions(**paths))
    assert [row.system for row in report.rows] == ["hnswlib", "autofaiss"]
    for row in report.rows:
        assert "not installed" in row.failure
        assert row.recall_text is None
        assert not row.available
    assert report.is_complete


CALLS_OF_A_COMPARISON = 2 + 7 * 3


def test_a_baseline_that_dies_is_said_once_and_costs_ratios_only(tmp_path, monkeypatch):
    """One before it opens; the other in the second comparison of the first of two systems."""
    monkeypatch.setattr("benchmarks.protocols.ann_timing._MOST_CALLS", 3)
    module = "tests.benchmarks.odd_systems"
    last = CALLS_OF_A_COMPARISON + 10
    monkeypatch.setattr(protocol, "FLAT", Entry(f"flat:{last}", module, "DiesLater", "json"))
    monkeypatch.setattr(protocol, "PRODUCT", Entry("product", module, "Dies", "json"))
    report = measure_ann(AnnOptions(**write_vectors(tmp_path), systems=("exact", "gemm")))
    assert not report.is_complete
    assert report.baseline_failures == (
        f"no x_flat since its baseline failed: the system flat:{last} died with code 9: "
        "out of memory",
        "no x_gemm since its baseline failed: the system product died with code 7: out of luck",
    )
    first, second = report.rows
    assert first.x_flat_text > 0
    for row in report.rows:
        assert row.failure is None
        for modality in ("text", "image", "composed"):
            assert getattr(row, f"recall_{modality}") == 1.0
            assert getattr(row, f"ms_b1_{modality}") > 0
            assert getattr(row, f"qps_b64_{modality}") > 0
            assert getattr(row, f"x_gemm_{modality}") is None
            assert getattr(row, f"x_gemm_{modality}_quartiles") is None
    lost = [(first, "image"), (first, "composed"), (second, "text"), (second, "composed")]
    assert [getattr(row, f"x_flat_{modality}") for row, modality in lost] == [None] * 4
    shown = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert shown["baseline_failures"] == list(report.baseline_failures)


def test_an_environment_that_does_not_work_is_a_failure_and_one_without_the_peer_is_none(
    tmp_path, monkeypatch
):
    paths = write_vectors(tmp_path)
    monkeypatch.setattr(protocol, "NAMES", ("autofaiss",))
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    theirs = next((environment / "lib").glob("python*/site-packages"))
    (theirs / "numpy").symlink_to(Path(np.__file__).parent)
    lacking = measure_ann(AnnOptions(**paths, peer_env=environment))
    assert (lacking.is_complete, lacking.rows[0].available) == (True, False)
    assert "No module named 'autofaiss'" in lacking.rows[0].failure
    with pytest.raises(MissingDependencyError, match="No module named 'autofaiss'"):
        measure_ann(AnnOptions(**paths, systems=("autofaiss",), peer_env=environment))
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").write_text("no program")
    broken = measure_ann(AnnOptions(**paths, peer_env=environment))
    assert (broken.is_complete, broken.rows[0].available) == (False, True)
    assert "cannot start" in broken.rows[0].failure


STUB = '''
"""What the harness uses of autofaiss."""
import numpy as np

def build_index(embeddings, index_path, max_index_memory_usage, **options):
    import faiss
    rows = np.load(embeddings + "/base.npy")
    index = faiss.index_factory(rows.shape[1], "IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    faiss.write_index(index, index_path)
    print("it is talkative")
    said = {"index_key": "IVF4,Flat", "index_param": "nprobe=4", "memory": np.float32(1)}
    return index, said
'''


def test_peers_run_in_an_environment_of_their_own(tmp_path, monkeypatch):
    """One that has NumPy, FAISS and a stand-in for autofaiss, and knows nothing of polyseek."""
    monkeypatch.setattr("benchmarks.protocols.ann_timing._MOST_CALLS", 3)
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    packages = next((environment / "lib").glob("python*/site-packages"))
    (packages / "autofaiss.py").write_text(STUB)
    theirs = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs", "faiss", "faiss_cpu.libs", "packaging"):
        (packages / name).symlink_to(f"{theirs}/{name}")
    paths = write_vectors(tmp_path)
    report = measure_ann(
        AnnOptions(**paths, systems=("autofaiss", "polyseek"), peer_env=environment)
    )
    assert [row.system for row in report.rows] == ["polyseek", "autofaiss"]
    ours, theirs = report.rows
    assert theirs.failure is None
    assert theirs.spec == "IVF4,Flat"
    assert theirs.recall_text == 1.0
    assert theirs.params["said"]["index_param"] == "nprobe=4"
    allowed = theirs.params["max_index_memory_usage"]
    assert allowed == f"{int(400 * ours.resident_bytes_per_vector)}B"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": ("faiss",)}, "no system 'faiss'"),
        ({"systems": ("annoy",)}, "no system 'annoy'"),
        ({"systems": ("faiss:",)}, "no system 'faiss:'"),
        ({"k": 0}, "k must be at least 1"),
        ({"k": 400}, "k 400 of 400"),
        ({"target_recall": 1.5}, "target recall"),
        ({"rounds": 3}, "3 rounds"),
        ({"threads": 0}, "threads"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, change, message):
    paths = write_vectors(tmp_path)
    with pytest.raises(SettingsError, match=message):
        measure_ann(AnnOptions(**paths, **{"systems": ("exact",), **change}))


def test_an_environment_that_is_none_is_refused(tmp_path):
    paths = write_vectors(tmp_path)
    with pytest.raises(SettingsError, match="no virtual environment"):
        measure_ann(AnnOptions(**paths, peer_env=tmp_path / "none"))


def test_the_names_are_those_of_the_issue_and_rows_have_a_place_for_every_number():
    assert NAMES == ("polyseek", "exact", "gemm", "autofaiss", "hnswlib", "usearch")
    assert {field.name for field in fields(AnnRow)} >= NUMBERS
