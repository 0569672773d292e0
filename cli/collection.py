"""`polyseek collection`: look at a collection and check it; what changes it is beside this."""

import typer

from cli import collection_cut, collection_verify, duplicates
from cli.build_options import retune
from cli.collection_info import collect_info, info_lines
from cli.context import begin
from cli.exits import full_disk_at, reported_errors
from cli.options import CollectionOption, JsonOption, QuietOption, examples
from cli.output import note, write_json, write_text

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


app.command("verify", epilog=collection_verify.EXAMPLES)(collection_verify.verify)
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

    Nothing is lost: the catalogue is a copy of what the segments hold, made for searching. Where
    segments are damaged themselves, see `polyseek collection verify --repair`.
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


app.command("duplicates", epilog=duplicates.EXAMPLES)(duplicates.duplicates)
app.command("compact", epilog=collection_cut.COMPACT_EXAMPLES)(collection_cut.compact)
app.command("delete", epilog=collection_cut.DELETE_EXAMPLES)(collection_cut.delete)
app.command("destroy", epilog=collection_cut.DESTROY_EXAMPLES)(collection_cut.destroy)
