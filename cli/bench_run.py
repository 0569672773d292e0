"""`polyseek bench list` and `bench run`: models on data sets whose right answers are known."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.bench_sent import teller
from cli.bench_suits import check_suits
from cli.bench_unknown import unknown_teller
from cli.build_options import DEFAULT_TARGET, build_options
from cli.context import Context, begin
from cli.exits import full_disk_at, reported_errors
from cli.options import DeviceOption, JsonOption, QuietOption, examples
from cli.output import note, write_json, write_text
from cli.progress import step_progress
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.datasets.base import CaptionsRule, DatasetSpec
    from benchmarks.plans.base import RunOptions
    from benchmarks.records.run import RunRecord


class Prompts(StrEnum):
    """How the name of a class becomes texts; the choices of `--prompts`."""

    LABEL = "label"
    OPENAI_EN = "openai_en"
    TRANSLATED = "translated"


class Captions(StrEnum):
    """Which captions of a picture count; the choices of `--captions`."""

    ALL = "all"
    FIRST5 = "first5"
    FIRST = "first"


_APART = ("rank", "rsum", "mrr", "ndcg", "fraction", "/")
"""Parts of names of figures that a line has no room for."""

_LIST_EXAMPLES = examples("polyseek bench list", "polyseek bench list --json")
_RUN_EXAMPLES = examples(
    "polyseek bench run coco-mini --model mini --data ~/datasets --out runs/mini",
    "polyseek bench run coco flickr30k --model openclip:ViT-B-32:openai --data ~/datasets "
    "--out runs/clip",
    "polyseek bench run babel-imagenet --languages de,sw --prompts label --model mini "
    "--data ~/datasets --out runs/babel",
    "polyseek bench run probes --model mini --data ~/datasets --out runs/probes",
    "polyseek bench run coco --index exact --index auto --model mini --data ~/datasets "
    "--out runs/index",
    "polyseek bench run garden.toml --model mini --out runs/garden",
    "polyseek bench run cirr --compose text-only --compose slerp:0.8 --model mini "
    "--data ~/datasets --out runs/composed",
)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", epilog=_LIST_EXAMPLES)(list_datasets)
    app.command("run", epilog=_RUN_EXAMPLES)(run_bench)


def list_datasets(quiet: QuietOption = False, json: JsonOption = False) -> None:
    """List the data sets that models can be run on, and where each is looked for."""
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from benchmarks.datasets.registry import known_datasets

        specs = known_datasets()
        if json:
            write_json({"datasets": [_as_json(each) for each in specs]})
            return
        width = max(len(each.name) for each in specs)
        for each in specs:
            languages = (
                f", {each.languages} languages"
                if each.languages > 1 and "languages" not in each.title
                else ""
            )
            write_text(f"{each.name:<{width}}  {each.task:<10}  {each.title}{languages}")


def run_bench(
    datasets: Annotated[
        list[str], typer.Argument(metavar="DATASET...", help="Names, or .toml files of your own.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="RUN", help="Folder of the records, new or old."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The folder with the data sets; .toml files need none.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="MODEL", help="Encoders to run. Default: mini."),
    ] = None,
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index",
            metavar="KIND",
            help="exact, auto, or a kind as `polyseek index --index` takes it. Default: exact.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="Default: the one of published results."),
    ] = None,
    captions: Annotated[
        Captions | None,
        typer.Option(
            "--captions",
            metavar="all|first5|first",
            help="Which captions count. Default: as published results have it.",
            show_default=False,
        ),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages", metavar="TAGS|all", help="E.g. de,sw. Default: the data set's first."
        ),
    ] = None,
    prompts: Annotated[
        Prompts,
        typer.Option(
            "--prompts",
            metavar="label|openai_en|translated",
            help="What is put around names of classes.",
        ),
    ] = Prompts.LABEL,
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="NAME",
            help="Of data sets that have several, e.g. openai or babelnet: whose English names "
            "babel-imagenet takes.",
            show_default=False,
        ),
    ] = None,
    compose: Annotated[
        list[str] | None,
        typer.Option(
            "--compose",
            metavar="WAY",
            help="Of composed queries: image-only, text-only, image+text, or as `polyseek query "
            "--compose` takes it. Default: the three and auto.",
            show_default=False,
        ),
    ] = None,
    phi: Annotated[
        Path | None,
        typer.Option("--phi", metavar="FILE", help="A map for --compose pseudo, of `train phi`."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", help="Take the first pictures only, or composed queries."
        ),
    ] = None,
    distractors: Annotated[
        list[Path] | None,
        typer.Option(
            "--distractors",
            metavar="FOLDER",
            help="Pad the gallery of captions sets with the pictures of a folder.",
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats",
            metavar="N",
            help="Measure N times, embedding anew; on a CPU all have to be the same.",
        ),
    ] = 1,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Measure models on data sets, and record all that their figures depend on.

    Each protocol, model, language and index gives one record in RUN. What was recorded before is
    not measured again; embeddings are kept in the cache folder. The same command on a CPU gives the
    same records but for their times. --json prints the records, and beside them one flat row each
    (language, n, classes, figures, verdict). The test splits of cirr and circo have no targets:
    rankings for the servers that know them are written to RUN/submissions.
    """
    flags = {"device": device.value if device else None}
    with reported_errors(as_json=json):
        context = begin(flags, quiet=quiet)
        if limit is not None and limit < 1:
            raise SettingsError(f"--limit must be at least 1, got {limit}")
        if repeats < 1:
            raise SettingsError(f"--repeats must be at least 1, got {repeats}")
        from benchmarks.datasets.base import LoadOptions
        from benchmarks.datasets.registry import datasets as specs_of
        from benchmarks.plans.base import RunOptions
        from benchmarks.plans.composed import methods_of
        from benchmarks.protocols.composing import DEFAULT_METHODS

        indexes = tuple(index or ("exact",))
        for kind in indexes:
            build_options(kind, DEFAULT_TARGET)  # says what is no index before anything is measured
        asked = tuple(each.strip() for each in (languages or "").split(",") if each.strip())
        if languages is not None and not asked:
            raise SettingsError("--languages names none", hint="e.g. de,sw; or leave it out")
        rule: CaptionsRule | None = captions.value if captions else None
        options = RunOptions(
            indexes=indexes,
            load=LoadOptions(split, rule, asked, gallery),
            prompts=prompts.value,
            limit=limit,
            repeats=repeats,
            distractors=tuple(distractors or ()),
            compose=tuple(dict.fromkeys(compose or DEFAULT_METHODS)),
            phi=phi,
        )
        methods_of(options)  # says what is no way, likewise
        specs = list(specs_of(datasets))
        check_suits(specs, options)
        folders = (_data_folder(data, specs), out)
        with full_disk_at(out):
            records, sent = _run(context, specs, model or ["mini"], options, folders, as_json=json)
        if json:
            from benchmarks.records.means import means_of
            from benchmarks.rows import row_of

            shown = [each.to_json() for each in records]
            rows = [row_of(each) for each in (*records, *means_of(records))]
            write_json({"records": shown, "rows": rows, "submissions": sent})


def _data_folder(data: Path | None, specs: "list[DatasetSpec]") -> Path:
    """Where data sets lie; nowhere if each says so itself.

    Raises:
        SettingsError: it was not told, and one does not say it.
    """
    bare = [each.name for each in specs if not Path(each.folder).is_absolute()]
    if data is None and bare:
        raise SettingsError(
            f"{bare[0]} is looked for below --data, which is not given",
            hint="--data names the folder that holds the folders of data sets",
        )
    return data or Path()


def _run(
    context: Context,
    specs: "Sequence[DatasetSpec]",
    models: list[str],
    options: "RunOptions",
    folders: tuple[Path, Path],
    *,
    as_json: bool,
) -> "tuple[tuple[RunRecord, ...], list[str]]":
    """Records, and the paths of files for servers."""
    from benchmarks.records.folder import RunFolder
    from benchmarks.records.means import means_of
    from benchmarks.runner import Bench, run
    from retrieval.encoders.registry import get_encoder
    from retrieval.store.cached import CacheFolder

    data, out = folders
    sent: list[str] = []
    encoders = [get_encoder(name, device=context.settings.device) for name in models]
    with step_progress("embedding", quiet=context.quiet) as shown:
        bench = Bench(
            data,
            RunFolder(out),
            CacheFolder(context.cache_dir, "features"),
            None if shown is None else lambda _, done, total: shown(done, total),
            None if as_json else _told(context),
            _threads(),
            teller(sent, quiet=context.quiet, as_json=as_json),
        )
        records = run(specs, encoders, options, bench)
    if not as_json:
        for each in means_of(records):
            write_text(_line(each))
    return records, sent


def _threads() -> int | None:
    """How many threads OpenMP is told to use, as torch and FAISS read it; None if it is not."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() else None


def _told(context: Context) -> "Callable[[RunRecord], None]":
    """Says each record in a line, and once a data set what is missing or unknown."""
    said: set[tuple[str, str]] = set()
    tell_unknown = unknown_teller(quiet=context.quiet)

    def tell(record: "RunRecord") -> None:
        key = record.key
        if (missing := record.data["missing"]) and (key.dataset, key.gallery) not in said:
            said.add((key.dataset, key.gallery))
            named = ", ".join(missing[:3])
            note(
                f"warning: {key.dataset} lacks {len(missing):,} pictures ({named}, ...); "
                "its figures compare with no others",
                quiet=context.quiet,
            )
        tell_unknown(record)
        write_text(_line(record))

    return tell


def _line(record: "RunRecord") -> str:
    key = record.key
    composed = record.settings.get("compose", "")
    what = [key.dataset, key.split, key.language, key.captions, key.prompt, composed]
    folds = [f"{key.folds} folds"] if key.folds > 1 else []
    shown = " ".join(each for each in [*what, *folds] if each)
    figures = ", ".join(
        f"{name} {100 * value:.2f}"
        for name, value in record.figures.items()
        if not any(each in name for each in _APART)
    )
    return f"{shown}  {record.model['name']}  {record.system}: {figures}"


def _as_json(spec: "DatasetSpec") -> dict[str, object]:
    return {
        "name": spec.name,
        "task": spec.task,
        "title": spec.title,
        "folder": spec.folder,
        "languages": spec.languages,
    }
