"""Pictures that belong to no text and pad a gallery: more to find among, as users have it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import DatasetError, Picture
from benchmarks.features import Features, PictureFeatures
from indexer.adhoc import files_of
from retrieval.model import FileRef, Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Distractors:
    """Pictures that pad a gallery.

    Attributes:
        rows: (n, dim) float32 unit rows.
        sha256: hex digest over the digests of all their files, in the order of their paths.
        n_left_out: that cannot be read, or are pictures of the gallery byte for byte.
    """

    rows: Float32Array
    sha256: str
    n_left_out: int


def distractors_of(
    folders: Sequence[Path], features: Features, gallery: PictureFeatures
) -> Distractors:
    """Embed the pictures below folders.

    Args:
        folders: of pictures; one picture that lies in two of them twice counts twice.
        features: embed.
        gallery: what is padded; its own pictures are left out, or they would stand before
            themselves.

    Raises:
        DatasetError: a folder is not there, or no picture is left.
    """
    for folder in folders:
        if not folder.is_dir():
            raise DatasetError(f"no folder {folder}", hint="--distractors names one of pictures")
    found = [each for each in files_of(folders) if isinstance(each, FileRef)]
    paths = sorted(Path(os.fsdecode(each.path)) for each in found)
    seen = features.pictures([Picture(path.name, path) for path in paths])
    own = set(gallery.digests)
    out = {*seen.unreadable, *(row for row, each in enumerate(seen.digests) if each in own)}
    kept = [row for row in range(len(paths)) if row not in out]
    if not kept:
        shown = ", ".join(map(str, folders))
        raise DatasetError(f"no picture in {shown} can pad the gallery", hint="name others")
    return Distractors(seen.rows[kept], seen.sha256, len(out))
