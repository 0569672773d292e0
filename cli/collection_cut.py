"""`polyseek collection compact | delete | destroy`: make a collection smaller."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.build_options import DEFAULT_TARGET, build_options
from cli.context import Context, begin
from cli.exits import ExitCode, full_disk_at, reported_errors
from cli.options import (
    CollectionOption,
    DeviceOption,
    JsonOption,
    MaxMemoryOption,
    QuietOption,
    examples,
)
from cli.output import is_watched, shown_path, write_json, write_text
from cli.question import parse_where
from retrieval.errors import QueryError, SettingsError

if TYPE_CHECKING:
    from indexer.tags import Wanted
    from retrieval.model import ItemId

_MOST_DIGITS = 18
"""Any number of so many digits fits the 64 bits of an id; ids count up from 1 and from 2^40."""

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

COMPACT_EXAMPLES = examples("polyseek collection compact")
DELETE_EXAMPLES = examples(
    "polyseek collection delete 17 18",
    "polyseek collection delete ~/Pictures/private --dry-run",
    "polyseek collection delete 17 ~/Pictures/private ~/Pictures/a.jpg --yes",
    "polyseek collection delete --where 'width < 200 or tag = blurred' --dry-run",
    "polyseek collection delete ~/Pictures/phone --where 'taken < 2015'",
)
DESTROY_EXAMPLES = examples("polyseek collection destroy -c old.polyseek --yes")


def compact(
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train the index anew, even if it is not due.")
    ] = False,
    device: DeviceOption = None,
    max_memory: MaxMemoryOption = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Merge what runs have written bit by bit, and drop deleted items for good.

    Queries answer alike before and after, and faster where there were many segments. Needs about as
    much free room on the disk as the collection takes, and as long as coding all its vectors does.
    """
    with reported_errors(as_json=json):
        flags = {"collection": collection, "device": device, "max_memory": max_memory}
        context = begin(flags, quiet=quiet)
        build = build_options("auto", DEFAULT_TARGET, context.settings.max_memory, context.note)
        folder = context.collection()
        from indexer.service import compact_collection

        with full_disk_at(folder):
            report = compact_collection(
                folder,
                retrain=retrain,
                build=build,
                device=context.settings.device,
                catalogue_url=context.settings.catalogue_url,
                cache_dir=context.cache_dir,
            )
        if json:
            write_json(
                {
                    "generation": report.generation,
                    "segments_before": report.segments_before,
                    "segments": report.segments_after,
                    "dropped": report.dropped,
                    "bytes_freed": report.bytes_freed,
                }
            )
        elif not quiet:
            write_text(
                f"{report.segments_before:,} segments became {report.segments_after:,}, "
                f"{report.dropped:,} deleted items are gone for good, "
                f"{report.bytes_freed / 1e6:,.1f} MB freed"
            )


def delete(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH_OR_ID",
            help="Ids, indexed files, folders for all below them; all kinds together.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            "-w",
            metavar="FILTER",
            help="Images that satisfy a filter, e.g. 'width < 200'; of those named, if any are.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only count.")] = False,
    yes: YesOption = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Take items out; no picture on disk is touched.

    In a terminal it tells how many and asks first; elsewhere it does not ask. A number is an id;
    write ./7 for a file of that name. A file that still lies below a folder that is indexed again
    comes back, unless --exclude keeps it out. A filter alone stands for every image of the
    collection that satisfies it; beside ids and paths it narrows: only those of them go that
    satisfy it. Queries find it no more at once, but its path and
    vector stay in the collection's files until `polyseek collection compact`, or until its segment
    is merged.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        chosen = _choice(wanted or [], where)
        folder = context.collection()
        if not (dry_run or yes or context.quiet or json) and is_watched():
            n_items, n_files = _delete(context, folder, chosen, dry_run=True)
            if not typer.confirm(f"Take out {n_items:,} items in {n_files:,} files?", err=True):
                raise typer.Exit(ExitCode.FAILURE)
        n_items, n_files = _delete(context, folder, chosen, dry_run=dry_run)
        if json:
            write_json({"deleted": n_items, "files": n_files, "dry_run": dry_run})
        elif not quiet:
            said = "would delete" if dry_run else "deleted"
            write_text(f"{said} {n_items:,} items in {n_files:,} files")


def destroy(
    yes: YesOption = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Delete the collection; no picture is touched.

    Asks first, and refuses where it cannot ask.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        folder = context.collection()
        if not yes:
            _confirm_end(context, folder)
        from indexer.service import destroy_collection

        destroy_collection(folder, catalogue_url=context.settings.catalogue_url)
        if json:
            write_json({"destroyed": str(folder.resolve())})
        elif not quiet:
            write_text(f"deleted the collection {shown_path(folder)}")


def path_or_id(text: str) -> "bytes | ItemId":
    """An argument of `delete`: digits are an id, anything else a path from the current folder.

    Symbolic links in the folders of a path are resolved, as indexing does; the last part is not,
    because the file itself may be gone by now.

    Raises:
        QueryError: a number that no item can have.
    """
    if text.isascii() and text.isdigit():
        from retrieval.model import ItemId

        digits = text.lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS:
            shown = digits if len(digits) < 50 else f"of {len(digits):,} digits"
            raise QueryError(f"there is no item {shown}", hint="`polyseek query --json` shows ids")
        return ItemId(int(digits))
    if "://" in text:  # an address of a list, as a query shows it
        return os.fsencode(text)
    path = Path(text).expanduser()
    if path.name in ("", "..") or path.is_dir():
        return os.fsencode(path.resolve())
    return os.fsencode(path.parent.resolve() / path.name)


def _choice(named: list[str], where: str | None) -> "Wanted":
    """What a command names; raises SettingsError where that is nothing."""
    from indexer.tags import Wanted

    if not named and where is None:
        raise SettingsError(
            "which items? Give ids, files or folders, or a filter with --where",
            hint="`polyseek query --json` shows ids; `polyseek collection destroy` deletes all",
        )
    return Wanted(tuple(map(path_or_id, named)), parse_where(where))


def _delete(context: Context, folder: Path, chosen: "Wanted", *, dry_run: bool) -> tuple[int, int]:
    """Items and files taken out, or that would be."""
    from indexer.service import delete_items

    with full_disk_at(folder):
        deleted = delete_items(
            folder,
            chosen.items,
            where=chosen.where,
            dry_run=dry_run,
            catalogue_url=context.settings.catalogue_url,
            cache_dir=context.cache_dir,
        )
    return deleted.n_items, deleted.n_files


def _confirm_end(context: Context, folder: Path) -> None:
    if context.quiet or not is_watched():
        raise SettingsError(f"not deleting {folder} unasked", hint="say --yes to delete it")
    if not typer.confirm(f"Delete the collection {shown_path(folder)}?", err=True):
        raise typer.Exit(ExitCode.FAILURE)
