"""A nearest-neighbour measurement as tables for a terminal."""

from collections.abc import Mapping, Sequence

from benchmarks.records.ann import AnnReport, AnnRow
from benchmarks.systems.base import MODALITIES

_BUILD_HEADS = ("system", "build s", "peak MB", "bytes/vec", "disk/vec", "spec")

_LONGEST_NAME = 22
"""Of a system that stands in the line of its figures, so that they fit into 80 columns."""

Cells = tuple[str, ...]


def table(report: AnnReport) -> str:
    """What systems find, a line for each kind of query, and what they are; then what failed."""
    rows = [row for row in report.rows if row.failure is None]
    text: list[str] = []
    if rows:
        heads = ("system", "queries", f"recall@{report.setting['k']}", "ms", "x flat", "x gemm")
        searches = {row.system: [_search_cells(row, each) for each in MODALITIES] for row in rows}
        text += _aligned((*heads, "qps"), searches, left=(0, 1))
        builds = {row.system: [_build_cells(row)] for row in rows}
        text += ["", *_aligned(_BUILD_HEADS, builds, left=(0, 5))]
    failed = [f"{row.system}: {row.failure}" for row in report.rows if row.failure is not None]
    failed += report.baseline_failures
    if rows and failed:
        text.append("")
    return "\n".join(text + failed)


def _search_cells(row: AnnRow, modality: str) -> Cells:
    def of(quantity: str) -> float | None:
        value: float | None = getattr(row, quantity)
        return value

    return (
        modality,
        _with_error(of(f"recall_{modality}"), of(f"recall_{modality}_se")),
        _number(of(f"ms_b1_{modality}"), 2),
        _number(of(f"x_flat_{modality}"), 2),
        _number(of(f"x_gemm_{modality}"), 2),
        _number(of(f"qps_b64_{modality}"), 0),
    )


def _build_cells(row: AnnRow) -> Cells:
    is_in_name = row.system == f"faiss:{row.spec}"
    return (
        _number(row.build_s, 1),
        _number(row.peak_rss_mb, 0),
        _number(row.resident_bytes_per_vector, 0),
        _number(row.disk_bytes_per_vector, 0),
        "" if row.spec is None or is_in_name else row.spec,
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _with_error(mean: float | None, error: float | None) -> str:
    return f"{_number(mean, 4)} +- {_number(error, 4)}"


def _aligned(
    heads: Cells, figures: Mapping[str, Sequence[Cells]], left: Sequence[int]
) -> list[str]:
    """Columns as wide as their widest cell; those that are named go to the left.

    A system whose name is long has it on a line above its figures.
    """
    lines = [heads]
    for name, cells in figures.items():
        shown = "" if len(name) > _LONGEST_NAME else name
        lines += [(shown, *each) for each in cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    drawn = [
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    result, rest = drawn[:1], drawn[1:]
    for name, cells in figures.items():
        result += [name] if len(name) > _LONGEST_NAME else []
        result, rest = result + rest[: len(cells)], rest[len(cells) :]
    return result
