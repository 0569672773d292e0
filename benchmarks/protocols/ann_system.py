"""Measure one system: build it, set its knob, ask it everything, time it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.ann import MeanRecall
from benchmarks.protocols.ann_baseline import Baseline
from benchmarks.protocols.ann_timing import Arm, Comparison, compare
from benchmarks.protocols.ann_truth import Truth, recall_of
from benchmarks.records.ann import AnnRow, CurvePoint
from benchmarks.systems.base import MODALITIES, Modality, Setting, Task, size_of
from benchmarks.systems.process import WorkerProcess
from benchmarks.systems.registry import Entry

_ENOUGH = 0.9995
"""Recall at which a curve has nothing more to show."""

_CLOSE = 1.1
"""Values of a knob of which the larger is at most so many times the smaller need no third one."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every system is measured with.

    Attributes:
        scratch: folder for queries and answers.
        base: (n, dim) the vectors.
        truth: the queries and their exact answers, by modality.
        tuning: what knobs are set with; no text and no composed queries without
            training texts.
        flat: FAISS's flat index, open, on one thread.
        product: torch's float32 product, open, on all threads.
        k: depth of the rankings.
        batch: queries of a batch.
        rounds: of every timing.
        target_recall: that knobs are set to.
        with_curves: turn each knob through its whole range, too.
    """

    scratch: Path
    base: npt.NDArray[np.floating[Any]]
    truth: Mapping[Modality, Truth]
    tuning: Mapping[Modality, Truth]
    flat: Baseline
    product: Baseline
    k: int
    batch: int
    rounds: int
    target_recall: float
    with_curves: bool

    def files(self, truth: Truth, name: str) -> tuple[Path, Path | None]:
        """The queries as workers read them, and the parts of composed ones."""
        path, parts = self.scratch / f"{name}.npy", self.scratch / f"{name}-parts.npy"
        np.save(path, truth.queries)
        if truth.parts is None:
            return path, None
        np.save(parts, truth.parts)
        return path, parts

    def recall(
        self, worker: WorkerProcess, truth: Truth, setting: Setting
    ) -> tuple[MeanRecall, float]:
        """Recall of all queries, and how many of them a second were answered, in batches."""
        (queries, parts), out = self.files(truth, "asked"), self.scratch / "found.npy"
        answer = worker.ask(
            "search",
            asked={
                "queries": str(queries),
                "parts": None if parts is None else str(parts),
                "k": self.k + truth.extra,
                "batch": self.batch,
                "modality": setting.modality,
                "value": setting.value,
                "start": 0,
                "calls": -(-len(truth.queries) // self.batch),
                "out": str(out),
            },
        )
        found = recall_of(truth, self.base, np.load(out), self.k)
        return MeanRecall.of(found), 1e9 * len(found) / sum(answer["ns"])


def measure_system(
    bench: Bench, entry: Entry, task: Task, python: Path | None
) -> tuple[AnnRow, list[CurvePoint]]:
    """Build, open and measure one system.

    Args:
        bench: what it is measured with.
        entry: of the system.
        task: for it, with an empty folder.
        python: of the environment that it runs in; None is this one.

    Raises:
        BenchmarkError: it failed.
        MissingDependencyError: its package is not installed.
    """
    n = len(bench.base)
    with WorkerProcess(entry, task, python) as worker:
        built, peak = worker.ask_watched("build")
        package_version = worker.version
    on_disk = size_of(Path(task.folder)) or size_of(Path(task.base))
    with WorkerProcess(entry, task, python) as worker:
        about = worker.ask("open")
        settings = _turn_knob(bench, worker, about)
        recall = {
            each: bench.recall(worker, bench.truth[each], settings[each])[0] for each in MODALITIES
        }
        batched = _compare(bench, bench.product, worker, settings, bench.batch)
        curves = _curves(bench, worker, entry, about) if bench.with_curves else []
    with WorkerProcess(entry, replace(task, threads=1), python) as worker:
        before = worker.memory()["RssAnon"]
        opened = worker.ask("open")
        single = _compare(bench, bench.flat, worker, settings, 1)
        anonymous = worker.memory()["RssAnon"] - before
    params = {**about["params"], "library": f"{entry.package} {package_version}".strip()}
    if about["knob"] is not None:
        params |= {f"{about['knob']}_{each}": settings[each].value for each in MODALITIES}
        params["tuned_on_texts"] = "text" in bench.tuning
    row = AnnRow(
        system=entry.name,
        build_s=built["seconds"],
        peak_rss_mb=peak.anonymous_bytes / 1e6,
        resident_bytes_per_vector=about["resident_bytes"] / n,
        disk_bytes_per_vector=on_disk / n,
        spec=about["spec"],
        params=params,
        peak_rss_mapped_mb=peak.total_bytes / 1e6,
        open_ms=opened["ms"],
        anonymous_bytes_per_vector=anonymous / n,
        page_cache_bytes_per_vector=about["page_cache_bytes"] / n,
        **_figures(recall, single, batched, bench.batch),
    )
    return row, curves


def _figures(
    recall: Mapping[Modality, MeanRecall],
    single: Mapping[Modality, Comparison],
    batched: Mapping[Modality, Comparison],
    batch: int,
) -> dict[str, Any]:
    """The fields of a row that there are of every modality."""
    found: dict[str, Any] = {}
    for each in MODALITIES:
        found |= {
            f"recall_{each}": recall[each].mean,
            f"recall_{each}_se": recall[each].standard_error,
            f"ms_b1_{each}": single[each].ours_ms,
            f"qps_b64_{each}": 1000 * batch / batched[each].ours_ms,
            f"x_flat_{each}": single[each].ratio,
            f"x_gemm_{each}": batched[each].ratio,
            f"x_flat_{each}_quartiles": single[each].quartiles,
            f"x_gemm_{each}_quartiles": batched[each].quartiles,
        }
    return found


def _turn_knob(
    bench: Bench, worker: WorkerProcess, about: Mapping[str, Any]
) -> dict[Modality, Setting]:
    """The cheapest value that reaches the target on the tuning queries, for each modality.

    Between the last rung of the ladder that misses it and the first that reaches it, values are
    tried until they lie within a tenth of each other. Without texts to tune with, text and composed
    queries are asked as image queries are.
    """
    values: dict[Modality, int | None] = {}
    for modality, truth in bench.tuning.items():

        def recall_with(value: int, modality: Modality = modality, truth: Truth = truth) -> float:
            return bench.recall(worker, truth, Setting(modality, value))[0].mean

        values[modality] = cheapest_value(about["ladder"], recall_with, bench.target_recall)
    return {each: Setting(each, values.get(each, values["image"])) for each in MODALITIES}


def cheapest_value(
    ladder: Sequence[int], recall_with: Callable[[int], float], target: float
) -> int | None:
    """About the smallest value of a knob that reaches a recall.

    Args:
        ladder: values from small to large, each about twice the one before.
        recall_with: a value; it grows with it.
        target: to be reached.

    Returns:
        The last of the ladder where none reaches it; None where there is no knob.
    """
    missed = 0
    for rung in ladder:
        if recall_with(rung) < target:
            missed = rung
            continue
        value = rung
        while missed and value > _CLOSE * missed:
            between = round(math.sqrt(missed * value))
            if between in (missed, value):
                break
            if recall_with(between) >= target:
                value = between
            else:
                missed = between
        return value
    return ladder[-1] if ladder else None


def _compare(
    bench: Bench,
    baseline: Baseline,
    worker: WorkerProcess,
    settings: Mapping[Modality, Setting],
    batch: int,
) -> dict[Modality, Comparison]:
    found: dict[Modality, Comparison] = {}
    for modality in MODALITIES:
        queries, parts = bench.files(bench.truth[modality], f"timed-{modality}")
        limit = Arm(baseline, queries, bench.k, batch, Setting(modality))
        ours = Arm(worker, queries, bench.k, batch, settings[modality], parts)
        found[modality] = compare(limit, ours, bench.rounds)
    return found


def _curves(
    bench: Bench, worker: WorkerProcess, entry: Entry, about: Mapping[str, Any]
) -> list[CurvePoint]:
    """Recall and speed at every value of the knob; nothing is chosen by it."""
    points = []
    for modality in MODALITIES:
        for value in about["ladder"]:
            setting = Setting(modality, value)
            recall, qps = bench.recall(worker, bench.truth[modality], setting)
            points.append(CurvePoint(entry.name, modality, about["knob"], value, recall.mean, qps))
            if recall.mean >= _ENOUGH:
                break
    return points
