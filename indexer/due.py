"""When a gallery is due for a new index, and for which."""

from indexer.options import BuildOptions
from retrieval.ann.spec import IndexSpec
from retrieval.store.index_record import IndexRecord

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
