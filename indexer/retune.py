"""Choose again how far the searches of a collection look, with its codes as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer.build import retune
from indexer.drift import Drift, measure_drift
from indexer.options import BuildOptions
from indexer.space import measuring_encoder
from indexer.writer import CollectionWriter
from retrieval.model import GalleryName
from retrieval.store.index_record import IndexRecord
from retrieval.store.manifest import newest_manifest


@dataclass(frozen=True, slots=True)
class Retuned:
    """A gallery's index with its new settings, and how well its lists still fit."""

    index: IndexRecord
    drift: Drift | None


def retune_collection(
    folder: Path,
    options: BuildOptions,
    *,
    device: str = "auto",
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> Mapping[GalleryName, Retuned]:
    """Retune every gallery that has an index.

    Args:
        folder: of the collection.
        options: of which the target and the seed apply.
        device: for the encoder of the text queries, and for exact search.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Returns:
        The indexes with their new settings, by gallery; empty where exact search serves all.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: a file of the index is not what the manifest says.
        LockedError: another process is writing.
    """
    newest_manifest(folder)  # where there is no collection, a lock must not make a folder for one
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    found: dict[GalleryName, Retuned] = {}
    with writer:
        encoder = measuring_encoder(writer, device)
        for name in tuple(writer.manifest.galleries):
            record = retune(writer, encoder, name=name, options=options.on(device))
            if record is not None:
                drift = measure_drift(writer.collection.gallery(name))
                found[name] = Retuned(record, drift)
        writer.collect_garbage()
    return found
