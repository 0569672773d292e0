"""`polyseek index`: bring a collection up to date with folders of images."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.build_options import (
    DEFAULT_TARGET,
    IndexOption,
    TargetRecallOption,
    build_options,
)
from cli.context import COLLECTION_NAME, Context, begin, holds_anything
from cli.exits import ExitCode, full_disk_at, reported_errors
from cli.index_embeddings import Gallery, run_vector_job, vector_job
from cli.options import (
    CollectionOption,
    Device,
    DeviceOption,
    JsonOption,
    MaxMemoryOption,
    QuietOption,
    examples,
)
from cli.output import note, path_fields, shown_path, write_json, write_text
from cli.progress import index_progress

if TYPE_CHECKING:
    from indexer.service import IndexReport, Skip

_TOP_REASONS = 5
_EXAMPLES_OF_A_REASON = 3


@dataclass(frozen=True, slots=True)
class Job:
    """What one run indexes, apart from what the settings say.

    Attributes:
        sources: folders, archives, tables and lists; see `indexer.readers.sources`.
        include: globs of which a file must match one, if there are any.
        exclude: globs of which a file may match none.
        prune: take out the files of a root that is missing or lost most of them.
        dry_run: only report.
        captions: take in texts that come with the pictures, too.
        image_column: of tables, with pictures or their paths; None looks for a usual name.
        caption_column: of tables, with texts; likewise.
        url_column: of tables, with addresses; None takes no addresses from tables.
        index: which index to build; see `retrieval.ann.spec`.
        target_recall: that the index is tuned to.
    """

    sources: tuple[Path, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    captions: bool = True
    image_column: str | None = None
    caption_column: str | None = None
    url_column: str | None = None
    index: str = "auto"
    target_recall: float = DEFAULT_TARGET


EXAMPLES = examples(
    "polyseek index ~/Pictures",
    "polyseek index photos scans --exclude thumbs --exclude '*.gif' --strict",
    "polyseek index 'shards/train-{000..009}.tar' captions.csv",
    "polyseek index --embeddings vectors.npy --ids ids.txt --model openclip:ViT-B-32:openai",
    "polyseek index urls.txt laion.parquet --url-column URL --workers 16",
    "polyseek index ~/Pictures --watch",
    "polyseek index --embeddings vectors.npy --ids ids.txt --max-memory 50MB",
    "polyseek index /mnt/archive -c /srv/archive.polyseek --model mini-en --json",
)


def index(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="Folders, .tar archives ({000..009} counts), tables of pictures (.parquet, .csv, "
            ".tsv, .jsonl), captions (.json of COCO), addresses, one a line (.txt).",
        ),
    ] = None,
    collection: CollectionOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Encoder; see `polyseek models list`. An existing collection keeps its own.",
        ),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="GLOB", help="Only files that match.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="GLOB", help="No files that match.")
    ] = None,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Forget files also if a SOURCE is gone or lost most of them."),
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", help="Images encoded at once.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Decoding threads.")
    ] = None,
    device: DeviceOption = None,
    max_pixels: Annotated[
        int | None, typer.Option("--max-pixels", metavar="N", help="Skip larger pictures.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be done; change nothing.")
    ] = False,
    captions: Annotated[
        bool,
        typer.Option(
            "--captions/--no-captions",
            help="Take in captions too: a.txt beside a.jpg, XMP and IPTC descriptions.",
        ),
    ] = True,
    image_column: Annotated[
        str | None,
        typer.Option(
            "--image-column",
            metavar="NAME",
            help="Column of a table with pictures or their paths, if its name is an unusual one.",
        ),
    ] = None,
    caption_column: Annotated[
        str | None,
        typer.Option(
            "--caption-column",
            metavar="NAME",
            help="Column with captions, if its name is an unusual one.",
        ),
    ] = None,
    url_column: Annotated[
        str | None,
        typer.Option(
            "--url-column",
            metavar="NAME",
            help="Fetch the pictures of tables from the addresses in this column.",
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings",
            metavar="PATH",
            help="Instead of a SOURCE: vectors made elsewhere by --model, as a .npy file with "
            "--ids or a folder that clip-retrieval wrote.",
        ),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            metavar="FILE",
            help="What the rows of the .npy file belong to: a path, address or key a line.",
        ),
    ] = None,
    gallery: Annotated[
        Gallery | None,
        typer.Option(
            "--gallery",
            metavar="images|texts",
            help="What the vectors are of. Default: images.",
            show_default=False,
        ),
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            metavar="HEX",
            help="Fingerprint of --model, if it is not at hand to be asked.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Go on: index again whenever a SOURCE has changed, until Ctrl-C."
        ),
    ] = False,
    index_spec: IndexOption = "auto",
    target_recall: TargetRecallOption = DEFAULT_TARGET,
    max_memory: MaxMemoryOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if a file or caption was skipped.")
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Make the images below SOURCE searchable.

    Run again, it brings the collection up to date: only new and changed files are encoded. The
    collection is the nearest .polyseek, upward from the current folder; where there is none, it is
    made in the current folder. An interrupted run is taken up by the next.

    With --watch a run follows each change, 1.6 seconds after the last one; it holds the lock while
    it works and not in between. A SOURCE that goes away is awaited.
    """
    flags = {
        "collection": collection,
        "model": model,
        "batch_size": batch_size,
        "workers": workers,
        "device": device.value if isinstance(device, Device) else None,
        "max_pixels": max_pixels,
        "max_memory": max_memory,
    }
    vectors = vector_job(embeddings, ids, gallery, fingerprint, dry_run=dry_run)
    if vectors is not None:
        vectors = replace(vectors, index=index_spec, target_recall=target_recall)
    if bool(sources) == (vectors is not None):
        raise typer.BadParameter("name a SOURCE, or --embeddings, and not both")
    if watch and (dry_run or strict or vectors):
        other = "--dry-run" if dry_run else "--strict" if strict else "--embeddings"
        raise typer.BadParameter(f"it does not go with {other}", param_hint="--watch")
    job = Job(
        sources=tuple(sources or ()),
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        prune=prune,
        dry_run=dry_run,
        captions=captions,
        image_column=image_column,
        caption_column=caption_column,
        url_column=url_column,
        index=index_spec,
        target_recall=target_recall,
    )
    with reported_errors(as_json=json):
        context = begin(flags, quiet=quiet)
        if watch:
            from cli.index_watch import watch_job

            watch_job(context, job, as_json=json)
            return
        report = run_vector_job(context, vectors) if vectors else run_index(context, job)
        if json:
            write_json(as_json(report))
        elif not quiet:
            write_text(summary(report, dry_run=dry_run))
        if strict and (report.skipped or (report.texts and report.texts.skipped)):
            raise typer.Exit(ExitCode.FAILURE)


def run_index(context: Context, job: Job) -> "IndexReport":
    """Index with the settings of a command, telling where the collection is."""
    folder = context.nearest_collection() or Path.cwd() / COLLECTION_NAME
    is_new = not holds_anything(folder)
    note(f"collection {shown_path(folder)}{' (new)' if is_new else ''}", quiet=context.quiet)
    from indexer.readers.columns import Columns
    from indexer.service import IndexOptions, index_folders
    from retrieval.images import PixelLimits

    settings = context.settings
    limits = PixelLimits()
    if settings.max_pixels is not None:
        limits = PixelLimits(jpeg=settings.max_pixels, other=settings.max_pixels)
    options = IndexOptions(
        include=job.include,
        exclude=job.exclude,
        prune=job.prune,
        batch_size=settings.batch_size,
        workers=settings.workers,
        device=settings.device,
        limits=limits,
        dry_run=job.dry_run,
        captions=job.captions,
        columns=Columns(job.image_column, job.caption_column, job.url_column),
        build=build_options(job.index, job.target_recall, settings.max_memory, context.note),
        catalogue_url=settings.catalogue_url,
        cache_dir=context.cache_dir,
    )
    encoder = settings.model if is_new else context.asked_model
    with full_disk_at(folder), index_progress(quiet=context.quiet) as on_progress:
        return index_folders(
            job.sources, folder, encoder=encoder, options=options, on_progress=on_progress
        )


def as_json(report: "IndexReport") -> dict[str, object]:
    """The report as documented for scripts."""
    return {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": _skips(report.skipped),
        "texts": None
        if report.texts is None
        else {
            "added": report.texts.added,
            "removed": report.texts.removed,
            "unchanged": report.texts.unchanged,
            "skipped": _skips(report.texts.skipped),
        },
        "generation": report.generation,
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 3),
    }


def _skips(skips: "Sequence[Skip]") -> list[dict[str, object]]:
    return [{**path_fields(skip.path), "reason": skip.reason} for skip in skips]


def summary(report: "IndexReport", *, dry_run: bool = False) -> str:
    """The report for a reader: the counts, the pace, and why files were skipped."""
    lines = [
        ("would be " if dry_run else "")
        + f"added {report.added:,}, updated {report.updated:,}, moved {report.moved:,}, "
        f"removed {report.removed:,}, unchanged {report.unchanged:,}, "
        f"skipped {len(report.skipped):,}",
    ]
    lines += _texts_line(report)
    reasons = Counter(skip.reason for skip in report.skipped)
    for reason, count in reasons.most_common(_TOP_REASONS):
        paths = [shown_path(skip.path) for skip in report.skipped if skip.reason == reason]
        examples = ", ".join(paths[:_EXAMPLES_OF_A_REASON])
        more = ", ..." if count > _EXAMPLES_OF_A_REASON else ""
        lines.append(f"  {count:,} skipped, {reason}: {examples}{more}")
    if (others := len(reasons) - _TOP_REASONS) > 0:
        lines.append(f"  and {others:,} more reasons; --json lists every file")
    lines += [
        f"  {shown_path(root)} is no longer there and its files are kept: "
        f"polyseek index {shlex.quote(shown_path(root))} --prune takes them out"
        for root in report.missing_roots
    ]
    lines.append(
        f"generation {report.generation}, {report.seconds:.1f} s, "
        f"{report.images_per_second:.1f} images/s"
    )
    return "\n".join(lines)


def _texts_line(report: "IndexReport") -> list[str]:
    """What became of captions; nothing where there are none."""
    texts = report.texts
    if texts is None or not (texts.added or texts.removed or texts.unchanged or texts.skipped):
        return []
    line = f"captions: added {texts.added:,}, removed {texts.removed:,}, "
    line += f"unchanged {texts.unchanged:,}, skipped {len(texts.skipped):,}"
    example = next((f" ({shown_path(s.path)}: {s.reason})" for s in texts.skipped), "")
    return [line + example]
