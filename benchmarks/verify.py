"""Figures of records beside published ones, and beside the ranks that they come from."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.datasets.sources import unknown_files
from benchmarks.protocols.recompute import check_figures
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import EXACT, RunRecord
from benchmarks.reference.models import published_as
from benchmarks.reference.settings import Settings, of_encoder
from benchmarks.reference.verdicts import Measured, Verdict, of_counts, verdict_of

_SUPERVISED = "conse"
"""How the method of a space begins whose image tower is a classifier of ImageNet's classes."""

_METHODS = {"sum": "image+text", "slerp:0.9": "Slerp (no training)"}
"""What polyseek calls a way to compose, and what the tables call it.

The authors of Slerp have 0.9 on CIRR, and put their words into a prompt that is not told.
"""

_APART = ("_rank", "_mrr", "_pessimistic")
"""Endings of figures that nobody publishes as shares."""


def verdicts(record: RunRecord) -> dict[str, Verdict]:
    """The verdict on each figure of a record of which something was published."""
    model = published_as(record.model["name"])
    if model is None:
        return {}
    parts: Mapping[str, str] = record.model["parts"]
    settings = settings_of(record)
    method = record.settings.get("compose", "")
    per_class = record.counts.get("pictures_per_class")
    found = {}
    for name, value in record.figures.items():
        if name.endswith(_APART) or not 0 <= value <= 1:
            continue
        verdict = verdict_of(
            Measured(
                model,
                name,
                value,
                record.key,
                settings,
                record.counts,
                _METHODS.get(method, method),
                is_exact=record.system == EXACT,
                pictures_per_class=per_class,
                unknown_files=unknown_files(record.key.dataset, record.data["annotations"]),
                trained_on_classes=parts.get("method", "").startswith(_SUPERVISED),
            )
        )
        if verdict is not None:
            found[name] = verdict
    return found


def settings_of(record: RunRecord) -> Settings:
    """What is known of how a record came about: from itself, its encoder and its counts."""
    told = Settings.of(record.settings).filled_from(of_encoder(record.model["parts"]))
    return told.filled_from(of_counts(record.counts))


def unchecked(folder: RunFolder) -> Sequence[RunRecord]:
    """Compute the figures of all records again -> those of which too little is kept for that.

    Raises:
        BenchmarkError: a figure is not what the ranks of its record give, or they are damaged.
    """
    return [
        each
        for each in folder.records()
        if not each.ranks or not check_figures(each, folder.ranks_of(each))
    ]


def as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as documented for scripts."""
    reference = verdict.reference
    return {
        "verdict": verdict.grade,
        "delta_pp": verdict.delta_pp,
        "published": reference.share,
        "source": reference.source.title,
        "is_verified": reference.is_verified,
        "reasons": list(verdict.reasons),
    }
