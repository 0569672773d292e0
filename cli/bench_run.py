"""`polyseek bench run`: models on data sets whose right answers are known."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.bench_run_options import (
    CaptionsOption,
    ComposeOption,
    DataOption,
    DatasetsArgument,
    DistractorsOption,
    GalleryOption,
    IndexesOption,
    LanguagesOption,
    LimitOption,
    ModelsOption,
    OutOption,
    PhiOption,
    Prompts,
    PromptsOption,
    RepeatsOption,
    SplitOption,
)
from cli.bench_sent import teller as sent_teller
from cli.bench_shown import line_of, teller
from cli.bench_suits import check_suits
from cli.build_options import DEFAULT_TARGET, build_options
from cli.context import Context, begin
from cli.exits import full_disk_at, reported_errors
from cli.options import DeviceOption, JsonOption, QuietOption, examples
from cli.output import write_json, write_text
from cli.progress import step_progress
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.datasets.base import CaptionsRule, DatasetSpec
    from benchmarks.plans.base import RunOptions
    from benchmarks.records.run import RunRecord


_EXAMPLES = examples(
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
    """Add the command."""
    app.command("run", epilog=_EXAMPLES)(run_bench)


def run_bench(
    datasets: DatasetsArgument,
    out: OutOption,
    data: DataOption = None,
    model: ModelsOption = None,
    index: IndexesOption = None,
    split: SplitOption = None,
    captions: CaptionsOption = None,
    languages: LanguagesOption = None,
    prompts: PromptsOption = Prompts.LABEL,
    gallery: GalleryOption = None,
    compose: ComposeOption = None,
    phi: PhiOption = None,
    limit: LimitOption = None,
    distractors: DistractorsOption = None,
    repeats: RepeatsOption = 1,
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
            None if as_json else teller(quiet=context.quiet),
            _threads(),
            sent_teller(sent, quiet=context.quiet, as_json=as_json),
        )
        records = run(specs, encoders, options, bench)
    if not as_json:
        for each in means_of(records):
            write_text(line_of(each))
    return records, sent


def _threads() -> int | None:
    """How many threads OpenMP is told to use, as torch and FAISS read it; None if it is not."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() else None
