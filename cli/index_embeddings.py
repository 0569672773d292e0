"""`polyseek index --embeddings`: take vectors that somebody else has made."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.build_options import DEFAULT_TARGET, build_options
from cli.context import COLLECTION_NAME, Context, holds_anything
from cli.exits import full_disk_at
from cli.output import note, shown_path
from cli.progress import index_progress

if TYPE_CHECKING:
    from indexer.service import IndexReport


class Gallery(StrEnum):
    """What vectors are of; the choices of `--gallery`."""

    IMAGES = "images"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class VectorJob:
    """What to take, apart from what the settings say.

    Attributes:
        vectors: a .npy file, or a folder that clip-retrieval wrote.
        ids: of a .npy file, one a line.
        gallery: None is images, and of a folder both.
        fingerprint: of the encoder, where it is not at hand.
        dry_run: only report.
        index: which index to build; see `retrieval.ann.spec`.
        target_recall: that the index is tuned to.
    """

    vectors: Path
    ids: Path | None = None
    gallery: Gallery | None = None
    fingerprint: str | None = None
    dry_run: bool = False
    index: str = "auto"
    target_recall: float = DEFAULT_TARGET


def vector_job(
    vectors: Path | None,
    ids: Path | None,
    gallery: Gallery | None,
    fingerprint: str | None,
    *,
    dry_run: bool,
) -> VectorJob | None:
    """The job that the options ask for; None where they ask for none.

    Raises:
        typer.BadParameter: an option means nothing without --embeddings.
    """
    if vectors is not None:
        return VectorJob(vectors, ids, gallery, fingerprint, dry_run)
    given = {"--ids": ids, "--gallery": gallery, "--fingerprint": fingerprint}
    stray = next((name for name, value in given.items() if value is not None), None)
    if stray:
        raise typer.BadParameter("it goes with --embeddings", param_hint=stray)
    return None


def run_vector_job(context: Context, job: VectorJob) -> "IndexReport":
    """Put the vectors in with the settings of a command, telling where the collection is."""
    folder = context.nearest_collection() or Path.cwd() / COLLECTION_NAME
    is_new = not holds_anything(folder)
    note(f"collection {shown_path(folder)}{' (new)' if is_new else ''}", quiet=context.quiet)
    from indexer.embeddings import Embeddings, index_embeddings
    from indexer.service import IndexOptions

    source = Embeddings(
        vectors=job.vectors,
        ids=job.ids,
        gallery=None if job.gallery is None else job.gallery.value,
        model=context.asked_model,
        fingerprint=job.fingerprint,
    )
    options = IndexOptions(
        device=context.settings.device,
        dry_run=job.dry_run,
        catalogue_url=context.settings.catalogue_url,
        cache_dir=context.cache_dir,
        build=build_options(
            job.index, job.target_recall, context.settings.max_memory, context.note
        ),
    )
    with full_disk_at(folder), index_progress(quiet=context.quiet) as on_progress:
        return index_embeddings(source, folder, options=options, on_progress=on_progress)
