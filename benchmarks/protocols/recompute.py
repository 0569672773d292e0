"""The figures of a record, computed again from the ranks that it keeps."""

import math
from collections.abc import Callable, Mapping

from benchmarks.metrics.choices import CHANCE
from benchmarks.protocols.composed import composed_figures
from benchmarks.protocols.figures import (
    DEPTH,
    WAYS,
    choices_figures,
    crossmodal_figures,
    through_figures,
    zeroshot_figures,
)
from benchmarks.records.run import RunRecord
from retrieval.errors import BenchmarkError
from retrieval.model import Int64Array

_LIKE = 1e-9
"""Sums of shares differ by less on another processor."""

_Arrays = Mapping[str, Int64Array]


def _through(record: RunRecord, ranks: _Arrays) -> dict[str, float]:
    counts = record.counts
    pictures = counts["pictures"] + counts.get("distractors", 0)
    return through_figures(ranks, {"t2i": pictures, "i2t": counts["texts"]})


_PROTOCOLS: Mapping[str, Callable[[RunRecord, _Arrays], dict[str, float]]] = {
    "top": lambda record, ranks: zeroshot_figures(ranks, record.counts["classes"]),
    **{f"{way}_within_{DEPTH}": _through for way in WAYS},
    **{way: lambda _, ranks: crossmodal_figures(ranks) for way in WAYS},
    "target": lambda record, ranks: composed_figures(record.key.dataset, ranks),
    **{name: lambda _, ranks: choices_figures(ranks) for name in CHANCE},
}
"""How figures come from ranks, by an array that only this protocol keeps."""


def recomputed(record: RunRecord, ranks: _Arrays) -> dict[str, float] | None:
    """All figures that the ranks of a record give; None where it is no protocol known here.

    Args:
        record: of a run.
        ranks: as `RunFolder.ranks_of` gives them.

    Raises:
        BenchmarkError: an array or a count is missing, or arrays do not fit each other.
    """
    for name, figures in _PROTOCOLS.items():
        if name in ranks:
            try:
                return figures(record, ranks)
            except (KeyError, ValueError, IndexError) as error:
                raise BenchmarkError(
                    f"the ranks of {_what(record)} are damaged: {error}",
                    hint="measure into another folder",
                ) from error
    return None


def check_figures(record: RunRecord, ranks: _Arrays) -> bool:
    """Whether the figures of a record could be held against its ranks; they are what these give.

    Raises:
        BenchmarkError: one is not, or does not come from them at all; or as `recomputed`.
    """
    found = recomputed(record, ranks)
    if found is None:
        return False
    for name, value in record.figures.items():
        if name not in found:
            raise BenchmarkError(
                f"{name} of {_what(record)} cannot be computed from its ranks",
                hint="measure into another folder",
            )
        if not math.isclose(value, found[name], rel_tol=_LIKE, abs_tol=_LIKE):
            raise BenchmarkError(
                f"{name} of {_what(record)} is recorded as {value:.6g}, and its ranks give "
                f"{found[name]:.6g}",
                hint="the record is damaged: measure into another folder",
            )
    return True


def _what(record: RunRecord) -> str:
    key = record.key
    parts = (key.dataset, key.split, key.language, record.model["name"], record.system)
    return " ".join(each for each in parts if each)
