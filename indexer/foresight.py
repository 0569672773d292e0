"""What is known of the builds to come before anything is done: what is refused, what is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from indexer.budget import check_bounded, plan_build
from indexer.due import asked_spec, is_due
from indexer.estimate import BuildEstimate, BuildSize, estimate_build
from indexer.options import BuildOptions
from retrieval.ann.devices import computing_device
from retrieval.ann.spec import IndexSpec
from retrieval.errors import SettingsError
from retrieval.memory import size_text
from retrieval.model import GalleryName
from retrieval.store.index_record import IndexRecord
from retrieval.store.manifest import GalleryEntry

LONG_S = 20.0
"""A build that is likely to take longer is announced."""

Galleries = Mapping[GalleryName, GalleryEntry]
Added = Mapping[GalleryName, int]


def check_memory(galleries: Galleries, added: Added, dim: int, options: BuildOptions) -> None:
    """Refuse a budget that is too small for what is to come, before anything is done for it.

    Args:
        galleries: as the collection has them.
        added: items that each may get, at most.
        dim: of the vectors.
        options: of the build.

    Raises:
        SettingsError: the budget is too small, or such an index does not keep to one, or the
            index does not fit the gallery.
    """
    if options.max_memory is None or options.spec.kind == "exact":
        return
    for each in _to_come(galleries, added):
        specs = asked_spec(each.record, each.n, options).trials(each.n, dim)
        if is_due(each.record, each.n, specs[0], options):
            check_bounded(specs, options.max_memory)
            for spec in specs:
                plan_build(each.n, dim, spec, options.max_memory)
        elif each.record is not None:
            plan_build(each.n, dim, IndexSpec.parse(each.record.spec), options.max_memory)


def announce_builds(galleries: Galleries, added: Added, dim: int, options: BuildOptions) -> None:
    """Tell what each index that is due will take, if that is long and somebody listens.

    Arguments as for `check_memory`. Nothing is told of builds on a GPU: the figures are of a CPU.
    """
    if options.announce is None or options.spec.kind == "exact":
        return
    if computing_device(options.device) != "cpu":
        return
    for each in _to_come(galleries, added):
        try:
            specs = asked_spec(each.record, each.n, options).trials(each.n, dim)
        except SettingsError:
            continue  # the build itself says what does not fit
        if not is_due(each.record, each.n, specs[0], options):
            continue
        texts = each.n_foreign
        if options.foreign_queries is not None:
            texts = len(options.foreign_queries)
        size = BuildSize(each.n, dim, texts, each.n_added, options.max_memory)
        trials = [estimate_build(size, spec) for spec in specs]
        if sum(trial.seconds for trial in trials) > LONG_S:
            options.announce(_described(specs[0], each.n, trials))


@dataclass(frozen=True, slots=True)
class _Coming:
    """A gallery as it will be.

    Attributes:
        record: of its index; None while there is none.
        n: items.
        n_added: of them, those that come.
        n_foreign: items of the other gallery, which ask; captions of our own are not foreseen.
    """

    record: IndexRecord | None
    n: int
    n_added: int
    n_foreign: int


def _to_come(galleries: Galleries, added: Added) -> Iterator[_Coming]:
    """Every gallery that holds something or will."""
    names = tuple(dict.fromkeys((*galleries, *added)))
    there = {name: entry.n_items for name, entry in galleries.items()}
    sizes = {name: there.get(name, 0) + added.get(name, 0) for name in names}
    for name, n in sizes.items():
        if n:
            record = galleries[name].index if name in galleries else None
            yield _Coming(record, n, added.get(name, 0), sum(sizes.values()) - n)


def _described(spec: IndexSpec, n: int, trials: list[BuildEstimate]) -> str:
    """One line about a build of one spec, or of several that are tried."""
    name = f"{spec} and {len(trials) - 1} others" if len(trials) > 1 else str(spec)
    peak = max(trial.peak_bytes for trial in trials)
    disk = max(trial.disk_bytes for trial in trials)
    return (
        f"building {name} for {n:,} items: about {_rounded_s(sum(t.seconds for t in trials))}, "
        f"{size_text(peak)} of memory, {size_text(disk)} on disk"
    )


def _rounded_s(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.0f} min"
