"""One measurement of nearest-neighbour systems: its setting, a row a system, curves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AnnRow:
    """What one system did; None where it was not measured.

    Attributes:
        system: its name.
        recall_text: mean share of the exact k best, text queries; likewise of images and
            of composed queries.
        recall_text_se: standard error of that mean over queries.
        ms_b1_text: median milliseconds of one query alone, on one thread.
        qps_b64_text: queries a second, 64 at a time, on all threads.
        x_flat_text: time of FAISS's flat index over ours, one thread, batch 1: the median over
            interleaved rounds of the ratio of the medians.
        x_flat_text_quartiles: first and third quartile of that ratio over the rounds.
        x_gemm_text: time of torch's float32 product and topk over ours, batch 64, likewise.
        build_s: seconds of the build, in a process of its own, libraries loaded before.
        peak_rss_mb: MB (1e6 bytes) of memory that the build allocated at its peak beyond what the
            process had before (RssAnon, sampled every 10 ms).
        peak_rss_mapped_mb: the same with the pages of files that it read (VmHWM).
        open_ms: of opening what was built, in a fresh process.
        resident_bytes_per_vector: codes, ids, coarse quantiser, router and bias; of a peer, all.
        anonymous_bytes_per_vector: growth of RssAnon from opening and the first searches.
        page_cache_bytes_per_vector: mapped files that a search reads from.
        disk_bytes_per_vector: all files that the build left; of a scan those of the base.
        spec: what the index is.
        params: how it was built and searched.
        failure: why there are no figures.
        available: whether its package is installed; where it is not, `failure` says so.
    """

    system: str
    recall_text: float | None = None
    recall_text_se: float | None = None
    recall_image: float | None = None
    recall_image_se: float | None = None
    recall_composed: float | None = None
    recall_composed_se: float | None = None
    ms_b1_text: float | None = None
    ms_b1_image: float | None = None
    ms_b1_composed: float | None = None
    qps_b64_text: float | None = None
    qps_b64_image: float | None = None
    qps_b64_composed: float | None = None
    x_flat_text: float | None = None
    x_flat_image: float | None = None
    x_flat_composed: float | None = None
    x_gemm_text: float | None = None
    x_gemm_image: float | None = None
    x_gemm_composed: float | None = None
    build_s: float | None = None
    peak_rss_mb: float | None = None
    resident_bytes_per_vector: float | None = None
    disk_bytes_per_vector: float | None = None
    spec: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    x_flat_text_quartiles: tuple[float, float] | None = None
    x_flat_image_quartiles: tuple[float, float] | None = None
    x_flat_composed_quartiles: tuple[float, float] | None = None
    x_gemm_text_quartiles: tuple[float, float] | None = None
    x_gemm_image_quartiles: tuple[float, float] | None = None
    x_gemm_composed_quartiles: tuple[float, float] | None = None
    peak_rss_mapped_mb: float | None = None
    open_ms: float | None = None
    anonymous_bytes_per_vector: float | None = None
    page_cache_bytes_per_vector: float | None = None
    failure: str | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One place of a peer's knob, for the plots.

    Attributes:
        system: its name.
        modality: of the queries, "text", "image" or "composed".
        knob: what was turned.
        value: how far.
        recall: mean share of the exact k best.
        qps: queries a second, 64 at a time, on all threads.
    """

    system: str
    modality: str
    knob: str
    value: int
    recall: float
    qps: float


@dataclass(frozen=True, slots=True)
class AnnReport:
    """A whole measurement.

    Attributes:
        setting: data, machine, versions and options; JSON values.
        rows: one a system, in the order asked for.
        curves: of the peers that have a knob; empty unless plots were asked for.
        baseline_failures: why ratios are missing though their systems were measured; a line for
            each baseline that failed.
    """

    setting: Mapping[str, Any]
    rows: tuple[AnnRow, ...]
    curves: tuple[CurvePoint, ...] = ()
    baseline_failures: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing failed; a system that is not installed has not."""
        failed = any(row.failure is not None and row.available for row in self.rows)
        return not failed and not self.baseline_failures

    def to_json(self) -> dict[str, object]:
        """The report as a JSON object: setting, rows, curves, baseline_failures."""
        return {
            "setting": dict(self.setting),
            "rows": [asdict(row) for row in self.rows],
            "curves": [asdict(point) for point in self.curves],
            "baseline_failures": list(self.baseline_failures),
        }
