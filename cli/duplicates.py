"""`polyseek collection duplicates`: pictures that are nearly the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.engine import open_engine
from cli.exits import reported_errors
from cli.options import CollectionOption, JsonOption, QuietOption, examples
from cli.output import note, path_fields, shown_path, write_json, write_text
from cli.picture_files import check_suffixes, refuse_photographs, write_page

if TYPE_CHECKING:
    from retrieval.duplicates import DuplicateGroup, Duplicates
    from retrieval.model import Hit, ItemRecord

_COSINE_DIGITS = 6

EXAMPLES = examples(
    "polyseek collection duplicates",
    "polyseek collection duplicates --threshold 0.99 --html duplicates.html",
)


def duplicates(
    threshold: Annotated[
        float,
        typer.Option("--threshold", metavar="COSINE", help="How alike, above 0 and up to 1."),
    ] = 0.97,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="HTML", help="Write a page that needs no net.")
    ] = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """List the pictures that are nearly the same, in groups, the best of each group first.

    The best has most pixels, then most bytes. The others of its group are alike to the best, each
    with the cosine; exact copies are listed too. What is alike the encoder decides: look before you
    delete. A small one, mini above all, has equal vectors for pictures that differ in what it does
    not see. Nothing is changed.
    """
    with reported_errors(as_json=json):
        check_suffixes(None, html)
        context = begin({"collection": collection}, quiet=quiet)
        from retrieval.duplicates import check_threshold, find_duplicates

        check_threshold(threshold)
        with open_engine(context, context.collection()) as engine:
            if html is not None:
                refuse_photographs([html], engine.collection, ())
            found = find_duplicates(engine, threshold)
        if json:
            write_json(_as_json(found))
        else:
            _write_groups(found, quiet=quiet)
        if html is not None:
            from cli.render.page import render_page

            write_page(render_page([_section(each) for each in found.groups]), html)
            note(f"wrote {shown_path(html)}", quiet=quiet)


def _as_json(found: "Duplicates") -> dict[str, object]:
    return {
        "threshold": found.threshold,
        "exact": found.is_exact,
        "generation": found.generation,
        "groups": [
            {
                "best": _picture(group.best),
                "others": [
                    {**_picture(each.item), "cosine": round(each.cosine, _COSINE_DIGITS)}
                    for each in group.others
                ],
                "spare_bytes": group.spare_bytes,
            }
            for group in found.groups
        ],
    }


def _picture(item: "ItemRecord") -> dict[str, object]:
    first, *copies = item.files
    return {
        "id": item.id,
        **path_fields(first.path),
        "width": item.meta.width,
        "height": item.meta.height,
        "bytes": first.size_bytes,
        "copies": [path_fields(each.path) for each in copies],
    }


def _write_groups(found: "Duplicates", *, quiet: bool) -> None:
    """One group a paragraph: a line a file, with what it is to the best."""
    paragraphs = []
    for group in found.groups:
        lines = _lines(group.best, "best")
        for each in group.others:
            lines += _lines(each.item, f"{each.cosine:.3f}")
        paragraphs.append("\n".join(lines))
    if paragraphs:
        write_text("\n\n".join(paragraphs))
    n_files = sum(each.n_files - 1 for each in found.groups)
    n_bytes = sum(each.spare_bytes for each in found.groups)
    how = "" if found.is_exact else "; the index was asked, which misses some"
    note(
        f"{len(found.groups):,} groups, {n_files:,} files beside the best, "
        f"{n_bytes / 1e6:,.1f} MB{how}",
        quiet=quiet,
    )


def _lines(item: "ItemRecord", said: str) -> list[str]:
    first, *copies = item.files
    size = f"{item.meta.width}x{item.meta.height}"
    lines = [f"{said:>5}  {size:>11}  {shown_path(first.path)}"]
    return lines + [f" copy  {size:>11}  {shown_path(each.path)}" for each in copies]


def _section(group: "DuplicateGroup") -> "tuple[str, list[Hit]]":
    from retrieval.model import Hit

    hits = [Hit(1, 1.0, group.best)]
    hits += [Hit(rank, each.cosine, each.item) for rank, each in enumerate(group.others, start=2)]
    return shown_path(group.best.files[0].path), hits
