"""A nearest-neighbour measurement as tables for a terminal."""

from collections.abc import Sequence

from benchmarks.records.ann import AnnReport, AnnRow
from benchmarks.systems.base import MODALITIES

_SEARCH_HEADS = ("system", "queries", "recall", "ms", "x flat", "x gemm", "qps")
_BUILD_HEADS = ("system", "build s", "peak MB", "bytes", "disk", "spec")


def table(report: AnnReport) -> str:
    """What systems find, a line for each kind of query, and what they are; then what failed."""
    rows = [row for row in report.rows if row.failure is None]
    text: list[str] = []
    if rows:
        searches = [_search_cells(row, each) for row in rows for each in MODALITIES]
        text += _aligned([_SEARCH_HEADS, *searches], left=(0, 1))
        text += ["", *_aligned([_BUILD_HEADS, *map(_build_cells, rows)], left=(0, 5))]
    failed = [f"{row.system}: {row.failure}" for row in report.rows if row.failure is not None]
    failed += report.baseline_failures
    if rows and failed:
        text.append("")
    return "\n".join(text + failed)


def _search_cells(row: AnnRow, modality: str) -> tuple[str, ...]:
    def of(quantity: str) -> float | None:
        value: float | None = getattr(row, quantity)
        return value

    return (
        row.system,
        modality,
        _with_error(of(f"recall_{modality}"), of(f"recall_{modality}_se")),
        _number(of(f"ms_b1_{modality}"), 2),
        _number(of(f"x_flat_{modality}"), 1),
        _number(of(f"x_gemm_{modality}"), 2),
        _number(of(f"qps_b64_{modality}"), 0),
    )


def _build_cells(row: AnnRow) -> tuple[str, ...]:
    return (
        row.system,
        _number(row.build_s, 1),
        _number(row.peak_rss_mb, 0),
        _number(row.resident_bytes_per_vector, 0),
        _number(row.disk_bytes_per_vector, 0),
        row.spec or "",
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _with_error(mean: float | None, error: float | None) -> str:
    return f"{_number(mean, 4)} +- {_number(error, 4)}"


def _aligned(lines: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Columns as wide as their widest cell; those that are named go to the left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
