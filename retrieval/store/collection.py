"""An open collection: a read-only view of one generation.

Writers never change a file that a manifest names, so a view stays what it was however much is
written beside it. Nothing here writes.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from retrieval.errors import CatalogueError, CollectionError, CorruptCollectionError
from retrieval.model import FIRST_ID, Float32Array, GalleryName, Int64Array
from retrieval.store.catalogue import Catalogue
from retrieval.store.manifest import (
    GalleryEntry,
    Manifest,
    manifest_paths,
    newest_manifest,
)
from retrieval.store.receipts import Receipts
from retrieval.store.segment import Segment, read_checked
from retrieval.store.vectors import array_from_bytes

FOLDER_NAME = ".polyseek"
_ATTEMPTS = 5
"""Times that a reader starts over when a writer collected what it was opening."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """One gallery of an open collection.

    Attributes:
        name: "images" or "texts".
        root: the collection's folder.
        entry: what the manifest says.
        segments: open segments, in the manifest's order.
        tombstones: sorted ids that are in a segment and not alive, read-only.
    """

    name: GalleryName
    root: Path
    entry: GalleryEntry
    segments: tuple[Segment, ...]
    tombstones: Int64Array

    @property
    def n_items(self) -> int:
        """Living items."""
        return self.entry.n_items

    @property
    def n_uncoded(self) -> int:
        """Items, dead ones too, that an index exists for and has no codes of yet.

        They are searched exactly, which takes long where there are many.
        """
        if self.entry.index is None:
            return 0
        short = self.entry.index.codebook.short
        return sum(each.n_items for each in self.entry.segments if each.codes(short) is None)

    @property
    def codebook_path(self) -> Path | None:
        """Where the codebook lies, unchecked; None while exact search serves."""
        return self.root / self.entry.index.codebook.name if self.entry.index else None

    def read_codebook(self) -> bytes | None:
        """Checked bytes of the codebook; None while exact search serves."""
        if self.entry.index is None:
            return None
        codebook = self.entry.index.codebook
        return read_checked(self.root / codebook.name, codebook)

    def read_router(self) -> bytes | None:
        """Checked bytes of the router of foreign queries; None where there is none."""
        if self.entry.index is None or self.entry.index.router is None:
            return None
        router = self.entry.index.router
        return read_checked(self.root / router.name, router)

    def read_bank(self) -> bytes | None:
        """Checked bytes of the bank of the hubness bias; None where none is in use."""
        if self.entry.hubness is None or self.entry.hubness.bank is None:
            return None
        bank = self.entry.hubness.bank
        return read_checked(self.root / bank.name, bank)

    def gather(self, ids: Int64Array) -> Float32Array:
        """Vectors of items by id, in the order given, shape (len(ids), dim); dead ones too.

        Raises:
            KeyError: an id is in no segment.
            CorruptCollectionError: a block that holds one is damaged.
        """
        wanted = np.asarray(ids, dtype=np.int64)
        is_found = np.zeros(len(wanted), dtype=np.bool_)
        dim = self.segments[0].vectors.dim if self.segments else 0
        vectors = np.empty((len(wanted), dim), dtype=np.float32)
        for segment in self.segments:
            row = np.searchsorted(segment.ids, wanted)
            row[row == len(segment.ids)] = 0
            here = np.flatnonzero(segment.ids[row] == wanted)
            if here.size:
                vectors[here] = segment.vectors.gather(row[here])
                is_found[here] = True
        if not is_found.all():
            raise KeyError(f"no item {wanted[~is_found].tolist()[:10]} in gallery {self.name}")
        return vectors


class Collection:
    """One generation of a collection, open for reading. Close it, or use it in a `with`.

    Attributes:
        folder: of the collection.
        manifest: of the generation.
        warnings: what a user should know, e.g. that a newer manifest is damaged.
        catalogue: rows of items and files; ask it about `generation`.
        galleries: those that something was put in, by name; see `gallery`.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        catalogue: Catalogue,
        galleries: Mapping[GalleryName, Gallery],
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Put a view together; `Collection.open` is the way in."""
        self.folder = folder
        self.manifest = manifest
        self.warnings = warnings
        self.catalogue = catalogue
        self.galleries = galleries

    @classmethod
    def open(
        cls, folder: Path, *, catalogue_url: str | None = None, cache_dir: Path | None = None
    ) -> "Collection":
        """Open the newest generation that verifies.

        Hashes the manifest, ids, block sums and tombstones; vectors and codes are checked when
        they are read.

        Args:
            folder: of the collection.
            catalogue_url: of a PostgreSQL catalogue, with user and password.
            cache_dir: where receipts of hashed files are kept; None keeps none.

        Raises:
            CollectionMissingError: there is none.
            FormatVersionError: a newer polyseek wrote it.
            CorruptCollectionError: a file is not what the manifest says.
            CatalogueError: the catalogue cannot be used, or does not belong to this generation.
        """
        receipts = Receipts(cache_dir)
        for _ in range(_ATTEMPTS - 1):
            manifest, warnings = newest_manifest(folder)
            try:
                return cls._open(folder, manifest, warnings, receipts, catalogue_url)
            except CollectionError:
                # A writer may have collected this generation while we opened it. If it is still
                # the newest, nobody did, and the error stands.
                if newest_manifest(folder)[0].digest == manifest.digest:
                    raise
        manifest, warnings = newest_manifest(folder)
        return cls._open(folder, manifest, warnings, receipts, catalogue_url)

    @classmethod
    def _open(
        cls,
        folder: Path,
        manifest: Manifest,
        warnings: tuple[str, ...],
        receipts: Receipts,
        url: str | None,
    ) -> "Collection":
        galleries = open_galleries(folder, manifest, receipts)
        catalogue = Catalogue.open(manifest.catalogue, folder, url)
        with contextlib.ExitStack() as on_error:
            on_error.callback(catalogue.close)
            lineage = catalogue.lineage()
            # A collection that was only just made has no rows that could belong to another one.
            has_rows = bool(manifest.galleries)
            if has_rows and (lineage is None or not lineage.covers(manifest.digest)):
                raise CatalogueError(
                    f"the catalogue does not belong to generation {manifest.generation}",
                    hint="`polyseek collection repair` rebuilds it from the segments",
                )
            on_error.pop_all()
        return cls(folder, manifest, catalogue, galleries, warnings)

    @property
    def generation(self) -> int:
        """Which generation this is a view of."""
        return self.manifest.generation

    def gallery(self, name: GalleryName) -> Gallery:
        """A gallery; one that nothing was put in yet is empty."""
        found = self.galleries.get(name)
        return found or Gallery(name, self.folder, GalleryEntry(FIRST_ID[name]), (), _no_ids())

    def is_newest(self) -> bool:
        """Whether no newer generation was published since; looks at file names only."""
        return self.generation >= next(iter(manifest_paths(self.folder)), 0)

    def close(self) -> None:
        """Close the catalogue's connections; mapped vectors go with the last reference."""
        self.catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_galleries(
    folder: Path,
    manifest: Manifest,
    receipts: Receipts,
    previous: Mapping[GalleryName, Gallery] | None = None,
) -> dict[GalleryName, Gallery]:
    """Open what a manifest lists.

    Args:
        folder: of the collection.
        manifest: of the generation.
        receipts: of files hashed before.
        previous: galleries of another generation; their segments are not opened again.
    """
    galleries: dict[GalleryName, Gallery] = {}
    for name, entry in manifest.galleries.items():
        before = previous.get(name) if previous else None
        known = {segment.name: segment for segment in before.segments} if before else {}
        galleries[name] = Gallery(
            name=name,
            root=folder,
            entry=entry,
            # A segment's own files never change, only what is derived from it does.
            segments=tuple(
                replace(known[each.name], entry=each)
                if each.name in known
                else Segment.open(folder, each, receipts)
                for each in entry.segments
            ),
            tombstones=_read_tombstones(folder, entry),
        )
    return galleries


def find_collection(start: Path) -> Path | None:
    """The nearest `.polyseek` folder in `start` or above it, as git finds its own."""
    here = start.resolve()
    for folder in (here, *here.parents):
        candidate = folder / FOLDER_NAME
        if candidate.is_dir():
            return candidate
    return None


def _read_tombstones(folder: Path, entry: GalleryEntry) -> Int64Array:
    if entry.tombstones is None:
        return _no_ids()
    path = folder / entry.tombstones.name
    ids = array_from_bytes(read_checked(path, entry.tombstones), path)
    if len(ids) != entry.n_tombstones or (np.diff(ids) <= 0).any():
        raise CorruptCollectionError(f"{path} is not {entry.n_tombstones} ascending ids")
    ids.setflags(write=False)
    return ids


def _no_ids() -> Int64Array:
    ids = np.empty(0, dtype=np.int64)
    ids.setflags(write=False)
    return ids
