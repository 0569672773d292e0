"""Repair a collection: make again what can be made, and name what cannot."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from indexer import durable
from indexer.build import bring_index_up_to_date
from indexer.layout import remove_leftovers
from indexer.lock import locked
from indexer.maintain import repair_catalogue
from indexer.options import BuildOptions
from indexer.reembed import Reembedder
from indexer.restore import damaged_files, restore_files
from indexer.salvage import Outcome, Salvage
from indexer.space import measuring_encoder
from indexer.verify import VerifyReport, verify_collection
from indexer.writer import CollectionWriter
from retrieval.encoders.base import Encoder
from retrieval.errors import CatalogueError, CollectionError, CorruptCollectionError
from retrieval.store.catalogue import Catalogue
from retrieval.store.manifest import (
    Manifest,
    encode_manifest,
    manifest_path,
    manifest_paths,
    newest_manifest,
)
from retrieval.store.row_check import check_rows

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What `repair_collection` did.

    Attributes:
        repaired: what is whole again, one line each.
        lost: what was given up, item by item; only where that was asked for.
        hopeless: what is damaged still, item by item.
        after: of a look at every byte afterwards.
    """

    repaired: tuple[str, ...]
    lost: tuple[str, ...]
    hopeless: tuple[str, ...]
    after: VerifyReport


def repair_collection(
    folder: Path,
    *,
    drop_damaged: bool = False,
    encoder: Encoder | None = None,
    device: str = "auto",
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> RepairReport:
    """Make every file of a collection sound that can be made again; see docs/design/collection.md.

    The bytes that the manifest vouches for come first. Then whole segments are written anew: of the
    vectors that are sound, and of items embedded again from files that have not changed. Damaged
    files that nothing names any more stay until garbage is collected twice.

    Args:
        folder: of the collection.
        drop_damaged: give up the items, and the logs, that cannot be made again.
        encoder: to embed with; None makes the collection's own by its name, when it is needed.
        device: for the encoder made here.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Raises:
        CollectionMissingError: there is no collection.
        CorruptCollectionError: no manifest verifies.
        LockedError: another process is writing.
    """
    newest_manifest(folder)  # where there is no collection, a lock must not make a folder for one
    with locked(folder, timeout_s=0.0):
        remove_leftovers(folder)
        outcome, bare = _mend_files(folder, drop_damaged, encoder, device, catalogue_url)
    if not outcome.needs_catalogue:
        _mend_catalogue(folder, catalogue_url, cache_dir, outcome)
        if bare is not None:
            with CollectionWriter.open(folder, None, catalogue_url=catalogue_url) as writer:
                writer.forget_index_files(bare.galleries)
        _mend_index(folder, device, catalogue_url, cache_dir)
    after = verify_collection(folder, encoder=encoder, device=device, catalogue_url=catalogue_url)
    return RepairReport(
        tuple(outcome.repaired), tuple(outcome.lost), tuple(outcome.hopeless), after
    )


def _mend_files(
    folder: Path,
    drop_damaged: bool,
    encoder: Encoder | None,
    device: str,
    catalogue_url: str | None,
) -> tuple[Outcome, Manifest | None]:
    """Restore and salvage; publishes a generation where that changes what the newest one says.

    Returns:
        What was done, and, where only files of indexes are to be named no more, the manifest
        without them: a writer publishes it, and the catalogue need not be made again.
    """
    manifest, warnings = newest_manifest(folder)
    damaged = set(damaged_files(folder, manifest))
    restored = restore_files(folder, manifest, damaged)
    damaged -= set(restored)
    with contextlib.ExitStack() as resources:
        catalogue = None
        if damaged:
            catalogue = resources.enter_context(_sound_catalogue(folder, manifest, catalogue_url))
        salvage = Salvage(
            folder,
            manifest,
            damaged,
            catalogue,
            Reembedder(manifest.encoder, encoder, device),
            drop_damaged=drop_damaged,
        )
        kept = salvage.run()
    outcome = salvage.outcome
    outcome.repaired[:0] = [f"{name}: as it was written" for name in restored]
    if outcome.needs_catalogue:
        return outcome, None  # another generation would ask for a catalogue that nothing can make
    if kept != manifest and not warnings and _without_index(kept) == _without_index(manifest):
        return outcome, kept
    if kept != manifest or warnings:
        generation = 1 + next(iter(manifest_paths(folder)))
        data = encode_manifest(replace(kept, generation=generation))
        durable.publish_file(manifest_path(folder, generation), data)
        if warnings:
            outcome.repaired.append(
                f"the manifest: generation {manifest.generation} is the newest that is whole; "
                "index the folders again for what came later"
            )
    return outcome, None


def _without_index(manifest: Manifest) -> Manifest:
    galleries = {
        name: replace(
            entry,
            index=None,
            hubness=None,
            segments=tuple(replace(each, derived=()) for each in entry.segments),
        )
        for name, entry in manifest.galleries.items()
    }
    return replace(manifest, galleries=galleries)


def _mend_catalogue(
    folder: Path, catalogue_url: str | None, cache_dir: Path | None, outcome: Outcome
) -> None:
    """Make the catalogue again where it is damaged, or of another generation than the newest."""
    manifest, _ = newest_manifest(folder)
    with _sound_catalogue(folder, manifest, catalogue_url) as catalogue:
        if catalogue is not None:
            return
    try:
        counts = repair_catalogue(folder, catalogue_url=catalogue_url, cache_dir=cache_dir)
    except CorruptCollectionError as error:
        logger.warning("the catalogue is not made again: %s", error)
        return
    outcome.repaired.append(f"the catalogue: made of the segments, {counts.n_items:,} images")


def _mend_index(
    folder: Path, device: str, catalogue_url: str | None, cache_dir: Path | None
) -> None:
    """Train and code what lacks it, where the vectors allow."""
    try:
        with CollectionWriter.open(
            folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir
        ) as writer:
            encoder = measuring_encoder(writer, device)
            for name in tuple(writer.manifest.galleries):
                options = BuildOptions(device=device)
                bring_index_up_to_date(writer, encoder, name=name, options=options)
    except CorruptCollectionError as error:
        logger.warning("the index is not made again: %s", error)


@contextlib.contextmanager
def _sound_catalogue(
    folder: Path, manifest: Manifest, catalogue_url: str | None
) -> Iterator[Catalogue | None]:
    """The catalogue, if every row of it can be believed for this generation; else None."""
    with contextlib.ExitStack() as resources:
        found: Catalogue | None = None
        try:
            catalogue = Catalogue.open(manifest.catalogue, folder, catalogue_url)
            resources.callback(catalogue.close)
            lineage = catalogue.lineage()
            is_ours = lineage is not None and lineage.covers(manifest.digest)
            if is_ours and not list(check_rows(catalogue, manifest.generation)):
                found = catalogue
        except CatalogueError:
            if manifest.catalogue.kind == "postgresql":
                raise  # a server that cannot be reached is no damage
        except CollectionError as error:
            logger.info("the catalogue cannot be used: %s", error)
        yield found
