"""Records of means over the parts of a data set, where papers report such means.

They are worked out of the records of the parts whenever they are wanted, and never written: the
parts hold all that they come from.

Source: H. Wu et al., "Fashion IQ", CVPR 2021: R@10 and R@50, the mean of the three categories,
whatever their number of queries.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from benchmarks.records.run import RunRecord
from retrieval.encoders.fingerprint import canonical_json

_PARTS = {"fashioniq": ("val dress", "val shirt", "val toptee")}
"""Splits whose mean is published, by data set."""

_WHOLE = {"fashioniq": "val"}
"""What the split of the mean is called."""


def means_of(records: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """A record of the mean for each model, way of searching and settings that all parts have.

    Its figures are the means of those that all parts have, its counts are sums, and it names its
    parts in its settings ("mean_of"). It has no ranks.

    Args:
        records: of any data sets; of several records of one part the last counts.
    """
    groups: dict[str, dict[str, RunRecord]] = {}
    for each in records:
        if each.key.split in _PARTS.get(each.key.dataset, ()):
            groups.setdefault(_alike(each), {})[each.key.split] = each
    return tuple(_means(groups.values()))


def _means(groups: Iterable[dict[str, RunRecord]]) -> Iterator[RunRecord]:
    for found in groups:
        names = _PARTS[next(iter(found.values())).key.dataset]
        if all(name in found for name in names):
            yield _mean([found[name] for name in names])


def _mean(parts: Sequence[RunRecord]) -> RunRecord:
    first = parts[0]
    shared = [name for name in first.figures if all(name in each.figures for each in parts)]
    counted = [name for name in first.counts if all(name in each.counts for each in parts)]
    galleries = dict.fromkeys(each.key.gallery for each in parts)
    return replace(
        first,
        key=replace(first.key, split=_WHOLE[first.key.dataset], gallery="; ".join(galleries)),
        figures={name: sum(each.figures[name] for each in parts) / len(parts) for name in shared},
        counts={name: sum(each.counts[name] for each in parts) for name in counted},
        data={
            **first.data,
            "annotations": {k: v for each in parts for k, v in each.data["annotations"].items()},
            "pictures": " ".join(each.data["pictures"] for each in parts),
            "missing": [name for each in parts for name in each.data["missing"]],
        },
        settings={**first.settings, "mean_of": [each.key.split for each in parts]},
        times={},
        ranks="",
    )


def _alike(record: RunRecord) -> str:
    """What the parts of one mean share, as one line."""
    key = replace(record.key, split="", gallery="")
    what = [record.key.dataset, repr(key), record.system, record.model["fingerprint"]]
    return canonical_json([*what, record.settings])
