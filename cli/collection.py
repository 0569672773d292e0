"""`polyseek collection`: look at a collection, check it, take items out, delete it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.build_options import retune
from cli.collection_info import collect_info, info_lines, recall_facts, recall_lines
from cli.context import Context, begin
from cli.exits import ExitCode, full_disk_at, reported_errors
from cli.options import CollectionOption, JsonOption, QuietOption, examples
from cli.output import is_watched, note, printable, shown_path, write_json, write_text
from retrieval.errors import QueryError, SettingsError

if TYPE_CHECKING:
    from retrieval.model import ItemId

_MOST_DIGITS = 18
"""Any number of so many digits fits the 64 bits of an id; ids count up from 1 and from 2^40."""

_AFTER_DAMAGE = (
    "`polyseek collection repair` rebuilds a catalogue; where files below galleries or changes are "
    "damaged, restore them from a backup, or index into a new collection with --collection"
)

app = typer.Typer(help="Look at a collection, check it, cut it down.", no_args_is_help=True)


@app.callback()
def collection() -> None:
    """Look at a collection, check it, cut it down."""


@app.command(
    "info",
    epilog=examples(
        "polyseek collection info",
        "polyseek collection info -c /srv/archive.polyseek --json",
    ),
)
def info(
    collection: CollectionOption = None, quiet: QuietOption = False, json: JsonOption = False
) -> None:
    """Show what a collection holds.

    With it: how it is searched and, for an IVF-PQ index, its recall against exact search.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        from retrieval.store.collection import Collection

        with Collection.open(
            context.collection(),
            catalogue_url=context.settings.catalogue_url,
            cache_dir=context.cache_dir,
        ) as opened:
            for warning in opened.warnings:
                note(f"warning: {warning}", quiet=quiet)
            found = collect_info(opened)
        if json:
            write_json(found)
        else:
            write_text("\n".join(info_lines(found)))


@app.command(
    "verify",
    epilog=examples(
        "polyseek collection verify",
    ),
)
def verify(
    collection: CollectionOption = None, quiet: QuietOption = False, json: JsonOption = False
) -> None:
    """Hash every file of the collection, and measure what its index finds.

    Exits 4 if a file is not as it was written.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        from indexer.service import verify_collection

        report = verify_collection(
            context.collection(), catalogue_url=context.settings.catalogue_url
        )
        if json:
            write_json(
                {
                    "ok": not report.problems,
                    "generation": report.generation,
                    "items": report.n_items,
                    "files_checked": report.n_files,
                    "bytes_checked": report.n_bytes,
                    "problems": list(report.problems),
                    "recall": {name: recall_facts(each) for name, each in report.recall.items()},
                    "recall_at_build": {
                        name: recall_facts(each) for name, each in report.recorded_recall.items()
                    },
                }
            )
        else:
            for problem in report.problems:
                write_text(printable(problem))
            if not report.problems and not quiet:
                write_text(
                    f"all well: generation {report.generation}, {report.n_items:,} items, "
                    f"{report.n_files:,} files, {report.n_bytes:,} bytes"
                )
                for name, recall in report.recall.items():
                    for line in recall_lines(recall_facts(recall)):
                        write_text(f"{name}: {line}")
                    for line in recall_lines(recall_facts(report.recorded_recall[name])):
                        write_text(f"{name}, at the build: {line}")
        if report.problems:
            note(f"hint: {_AFTER_DAMAGE}", quiet=quiet)
            raise typer.Exit(ExitCode.COLLECTION)


app.command(
    "retune",
    epilog=examples(
        "polyseek collection retune --target-recall 0.99",
    ),
)(retune)


@app.command(
    "repair",
    epilog=examples(
        "polyseek collection repair",
    ),
)
def repair(
    collection: CollectionOption = None, quiet: QuietOption = False, json: JsonOption = False
) -> None:
    """Rebuild the catalogue from the segments.

    Nothing is lost: the catalogue is a copy of what the segments hold, made for searching. Segments
    that are damaged themselves cannot be repaired; then index into a new collection.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        from indexer.service import repair_catalogue

        folder = context.collection()
        with full_disk_at(folder):
            counts = repair_catalogue(
                folder,
                catalogue_url=context.settings.catalogue_url,
                cache_dir=context.cache_dir,
            )
        if json:
            write_json({"items": counts.n_items, "files": counts.n_files})
        elif not quiet:
            write_text(f"rebuilt: {counts.n_items:,} items in {counts.n_files:,} files")


@app.command(
    "delete",
    epilog=examples(
        "polyseek collection delete 17 18",
        "polyseek collection delete ~/Pictures/private",
    ),
)
def delete(
    wanted: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH_OR_ID", help="Ids, indexed files, or folders for all below them."
        ),
    ],
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Take items out; no picture on disk is touched.

    A number is an id; write ./7 for a file of that name. A file that still lies below a folder that
    is indexed again comes back, unless --exclude keeps it out. Queries find it no more at once, but
    its path and vector stay in the collection's files until its segment is merged; to be rid of
    every trace at once, destroy the collection and index again.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        folder = context.collection()
        from indexer.service import delete_items

        items = [path_or_id(each) for each in wanted]
        with full_disk_at(folder):
            deleted = delete_items(
                folder,
                items,
                catalogue_url=context.settings.catalogue_url,
                cache_dir=context.cache_dir,
            )
        if json:
            write_json({"deleted": deleted})
        elif not quiet:
            write_text(f"deleted {deleted:,} items")


@app.command(
    "destroy",
    epilog=examples(
        "polyseek collection destroy -c old.polyseek --yes",
    ),
)
def destroy(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
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
            _confirm(context, folder)
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


def _confirm(context: Context, folder: Path) -> None:
    if context.quiet or not is_watched():
        raise SettingsError(f"not deleting {folder} unasked", hint="say --yes to delete it")
    if not typer.confirm(f"Delete the collection {shown_path(folder)}?", err=True):
        raise typer.Exit(ExitCode.FAILURE)
