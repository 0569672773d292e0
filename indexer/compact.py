"""Make a collection as small and as fast as its living items allow."""

from dataclasses import dataclass, replace
from pathlib import Path

from indexer.build import bring_index_up_to_date
from indexer.foresight import announce_builds, check_memory
from indexer.merge import TOP
from indexer.options import BuildOptions, IndexOptions
from indexer.space import measuring_encoder
from indexer.writer import CollectionWriter
from retrieval.store.manifest import newest_manifest


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What `compact_collection` came to.

    Attributes:
        generation: that holds the result.
        segments_before: of all galleries.
        segments_after: likewise.
        dropped: dead items whose vectors and records are gone for good.
        bytes_freed: of files deleted; less than nothing is not told.
    """

    generation: int
    segments_before: int
    segments_after: int
    dropped: int
    bytes_freed: int


def compact_collection(
    folder: Path,
    *,
    build: BuildOptions | None = None,
    retrain: bool = False,
    device: str = "auto",
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> CompactReport:
    """Merge segments into large ones, drop what is dead for good, fold logs, collect garbage.

    Merged segments are coded with the codebook that there is, or a new one where it is due; until
    then searches score their items one by one (`Gallery.n_uncoded` tells). Before the old files go,
    about as much room again as they take is needed on the disk.

    Afterwards neither of the two generations that are kept holds anything of a deleted item, and
    a second call does nothing.

    Args:
        folder: of the collection.
        build: which indexes, where they are due, and how; None is `BuildOptions()`.
        retrain: train the indexes anew even if that is not due.
        device: of the encoder that measures a new index, and of the build.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: a file to merge is damaged; nothing was changed.
        MissingDependencyError: the index needs FAISS, which is not installed; the segments are
            merged, and searched exactly.
        SettingsError: the options allow too little memory; nothing was changed.
        LockedError: another process is writing.
    """
    options = replace(build or BuildOptions(), retrain=retrain).on(device)
    # Where there is no collection, a lock must not make a folder for one.
    manifest, _ = newest_manifest(folder)
    check_memory(manifest.galleries, {}, manifest.encoder.dim, options)
    announce_builds(manifest.galleries, {}, manifest.encoder.dim, options)
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    with writer:
        n_before, n_dead = _n_segments(writer), _n_dead(writer)
        writer.compact(TOP * IndexOptions().segment_items)
        encoder = measuring_encoder(writer, device)
        for name in tuple(writer.manifest.galleries):
            bring_index_up_to_date(writer, encoder, name=name, options=options)
        newest, *older = (each.file_names() for each in writer.kept_generations())
        if any(names - newest for names in older):
            # The generation before is kept for readers, and it still holds what was dropped.
            writer.publish_again()
        n_bytes = writer.collect_garbage()
        writer.shrink_catalogue()
        return CompactReport(
            generation=writer.manifest.generation,
            segments_before=n_before,
            segments_after=_n_segments(writer),
            dropped=n_dead - _n_dead(writer),
            bytes_freed=n_bytes,
        )


def _n_segments(writer: CollectionWriter) -> int:
    return sum(len(each.segments) for each in writer.manifest.galleries.values())


def _n_dead(writer: CollectionWriter) -> int:
    return sum(each.n_tombstones for each in writer.manifest.galleries.values())
