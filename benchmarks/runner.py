"""Run models on data sets: one record for each protocol, model and way of searching.

What was recorded before, with the same model, data and settings, is not measured again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.datasets.base import DatasetSpec
from benchmarks.environment import Stopwatch, environment
from benchmarks.features import Features, OnProgress
from benchmarks.plans.base import Planned, RunOptions
from benchmarks.plans.plan import plan
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import RunRecord
from retrieval.encoders.base import Encoder
from retrieval.store.cached import CacheFolder

OnRecord: TypeAlias = Callable[[RunRecord], None]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Where a run finds and leaves things.

    Attributes:
        data: folder of the data sets.
        out: of the records.
        cache: of the embeddings.
        on_progress: told what is embedded.
        on_record: told every record, also those that were there.
    """

    data: Path
    out: RunFolder
    cache: CacheFolder
    on_progress: OnProgress | None = None
    on_record: OnRecord | None = None


def run(
    specs: Sequence[DatasetSpec], encoders: Sequence[Encoder], options: RunOptions, bench: Bench
) -> tuple[RunRecord, ...]:
    """Measure every model on every data set.

    Raises:
        DatasetError: the files of a data set are absent, damaged, or others than they should be.
        EncoderUnavailableError: an encoder cannot be had.
    """
    found: list[RunRecord] = []
    here = environment()
    for encoder in encoders:
        features = Features(encoder, bench.cache, bench.on_progress)
        for spec in specs:
            for data in spec.load(bench.data / spec.folder, options.load):
                for planned in plan(data, features, options):
                    record = _known(planned, encoder, bench.out)
                    if record is None:
                        record = _measured(planned, encoder, here, bench.out)
                    found.append(record)
                    if bench.on_record is not None:
                        bench.on_record(record)
    bench.out.write_database()
    return tuple(found)


def _known(planned: Planned, encoder: Encoder, out: RunFolder) -> RunRecord | None:
    """The record of the same measurement, if there is one."""
    wanted = _record(planned, encoder).identity
    return next((each for each in out.records() if each.identity == wanted), None)


def _measured(
    planned: Planned, encoder: Encoder, here: Mapping[str, Any], out: RunFolder
) -> RunRecord:
    watch = Stopwatch()
    found = planned.evaluate()
    ranks = out.add_ranks(found.ranks) if found.ranks else ""
    record = replace(
        _record(planned, encoder),
        figures=found.figures,
        counts={**planned.counts, **found.counts},
        environment=here,
        times={**watch.read(), **found.times},
        ranks=ranks,
    )
    out.add(record)
    return record


def _record(planned: Planned, encoder: Encoder) -> RunRecord:
    """What is known of a record before anything is measured."""
    info = encoder.info
    return RunRecord(
        key=planned.key,
        system=planned.system,
        figures={},
        counts=planned.counts,
        model={
            "name": info.name,
            "fingerprint": info.fingerprint,
            "dim": info.dim,
            "parts": dict(info.parts),
        },
        data=planned.data,
        settings=planned.settings,
    )
