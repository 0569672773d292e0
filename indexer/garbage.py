"""Deletes what no kept generation needs: old manifests, and files that none of the kept ones name.

Only names that this program gives are ever deleted. Files that a manifest names in sections of a
later version are kept, because every reference has one shape (see retrieval.store.entries).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from indexer import durable
from retrieval.errors import CorruptCollectionError
from retrieval.store.manifest import Manifest, decode_manifest, manifest_paths

KEPT_GENERATIONS = 2
"""The newest one, and the one that readers fall back to."""

_OUR_FILE = re.compile(
    r"changes/[0-9a-f]{24}\.jsonl"
    r"|galleries/\w+/(codebook-[0-9a-f]{24}\.faiss|tombstones-[0-9a-f]{24}\.npy)"
    r"|galleries/\w+/segments/[0-9a-f]{24}/"
    r"(vectors\.npy|vectors\.sums|ids\.npy|rows\.jsonl|codes-[0-9a-f]{24}\.faiss)"
)


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
    for name in [*_our_files(folder)]:
        if name not in needed:
            path = folder / name
            n_bytes += path.stat().st_size
            durable.remove(path)
    _remove_empty_segments(folder)
    return n_bytes


def _our_files(folder: Path) -> Iterator[str]:
    for top in ("changes", "galleries"):
        for here, _, files in os.walk(folder / top):
            for base in files:
                name = Path(here, base).relative_to(folder).as_posix()
                if _OUR_FILE.fullmatch(name):
                    yield name


def _remove_empty_segments(folder: Path) -> None:
    for segment in folder.glob("galleries/*/segments/*"):
        if not any(segment.iterdir()):
            segment.rmdir()
