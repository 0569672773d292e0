"""`polyseek export`: what a collection holds, as files for other programs."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import Context, begin
from cli.destination import Destination, Form
from cli.engine import open_engine, tell_if_nothing_matches
from cli.exits import full_disk_at, reported_errors
from cli.options import (
    CollectionOption,
    ImageOption,
    JsonOption,
    QuietOption,
    TargetOption,
    TextArgument,
    TopOption,
    WhereOption,
    examples,
)
from cli.output import note, path_fields, shown_path, write_bytes, write_json
from cli.picture_files import refuse_photographs
from cli.question import Question, Target, parse_where
from retrieval.errors import GenerationGoneError, SettingsError

if TYPE_CHECKING:
    from retrieval.export.columns import Column, Row
    from retrieval.model import GalleryName
    from retrieval.store.collection import Collection

_LINES = (Form.JSONL, Form.CSV, Form.PARQUET)
_ARRAYS = (Form.NPY, Form.PARQUET)

app = typer.Typer(
    help="Write hits, vectors or the catalogue for other programs.", no_args_is_help=True
)


class Precision(StrEnum):
    """Of the numbers of a vector; the choices of `--dtype`."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


FormOption = Annotated[
    Form | None,
    typer.Option(
        "--format",
        metavar="jsonl|csv|parquet|npy",
        help="Default: by the end of --out; else jsonl, and npy for vectors.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="PATH",
        help="The file to write (npy: a folder). Default: stdout, for jsonl and csv.",
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Replace a file that is there; never one that is indexed."),
]
GalleryOption = Annotated[
    Target,
    typer.Option("--gallery", metavar="images|texts", help="The images, or their captions."),
]


@app.callback()
def export() -> None:
    """Write hits, vectors or the catalogue for other programs."""


@app.command(
    "hits",
    epilog=examples(
        "polyseek export hits a dog on a beach -k 1000 --out dogs.csv",
        "polyseek export hits -i sofa.jpg --format jsonl > like-sofa.jsonl",
    ),
)
def hits(
    text: TextArgument = None,
    image: ImageOption = None,
    target: TargetOption = Target.IMAGES,
    where: WhereOption = None,
    top: TopOption = None,
    form: FormOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Write the hits of one query, best first by cosine, with what is known of them.

    That is what `polyseek query --jsonl` says of a hit, and date, camera, place, sha256 and the
    paths of all its files.
    """
    question = Question(tuple(text or ()), tuple(image or ()), literal=True)
    with reported_errors(as_json=json):
        context = begin({"collection": collection, "top": top}, quiet=quiet)
        destination = Destination.choose("hits", _LINES, form, out, force=force)
        _check_report(destination, json=json)
        query, predicate = question.to_query(), parse_where(where)
        with open_engine(context, context.collection()) as engine, _kept_generation():
            from retrieval.export.columns import IMAGE_HITS, TEXT_HITS
            from retrieval.export.records import hit_rows

            _refuse_targets(destination, engine.collection, question.images)
            result = engine.search(
                query, context.settings.top, target=target.value, where=predicate, adjust=False
            )
            tell_if_nothing_matches(result.n_matching, quiet=quiet)
            columns = TEXT_HITS if target is Target.TEXTS else IMAGE_HITS
            rows = hit_rows(result.hits, target.value)
            n_rows = _write_table(destination, columns, rows)
        _report(destination, n_rows, result.generation, json=json, quiet=quiet)


@app.command(
    "vectors",
    epilog=examples(
        "polyseek export vectors --out vectors/",
        "polyseek export vectors --gallery texts --dtype float32 --out captions.parquet",
    ),
)
def vectors(
    gallery: GalleryOption = Target.IMAGES,
    dtype: Annotated[
        Precision,
        typer.Option(
            "--dtype", metavar="float16|float32", help="Of the numbers; float16 is as stored."
        ),
    ] = Precision.FLOAT16,
    form: FormOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Write the unit vectors of a gallery, with the id and first path of each item.

    As npy it is a folder: row i of vectors.npy is line i of paths.txt, which `polyseek index
    --embeddings vectors.npy --ids paths.txt` takes, and number i of ids.npy. Of texts there is
    texts.txt, too.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        destination = Destination.choose("vectors", _ARRAYS, form, out, force=force)
        with _open(context) as opened, _kept_generation():
            from retrieval.export.arrays import (
                ARRAY_FILES,
                VectorShape,
                write_arrays,
                write_vector_table,
            )
            from retrieval.export.records import count_items, vector_chunks

            name: GalleryName = gallery.value
            n_items = count_items(opened, name)
            shape = VectorShape(n_items, opened.manifest.encoder.dim, dtype.value, name)
            chunks = vector_chunks(opened, name)
            if destination.form is Form.NPY:
                destination = destination.as_folder(ARRAY_FILES[name])
            _refuse_targets(destination, opened)
            with destination.new_files() as partials:
                if destination.form is Form.NPY:
                    n_unsayable = write_arrays(partials, shape, chunks)
                    _tell_unsayable(n_unsayable, quiet=quiet)
                else:
                    write_vector_table(partials[0], shape, chunks)
        _report(destination, n_items, opened.generation, json=json, quiet=quiet)


@app.command(
    "catalogue",
    epilog=examples(
        "polyseek export catalogue > files.jsonl",
        "polyseek export catalogue --gallery texts --out captions.parquet --force",
    ),
)
def catalogue(
    gallery: GalleryOption = Target.IMAGES,
    form: FormOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Write all that is known of the files of a gallery, one row a file.

    Copies of one picture are files of one item: they share its id.
    """
    with reported_errors(as_json=json):
        context = begin({"collection": collection}, quiet=quiet)
        destination = Destination.choose("catalogue", _LINES, form, out, force=force)
        _check_report(destination, json=json)
        with _open(context) as opened, _kept_generation():
            from retrieval.export.columns import IMAGE_FILES, TEXT_FILES
            from retrieval.export.records import catalogue_rows

            _refuse_targets(destination, opened)
            columns = TEXT_FILES if gallery is Target.TEXTS else IMAGE_FILES
            n_rows = _write_table(destination, columns, catalogue_rows(opened, gallery.value))
        _report(destination, n_rows, opened.generation, json=json, quiet=quiet)


@contextmanager
def _open(context: Context) -> "Iterator[Collection]":
    from retrieval.store.collection import Collection

    with Collection.open(
        context.collection(),
        catalogue_url=context.settings.catalogue_url,
        cache_dir=context.cache_dir,
    ) as opened:
        for warning in opened.warnings:
            note(f"warning: {warning}", quiet=context.quiet)
        yield opened


@contextmanager
def _kept_generation() -> Iterator[None]:
    """An export is of one generation; say what to do where writers collected it meanwhile."""
    try:
        yield
    except GenerationGoneError as error:
        raise GenerationGoneError(
            "the collection was written while it was exported, and the export is not complete",
            hint="export again when nothing writes to it",
        ) from error


def _check_report(destination: Destination, *, json: bool) -> None:
    if json and destination.out is None:
        raise SettingsError(
            "stdout cannot take both the rows and the report of --json",
            hint="name a file for the rows with --out, or drop --json: rows are JSON lines",
        )


def _refuse_targets(
    destination: Destination, collection: "Collection", query_images: Sequence[Path] = ()
) -> None:
    """Refuse to write over what is indexed, or into the collection's own folder."""
    refuse_photographs(destination.targets, collection, query_images)
    texts_from = collection.catalogue.texts_from

    def is_source(path: bytes) -> bool:
        said = texts_from(path, collection.generation)
        return path in collection.manifest.roots or next(said, None) is not None

    destination.refuse_places(collection.folder, is_source)


def _write_table(
    destination: Destination, columns: "Sequence[Column]", rows: "Iterable[Row]"
) -> int:
    """Write rows as lines or as parquet; returns how many."""
    from retrieval.export.tables import csv_pieces, jsonl_pieces, write_parquet

    tally = _Tally()
    counted = tally.over(rows)
    as_pieces: Callable[..., Iterator[bytes]] = (
        csv_pieces if destination.form is Form.CSV else jsonl_pieces
    )
    if destination.out is None:
        for piece in as_pieces(columns, counted):
            if not write_bytes(piece):
                break
        return tally.n
    with full_disk_at(destination.out), destination.new_files() as (partial,):
        if destination.form is Form.PARQUET:
            write_parquet(partial, columns, counted)
        else:
            with partial.open("wb") as file:
                file.writelines(as_pieces(columns, counted))
    return tally.n


class _Tally:
    """Counts what passes."""

    def __init__(self) -> None:
        self.n = 0

    def over(self, rows: "Iterable[Row]") -> "Iterator[Row]":
        for row in rows:
            self.n += 1
            yield row


def _tell_unsayable(n_paths: int, *, quiet: bool) -> None:
    if n_paths:
        note(f"{n_paths:,} paths hold line ends; paths.txt has item:ID for them", quiet=quiet)


def _report(
    destination: Destination, n_rows: int, generation: int, *, json: bool, quiet: bool
) -> None:
    """Say what was written; nothing about rows that went to stdout."""
    if json:
        files = [path_fields(os.fsencode(target.absolute())) for target in destination.targets]
        write_json({"rows": n_rows, "generation": generation, "files": files})
        return
    for target in destination.targets:
        note(f"wrote {shown_path(target)}, {n_rows:,} rows", quiet=quiet)
