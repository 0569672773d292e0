"""`polyseek tag`: words of your own on items, for filters."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.collection_cut import path_or_id
from cli.context import begin
from cli.exits import full_disk_at, reported_errors
from cli.options import CollectionOption, JsonOption, QuietOption, WhereOption, examples
from cli.output import note, path_fields, printable, shown_path, write_json, write_text
from cli.question import parse_where
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from indexer.tags import Wanted
    from retrieval.model import ItemId
    from retrieval.store.collection import Collection

app = typer.Typer(help="Tag items, to find them by filters.", no_args_is_help=True)

TagArgument = Annotated[str, typer.Argument(metavar="TAG", help="The tag, in any case.")]
ItemsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH_OR_ID", help="Ids, indexed files, or folders for all pictures below them."
    ),
]


@app.callback()
def tag() -> None:
    """Tag items, to find them by filters."""


@app.command(
    "add",
    epilog=examples(
        "polyseek tag add beach 17 18 ~/Pictures/2024/sea",
        "polyseek tag add large --where 'width > 4000'",
    ),
)
def add(
    tag: TagArgument,
    items: ItemsArgument = None,
    where: WhereOption = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Put a tag on items.

    A tag belongs to the content: copies share it, and a picture that is taken out and indexed again
    has it again. A number is an id; write ./7 for a file of that name.
    """
    _change("add", tag, items, where, collection, quiet=quiet, json=json)


@app.command("remove", epilog=examples("polyseek tag remove beach 17"))
def remove(
    tag: TagArgument,
    items: ItemsArgument = None,
    where: WhereOption = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Take a tag off items."""
    _change("remove", tag, items, where, collection, quiet=quiet, json=json)


@app.command(
    "list",
    epilog=examples(
        "polyseek tag list",
        "polyseek tag list 17 ~/Pictures/dog.jpg",
    ),
)
def show(
    items: ItemsArgument = None,
    where: WhereOption = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Show all tags, with the number of items that have each; or the tags of some items."""
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        wanted = _wanted(items, where) if items or where is not None else None
        from retrieval.store.collection import Collection

        with Collection.open(
            context.collection(),
            catalogue_url=context.settings.catalogue_url,
            cache_dir=context.cache_dir,
        ) as opened:
            for warning in opened.warnings:
                note(f"warning: {warning}", quiet=quiet)
            if wanted is None:
                _show_all(opened, json=json, quiet=quiet)
            else:
                _show_items(opened, wanted, json=json, quiet=quiet)


def _change(
    op: Literal["add", "remove"],
    tag: str,
    items: list[str] | None,
    where: str | None,
    collection: CollectionOption,
    *,
    quiet: bool,
    json: bool,
) -> None:
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        wanted = _wanted(items, where)
        folder = context.collection()
        from indexer.tags import change_tags

        with full_disk_at(folder):
            report = change_tags(
                folder,
                op,
                tag,
                wanted,
                catalogue_url=context.settings.catalogue_url,
                cache_dir=context.cache_dir,
            )
        if json:
            write_json({"tag": tag, "items": report.n_items, "changed": report.n_changed})
        elif not quiet:
            done = "tagged" if op == "add" else "untagged"
            rest = report.n_items - report.n_changed
            had = "had it already" if op == "add" else "did not have it"
            more = f"; {rest:,} {had}" if rest else ""
            write_text(f"{done} {report.n_changed:,} items{more}")


def _wanted(items: list[str] | None, where: str | None) -> "Wanted":
    from indexer.tags import Wanted

    if bool(items) == (where is not None):
        raise SettingsError(
            "which items? Give ids and paths, or a filter with --where",
            hint="one of the two; `polyseek query --json` shows ids",
        )
    return Wanted(tuple(map(path_or_id, items or ())), parse_where(where))


def _show_all(opened: "Collection", *, json: bool, quiet: bool) -> None:
    from retrieval.store.tag_rows import tag_counts

    counts = tag_counts(opened.catalogue, opened.generation)
    if json:
        write_json({"tags": [{"tag": name, "items": n} for name, n in counts]})
        return
    for name, n in counts:
        write_text(f"{printable(name)}\t{n}")
    if not counts:
        note("no tags", quiet=quiet)


def _show_items(opened: "Collection", wanted: "Wanted", *, json: bool, quiet: bool) -> None:
    from indexer.tags import resolve
    from retrieval.store.tag_rows import tags_of

    ids = resolve(opened, wanted)
    tags = tags_of(opened.catalogue, ids, opened.generation)
    records = opened.catalogue.hydrate(ids, opened.generation)

    def first_path(item_id: "ItemId") -> bytes:
        return records[item_id].files[0].path

    if json:
        shown = [
            {"id": each, **path_fields(first_path(each)), "tags": list(tags.get(each, ()))}
            for each in ids
        ]
        write_json({"items": shown})
        return
    for each in ids:
        names = ", ".join(map(printable, tags.get(each, ())))
        write_text(f"{each}\t{shown_path(first_path(each))}\t{names}")
    if not ids:
        note("the filter of --where matched nothing", quiet=quiet)
