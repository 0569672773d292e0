"""A nearest-neighbour measurement as a table for a terminal."""

from collections.abc import Sequence

from benchmarks.records.ann import AnnReport, AnnRow

_HEADS = (
    "system",
    "text R",
    "image R",
    "ms text",
    "ms image",
    "x flat text",
    "x flat image",
    "x gemm text",
    "x gemm image",
    "build s",
    "peak MB",
    "bytes",
    "disk",
    "spec",
)


def table(report: AnnReport) -> str:
    """One line a system, numbers to the right; what failed says why below."""
    lines = [_HEADS, *(_cells(row) for row in report.rows if row.failure is None)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEADS))]
    text = [_aligned(line, widths) for line in lines]
    text += [f"{row.system}: {row.failure}" for row in report.rows if row.failure is not None]
    return "\n".join(text)


def _cells(row: AnnRow) -> tuple[str, ...]:
    return (
        row.system,
        _with_error(row.recall_text, row.recall_text_se),
        _with_error(row.recall_image, row.recall_image_se),
        _number(row.ms_b1_text, 2),
        _number(row.ms_b1_image, 2),
        _number(row.x_flat_text, 1),
        _number(row.x_flat_image, 1),
        _number(row.x_gemm_text, 2),
        _number(row.x_gemm_image, 2),
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


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if at in (0, len(line) - 1) else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
