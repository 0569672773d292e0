"""When a gallery is due for a new index, and for which; what of it a budget of memory allows."""

from collections.abc import Mapping

from indexer.budget import check_bounded, plan_build
from indexer.options import BuildOptions
from retrieval.ann.spec import IndexSpec
from retrieval.model import GalleryName
from retrieval.store.index_record import IndexRecord
from retrieval.store.manifest import GalleryEntry

RETRAIN_GROWTH = 4
"""A gallery this many times as large as at its training gets a new codebook: its lists have become
this much longer, and nlist should have doubled."""


def asked_spec(record: IndexRecord | None, n_items: int, options: BuildOptions) -> IndexSpec:
    """What the options name; a new training by nobody's name keeps the kind that there is."""
    has_outgrown = record is not None and n_items >= RETRAIN_GROWTH * record.n_trained
    if record is None or has_outgrown or options.spec.kind != "auto" or not options.retrain:
        return options.spec
    return IndexSpec.parse(record.spec)


def is_due(
    record: IndexRecord | None, n_items: int, spec: IndexSpec, options: BuildOptions
) -> bool:
    """Whether an index is to be trained.

    Args:
        record: of the one that there is.
        n_items: of the gallery.
        spec: resolved, that is asked for.
        options: what else is.
    """
    if spec.kind != "ivfpq":
        return False
    if record is None or options.retrain:
        return True
    if n_items >= RETRAIN_GROWTH * record.n_trained:
        return True
    return not options.spec.is_open and record.spec != str(spec)


def check_memory(
    galleries: Mapping[GalleryName, GalleryEntry],
    added: Mapping[GalleryName, int],
    dim: int,
    options: BuildOptions,
) -> None:
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
    for name in {*galleries, *added}:
        entry = galleries.get(name)
        n_items = added.get(name, 0) + (entry.n_items if entry else 0)
        if n_items:
            _check(entry.index if entry else None, n_items, dim, options)


def _check(record: IndexRecord | None, n_items: int, dim: int, options: BuildOptions) -> None:
    specs = asked_spec(record, n_items, options).trials(n_items, dim)
    if is_due(record, n_items, specs[0], options):
        check_bounded(specs, options.max_memory)
        for spec in specs:
            plan_build(n_items, dim, spec, options.max_memory)
    elif record is not None:
        plan_build(n_items, dim, IndexSpec.parse(record.spec), options.max_memory)
