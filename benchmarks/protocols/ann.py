"""Measure nearest-neighbour systems on given vectors: recall, speed, memory, disk.

Each system builds in a process of its own and serves from two fresh ones: with one thread, where
single queries are timed against FAISS's flat index, and with all, where batches are timed against
torch's float32 product. Recall is computed here, from the row numbers that came back. No query
trains or tunes anything: a knob is set on rows of the base and on the texts given for it.
"""

import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.protocols.ann_baseline import Baseline
from benchmarks.protocols.ann_composed import compose_pairs, pair_up
from benchmarks.protocols.ann_inputs import AnnInputs, read_inputs
from benchmarks.protocols.ann_system import Bench, measure_system
from benchmarks.protocols.ann_truth import Truth, find_truth
from benchmarks.records.ann import AnnReport, AnnRow, CurvePoint
from benchmarks.systems.base import Modality, Task
from benchmarks.systems.process import WorkerProcess
from benchmarks.systems.registry import FLAT, NAMES, PRODUCT, Entry, find_system
from retrieval.errors import BenchmarkError, MissingDependencyError, SettingsError

FEWEST_ROUNDS = 7

BATCH = 64

_TUNING_QUERIES = 500
"""Of each modality, that a peer's knob is set with."""


@dataclass(frozen=True, slots=True)
class AnnOptions:
    """What to measure.

    Attributes:
        base: .npy file of the vectors to index, (n, dim) unit rows.
        text_queries: .npy file.
        image_queries: .npy file.
        train_texts: .npy file of texts to train and tune with, none of them a query; None trains
            no router.
        k: depth of the rankings.
        target_recall: that systems are tuned to.
        systems: by name, in order; () takes all that are installed and says which are not.
        limit: rows of the base to take; None takes all.
        peer_env: a virtual environment for the peers that are not installed here.
        rounds: of every timing.
        threads: of builds and batches.
        with_curves: turn each peer's knob through its whole range, too.
        seed: of everything random.
    """

    base: Path
    text_queries: Path
    image_queries: Path
    train_texts: Path | None = None
    k: int = 10
    target_recall: float = 0.95
    systems: tuple[str, ...] = ()
    limit: int | None = None
    peer_env: Path | None = None
    rounds: int = FEWEST_ROUNDS
    threads: int = 1
    with_curves: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Planned:
    """A system that will be measured and where it runs, or the row that says why it will not."""

    entry: Entry
    python: Path | None = None
    row: AnnRow | None = None


def measure_ann(
    options: AnnOptions, on_progress: Callable[[str], None] = lambda _: None
) -> AnnReport:
    """Measure every system, one after the other.

    Args:
        options: what to measure.
        on_progress: called with a line as each stage begins.

    Returns:
        One row a system. One that fails on the way has a row that says so; a baseline that fails
        leaves the ratios empty from then on.

    Raises:
        SettingsError: an option is out of range, or a system is unknown.
        SourceError: a file is not what it should be.
        MissingDependencyError: a system was asked for by name and is not installed, or FAISS is
            not, which every measurement compares with.
    """
    _check_options(options)
    plan = _plan(options)
    rows = [each.row for each in plan if each.row is not None]
    inputs = read_inputs(
        options.base,
        {"text": options.text_queries, "image": options.image_queries},
        options.train_texts,
        options.limit,
    )
    if options.k >= len(inputs.base):
        raise SettingsError(f"k {options.k} of {len(inputs.base)} vectors", hint="take a smaller k")
    if len(rows) == len(plan):
        return AnnReport(_setting(options, inputs), tuple(rows))
    rows = []
    curves: list[CurvePoint] = []
    with tempfile.TemporaryDirectory(prefix="polyseek-bench-") as scratch, ExitStack() as open_now:
        on_progress("finding the exact answers")
        task = _write_inputs(Path(scratch), options, inputs)
        bench = _set_up(Path(scratch), options, inputs, task, open_now)
        for planned in plan:
            if planned.row is not None:
                rows.append(planned.row)
                continue
            on_progress(f"measuring {planned.entry.name}")
            folder = Path(scratch, "system")
            folder.mkdir()
            own = replace(
                task,
                folder=str(folder),
                option=planned.entry.option,
                memory_bytes=_memory_bytes(rows, inputs),
            )
            try:
                row, points = measure_system(bench, planned.entry, own, planned.python)
                curves += points
            except (BenchmarkError, MissingDependencyError) as error:
                row = AnnRow(planned.entry.name, failure=str(error))
            rows.append(row)
            shutil.rmtree(folder)
    lost = tuple(each.failure for each in (bench.flat, bench.product) if each.failure is not None)
    return AnnReport(_setting(options, inputs), tuple(rows), tuple(curves), lost)


def _check_options(options: AnnOptions) -> None:
    if options.k < 1:
        raise SettingsError(f"k must be at least 1, got {options.k}")
    if not 0 < options.target_recall <= 1:
        raise SettingsError(
            f"a target recall of {options.target_recall} cannot be", hint="name one in (0, 1]"
        )
    if options.rounds < FEWEST_ROUNDS:
        raise SettingsError(
            f"{options.rounds} rounds are too few for quartiles",
            hint=f"take at least {FEWEST_ROUNDS}",
        )
    if options.threads < 1:
        raise SettingsError(f"threads must be at least 1, got {options.threads}")


def _plan(options: AnnOptions) -> list[_Planned]:
    entries = [find_system(name) for name in dict.fromkeys(options.systems or NAMES)]
    # autofaiss gets the memory that ours took, so ours goes first.
    entries.sort(key=lambda entry: entry.name != NAMES[0])
    python = None
    if options.peer_env is not None:
        python = options.peer_env / "bin" / "python"
        if not python.exists():
            raise SettingsError(
                f"no virtual environment in {options.peer_env}",
                hint="make one with `python -m venv` and install the peers there",
            )
    if find_spec("faiss") is None:
        raise MissingDependencyError(
            "every measurement compares with FAISS, which is not installed",
            hint="install polyseek[cpu]",
        )
    return [_place(entry, python, is_asked=bool(options.systems)) for entry in entries]


def _place(entry: Entry, peer_python: Path | None, *, is_asked: bool) -> _Planned:
    if not entry.is_peer or find_spec(entry.package) is not None:
        return _Planned(entry)
    reason = f"the system {entry.name} needs the package {entry.package}, which is not installed"
    try:
        if peer_python is not None:
            WorkerProcess(entry, Task("", ""), peer_python).close()
            return _Planned(entry, peer_python)
    except BenchmarkError as error:  # it is there, and does not work
        return _Planned(entry, row=AnnRow(entry.name, failure=str(error)))
    except MissingDependencyError as error:
        reason = str(error)
    if is_asked:
        raise MissingDependencyError(
            reason,
            hint="install polyseek[bench], or name an environment that has it with --peer-env",
        )
    return _Planned(entry, row=AnnRow(entry.name, failure=reason, available=False))


def _write_inputs(scratch: Path, options: AnnOptions, inputs: AnnInputs) -> Task:
    """The vectors as every system reads them; what is asked of a build."""
    base = options.base
    if options.limit is not None:
        base = scratch / "base.npy"
        np.save(base, inputs.base)
    return Task(
        base=str(base.resolve()),
        folder="",
        k=options.k,
        target_recall=options.target_recall,
        train_texts=None if options.train_texts is None else str(options.train_texts.resolve()),
        threads=options.threads,
        seed=options.seed,
    )


def _set_up(
    scratch: Path, options: AnnOptions, inputs: AnnInputs, task: Task, open_now: ExitStack
) -> Bench:
    """The truth, the baselines, and what knobs are set with."""
    k = options.k
    rng = np.random.default_rng(options.seed)
    size = min(_TUNING_QUERIES, len(inputs.base))
    own = np.sort(rng.choice(len(inputs.base), size, replace=False))
    images = np.ascontiguousarray(inputs.base[own], np.float32)
    tuning: dict[Modality, Truth] = {
        "image": find_truth(inputs.base, images, min(k, len(inputs.base) - 1), own)
    }
    if inputs.train_texts is not None:
        size = min(_TUNING_QUERIES, len(inputs.train_texts))
        chosen = np.sort(rng.choice(len(inputs.train_texts), size, replace=False))
        texts = np.ascontiguousarray(inputs.train_texts[chosen], np.float32)
        tuning["text"] = find_truth(inputs.base, texts, k)
        # As a collection's build does: the sum of an item, which does not count, and a text.
        n_pairs = min(len(texts), len(images))
        drawn = rng.permutation(len(images))[:n_pairs]  # chosen rows and texts are both ascending
        pairs = compose_pairs(texts[:n_pairs], images[drawn])
        tuning["composed"] = replace(
            find_truth(
                inputs.base, pairs.sums, min(k, len(inputs.base) - 1), own[drawn[pairs.kept]]
            ),
            parts=pairs.parts,
        )
    asked = pair_up(inputs.queries["text"], inputs.queries["image"], options.seed)
    truth: dict[Modality, Truth] = {
        "text": find_truth(inputs.base, inputs.queries["text"], k),
        "image": find_truth(inputs.base, inputs.queries["image"], k),
        "composed": replace(find_truth(inputs.base, asked.sums, k), parts=asked.parts),
    }
    baselines = []
    for entry, threads, figure in (
        (FLAT, 1, "x_flat"),
        (PRODUCT, options.threads, "x_gemm"),
    ):
        folder = scratch / entry.kind
        folder.mkdir()
        own_task = replace(task, folder=str(folder), option=entry.option, threads=threads)
        baselines.append(Baseline(entry, own_task, figure))
        open_now.callback(baselines[-1].close)
    return Bench(
        scratch=scratch,
        base=inputs.base,
        truth=truth,
        tuning=tuning,
        flat=baselines[0],
        product=baselines[1],
        k=k,
        batch=BATCH,
        rounds=options.rounds,
        target_recall=options.target_recall,
        with_curves=options.with_curves,
    )


def _memory_bytes(rows: Sequence[AnnRow], inputs: AnnInputs) -> int:
    """What ours keeps in memory; where it was not measured, codes of a quarter of the dimension."""
    n, dim = inputs.base.shape
    ours = next((row for row in rows if row.system == NAMES[0]), None)
    if ours is None or ours.resident_bytes_per_vector is None:
        return int(n * (dim / 4 + 32))
    return int(n * ours.resident_bytes_per_vector)


def _setting(options: AnnOptions, inputs: AnnInputs) -> dict[str, object]:
    n, dim = inputs.base.shape
    texts = inputs.train_texts
    return {
        "n": n,
        "dim": dim,
        "dtype": str(inputs.base.dtype),
        "sources": inputs.sources,
        "limit": options.limit,
        "text_queries": len(inputs.queries["text"]),
        "image_queries": len(inputs.queries["image"]),
        "train_texts": None if texts is None else len(texts),
        "k": options.k,
        "target_recall": options.target_recall,
        "rounds": options.rounds,
        "batch": BATCH,
        "threads": options.threads,
        "device": "cpu",
        "seed": options.seed,
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "versions": {
            name: found
            for name in ("polyseek", "numpy", "torch", "faiss-cpu", "faiss-gpu")
            if (found := _version(name)) is not None
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
