"""The engine that a command asks: which collection, with which settings."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.collection_info import uncoded_note
from cli.context import Context, is_collection
from cli.index import Job, run_index
from cli.output import is_watched, note, shown_path

if TYPE_CHECKING:
    from retrieval.engine import SearchEngine
    from retrieval.query.encoding import PhiSource

_FEW_UNCODED = 10_000
"""Items that a search scores one by one in a few milliseconds: nobody need be told."""


def searchable_collection(context: Context, *, index_first: bool, may_ask: bool) -> Path:
    """The collection; where there is none it is made of the current folder, if that is wanted."""
    folder = context.nearest_collection()
    if folder is not None and (not index_first or is_collection(folder)):
        return folder
    here = Path.cwd()
    if not index_first and may_ask and not context.quiet and is_watched():
        asked = f"No collection here. Index the images in {shown_path(here)}?"
        index_first = typer.confirm(asked, err=True)
    if index_first:
        report = run_index(context, Job((here,)))
        note(f"indexed {report.added:,} images", quiet=context.quiet)
    return context.collection()


def open_engine(
    context: Context, folder: Path, max_memory: int | None = None, phi: "PhiSource | None" = None
) -> "SearchEngine":
    """The engine over a collection, with the settings of a command; tells its warnings.

    Args:
        context: of the command.
        folder: of the collection.
        max_memory: as for `SearchEngine.open`.
        phi: likewise.
    """
    from retrieval.encoders.registry import get_encoder
    from retrieval.engine import SearchEngine

    settings = context.settings
    asked = context.asked_model
    engine = SearchEngine.open(
        folder,
        encoder=get_encoder(asked, device=settings.device) if asked else None,
        device=settings.device,
        catalogue_url=settings.catalogue_url,
        cache_dir=context.cache_dir,
        max_memory=max_memory,
        phi=phi,
    )
    for warning in engine.collection.warnings:
        note(f"warning: {warning}", quiet=context.quiet)
    for gallery in engine.collection.galleries.values():
        if gallery.n_uncoded > _FEW_UNCODED:
            note(f"warning: {uncoded_note(gallery.n_uncoded)}", quiet=context.quiet)
    return engine


def phi_source(phi: str | None) -> "PhiSource | None":
    """What `--phi` names."""
    if phi is None:
        return None
    return "oti" if phi == "oti" else Path(phi)


def tell_if_nothing_matches(n_matching: int | None, *, quiet: bool) -> None:
    """Say that it was the filter that left nothing over."""
    if n_matching == 0:
        note("the filter of --where matched nothing", quiet=quiet)
