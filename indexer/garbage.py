"""Deletes what no kept generation needs: old manifests, and files that none of the kept ones name.

Only names that this program gives are ever deleted. Files that a manifest names in sections of a
later version are kept, because every reference has one shape (see retrieval.store.entries).
"""

from pathlib import Path

from indexer import durable
from indexer.layout import our_files
from retrieval.errors import CorruptCollectionError
from retrieval.store.manifest import Manifest, decode_manifest, manifest_paths

KEPT_GENERATIONS = 2
"""The newest one, and the one that readers fall back to."""


def kept_manifests(folder: Path) -> tuple[Manifest, ...]:
    """The generations to keep, newest first.

    Raises:
        CorruptCollectionError: the newest manifest does not verify, so that nobody can say which
            files it needs.
    """
    kept: list[Manifest] = []
    for path in manifest_paths(folder).values():
        try:
            kept.append(decode_manifest(path.read_bytes(), path))
        except CorruptCollectionError as error:
            if not kept:
                raise CorruptCollectionError(
                    f"nothing is deleted while the newest manifest is damaged: {error}"
                ) from error
        if len(kept) == KEPT_GENERATIONS:
            break
    return tuple(kept)


def sweep(folder: Path, kept: tuple[Manifest, ...]) -> int:
    """Delete every manifest but the kept ones, then every file of ours that none of them names.

    In this order, so that a crash between leaves files without a manifest and never the reverse.

    Returns:
        Bytes deleted.
    """
    generations = {manifest.generation for manifest in kept}
    n_bytes = 0
    for generation, path in manifest_paths(folder).items():
        if generation not in generations:
            n_bytes += path.stat().st_size
            durable.remove(path)
    durable.sync_folder(folder)
    durable.checkpoint("garbage_manifests_gone")
    needed = {name for manifest in kept for name in manifest.file_names()}
    for path in [*our_files(folder)]:
        if path.relative_to(folder).as_posix() not in needed:
            n_bytes += path.stat().st_size
            durable.remove(path)
    _remove_empty_segments(folder)
    return n_bytes


def _remove_empty_segments(folder: Path) -> None:
    for segment in folder.glob("galleries/*/segments/*"):
        if not any(segment.iterdir()):
            segment.rmdir()
