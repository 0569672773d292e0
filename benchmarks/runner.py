"""Run models on data sets: one record for each protocol, model and way of searching.

What was recorded before, with the same model, data and settings, is not measured again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.datasets.base import Composed, DatasetSpec
from benchmarks.datasets.registry import load
from benchmarks.encoder_settings import settings_of
from benchmarks.environment import Stopwatch, device_of, environment
from benchmarks.features import Features, OnProgress
from benchmarks.plans.base import Planned, RunOptions
from benchmarks.plans.submissions import Submission, submissions
from benchmarks.protocols.recompute import check_figures
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import RunRecord
from benchmarks.repeats import repeat, side_by_side, times_of, uncached
from retrieval.encoders.base import Encoder
from retrieval.store.cached import CacheFolder

OnRecord: TypeAlias = Callable[[RunRecord], None]

OnSubmission: TypeAlias = Callable[[Submission, Path], None]
"""Told what is to be sent to a server, and where it lies."""


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Where a run finds and leaves things.

    Attributes:
        data: folder of the data sets.
        out: of the records.
        cache: of the embeddings.
        on_progress: told what is embedded.
        on_record: told every record, also those that were there.
        threads: that libraries are told to use; None is one a processor.
        on_submission: told every file for a server, which splits without targets give instead.
    """

    data: Path
    out: RunFolder
    cache: CacheFolder
    on_progress: OnProgress | None = None
    on_record: OnRecord | None = None
    threads: int | None = None
    on_submission: OnSubmission | None = None


def run(
    specs: Sequence[DatasetSpec], encoders: Sequence[Encoder], options: RunOptions, bench: Bench
) -> tuple[RunRecord, ...]:
    """Measure every model on every data set.

    Raises:
        DatasetError: the files of a data set are absent, damaged, or others than they should be.
        EncoderUnavailableError: an encoder cannot be had.
        BenchmarkError: on a CPU, a repeat gives other figures or ranks; or what was recorded before
            is damaged.
        LockedError: another process measures into the same folder.
    """
    with bench.out.held():
        found = _measure_all(specs, encoders, options, bench)
        bench.out.write_database()
    return tuple(found)


def _measure_all(
    specs: Sequence[DatasetSpec], encoders: Sequence[Encoder], options: RunOptions, bench: Bench
) -> list[RunRecord]:
    found: list[RunRecord] = []
    for encoder in encoders:
        here = environment(device_of(encoder), bench.threads)
        features = Features(encoder, bench.cache, bench.on_progress)
        all_features = (features, *uncached(encoder, options))
        for spec in specs:
            for data in load(spec, bench.data, options.load):
                features.start_pace()
                if isinstance(data, Composed) and not data.has_targets:
                    _submit(data, features, options, bench)
                    continue
                for planned, *again in side_by_side(data, all_features, options):
                    record = _known(_record(planned, encoder, here), bench.out)
                    if record is None:
                        record = _measured((planned, *again), encoder, here, bench.out)
                        record = replace(record, times={**record.times, **features.pace()})
                        bench.out.add(record)
                    elif again:
                        first = record.figures, bench.out.ranks_of(record) if record.ranks else {}
                        repeat(first, again, encoder)
                    found.append(record)
                    if bench.on_record is not None:
                        bench.on_record(record)
    return found


def _known(wanted: RunRecord, out: RunFolder) -> RunRecord | None:
    """The record of the same measurement, if there is one; its figures come from its ranks."""
    record = out.same_as(wanted)
    if record is not None and record.ranks:
        check_figures(record, out.ranks_of(record))
    return record


def _submit(data: Composed, features: Features, options: RunOptions, bench: Bench) -> None:
    for each in submissions(data, features, options):
        path = bench.out.add_submission(each.name, each.content)
        if bench.on_submission is not None:
            bench.on_submission(each, path)


def _measured(
    all_planned: Sequence[Planned], encoder: Encoder, here: Mapping[str, Any], out: RunFolder
) -> RunRecord:
    """A record of a measurement that is planned as often as it is made."""
    planned, *again = all_planned
    watch = Stopwatch()
    found = planned.evaluate()
    times = watch.read()
    walls = [times["wall_s"], *repeat((found.figures, found.ranks), again, encoder)]
    ranks = out.add_ranks(found.ranks, found.pictures) if found.ranks else ""
    return replace(
        _record(planned, encoder, here),
        figures=found.figures,
        counts={**planned.counts, **found.counts},
        times={**times, **found.times, **times_of(walls)},
        ranks=ranks,
        index=found.index,
    )


def _record(planned: Planned, encoder: Encoder, here: Mapping[str, Any]) -> RunRecord:
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
        settings={**settings_of(encoder), **planned.settings},
        environment=here,
    )
