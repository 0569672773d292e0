"""`polyseek query`: find images by text, by image and by both."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.answer import Shown, answer
from cli.context import asked_memory, begin
from cli.engine import open_engine, phi_source, searchable_collection
from cli.exits import ExitCode, reported_errors
from cli.hits import Output
from cli.languages import checked_tag
from cli.options import (
    AnalogyOption,
    CollectionOption,
    ConfidenceOption,
    CosineOption,
    DiverseOption,
    EnsembleOption,
    ImageOption,
    JsonOption,
    LangOption,
    LessLikeOption,
    LongOption,
    MaxMemoryOption,
    MinConfidenceOption,
    MoreLikeOption,
    PrfOption,
    QuietOption,
    RerankOption,
    RerankTopOption,
    TargetOption,
    TextArgument,
    TopOption,
    WhereOption,
    WithReferencesOption,
    examples,
)
from cli.picture_files import refuse_photographs
from cli.question import Long, Manner, Question, Sort, Target, parse_where
from cli.stages import Stages
from retrieval.errors import QueryError, SettingsError

if TYPE_CHECKING:
    pass

EXAMPLES = examples(
    "polyseek query a dog on a beach",
    "polyseek query -i unknown.jpg --target texts",
    'polyseek query "a photo of {ref.jpg} on the beach"',
    'polyseek query "2:golden retriever" + ./pool.jpg - fruit',
    'polyseek query -i sofa.jpg -a "made of leather" -s people -k 20 --sheet sofas.png',
    "polyseek query sunset -f --print0 | xargs -0 cp -t sunsets/",
    "polyseek query sunset --where 'width > 1000 and taken >= 2024 and not tag = seen'",
    "polyseek query a dog --more-like 17 --more-like 23 --less-like 5",
    "polyseek query a street market --rerank caption --diverse 0.3",
    "polyseek query a unicorn --min-confidence 0.08",
    "polyseek query --batch queries.txt > answers.jsonl",
)


def query(
    text: TextArgument = None,
    image: ImageOption = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", "-a", metavar="TEXT", help="Towards this text.")
    ] = None,
    subtract: Annotated[
        list[str] | None,
        typer.Option("--subtract", "-s", metavar="TEXT", help="Away from this text."),
    ] = None,
    like: Annotated[
        list[int] | None,
        typer.Option("--like", metavar="ID", help="Like this item of the collection."),
    ] = None,
    compose: Annotated[
        str,
        typer.Option(
            "--compose",
            metavar="auto|sum|slerp[:A]|residual[:G]|product|pseudo",
            help="How images and texts go together; see the guide to queries.",
        ),
    ] = "auto",
    phi: Annotated[
        str | None,
        typer.Option(
            "--phi",
            metavar="FILE|oti",
            help="The map that makes a word of an image (`polyseek train phi`), or oti: none, and "
            "some seconds to a minute an image. Default: the collection's own.",
            show_default=False,
        ),
    ] = None,
    literal: Annotated[
        bool,
        typer.Option("--literal", help="The words are one text: no + and -, weights, files, no."),
    ] = False,
    lang: LangOption = None,
    analogy: AnalogyOption = None,
    more_like: MoreLikeOption = None,
    less_like: LessLikeOption = None,
    with_references: WithReferencesOption = False,
    ensemble: EnsembleOption = False,
    long: LongOption = Long.MEAN,
    prf: PrfOption = False,
    rerank: RerankOption = None,
    rerank_top: RerankTopOption = None,
    diverse: DiverseOption = 0.0,
    target: TargetOption = Target.IMAGES,
    where: WhereOption = None,
    sort: Annotated[
        Sort,
        typer.Option(
            "--sort",
            metavar="score|date|path",
            help="Show the hits best first, newest first (undated last) or by path.",
        ),
    ] = Sort.SCORE,
    cosine: CosineOption = False,
    confidence: ConfidenceOption = False,
    min_confidence: MinConfidenceOption = None,
    top: TopOption = None,
    group_near_duplicates: Annotated[
        bool,
        typer.Option(
            "--group-near-duplicates",
            help="Show only the best of hits that are nearly the same, and how many there are.",
        ),
    ] = False,
    paths_only: Annotated[
        bool, typer.Option("--paths-only", "-f", help="Paths and nothing else, one a line.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", help="Paths, each ended by NUL, for xargs -0.")
    ] = False,
    json: JsonOption = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One hit a line, as JSON.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", "-p", help="Show the images in the terminal.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="PNG", help="Write a contact sheet: .png, .jpg or .webp."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="HTML", help="Write a page that needs no net.")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="FILE|-",
            help="One literal text query a line; answers one JSON object {query, hits} a line.",
        ),
    ] = None,
    batch_images: Annotated[
        str | None,
        typer.Option(
            "--batch-images", metavar="FILE|-", help="The same with one image path a line."
        ),
    ] = None,
    fail_empty: Annotated[
        bool, typer.Option("--fail-empty", help="Exit 3 if nothing was found.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Refuse a collection of another model."),
    ] = None,
    index: Annotated[
        bool,
        typer.Option("--index", help="Where there is no collection, index this folder first."),
    ] = False,
    collection: CollectionOption = None,
    max_memory: MaxMemoryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Find the images, or the texts, that fit best.

    The score is the cosine of query and image; where the collection has a hubness bias, hits of the
    other kind are ranked by the score less this bias. What the query itself shows (-i, --like) is
    not among the hits, nor are items that it marks as right or wrong. With --min-confidence it says
    so where there is no good match.

    Words are terms: + and - as words of their own go between them, 2: before one makes it count
    double, the path of an image is that image, in braces inside of a text it stands for a word
    ("a photo of {ref.jpg} on the beach"), and "without X" takes X away. What is quoted holds
    no operators; with --literal, --batch, -a and -s a text is a text.
    """
    question = Question(
        tuple(text or ()),
        tuple(image or ()),
        tuple(add or ()),
        tuple(subtract or ()),
        tuple(like or ()),
        compose,
        literal,
        lang,
        analogy,
        tuple(more_like or ()),
        tuple(less_like or ()),
        Manner(ensemble, long, with_references),
    )
    chosen = {"--json": json, "--jsonl": jsonl, "--print0": print0, "--paths-only": paths_only}
    lines = batch if batch is not None else batch_images
    with reported_errors(as_json=json):
        flags = {"collection": collection, "model": model, "top": top, "max_memory": max_memory}
        context = begin(flags, quiet=quiet)
        budget = asked_memory(context.settings)
        stages = Stages(prf, rerank, rerank_top, diverse)
        predicate = parse_where(where)
        output = Output.choose(chosen, preview=preview, sheet=sheet, html=html, quiet=quiet)
        if target is Target.TEXTS and output.has_pictures:
            raise SettingsError(
                "texts cannot be drawn", hint="drop --preview, --sheet and --html, or --target"
            )
        weigh = confidence or min_confidence is not None
        if group_near_duplicates:
            beside = {
                "--cosine": cosine,
                "--batch": lines is not None,
                "--confidence": weigh,
                "--prf, --rerank or --diverse": not stages.is_empty,
            }
            _refuse_beside_groups(beside)
        _check_least(min_confidence)
        if batch is not None and batch_images is not None:
            raise SettingsError("--batch and --batch-images do not go together", hint="choose one")
        if lines is not None:
            _refuse_beside_batch(question, output, stages)
        else:
            question.to_query()  # a query that is wrong is refused before anything is loaded
            stages.check()
        folder = searchable_collection(context, index_first=index, may_ask=not (json or jsonl))
        with open_engine(context, folder, budget, phi_source(phi)) as engine:
            refuse_photographs(output.targets, engine.collection, question.images)
            if lines is None:
                shown = Shown(
                    target.value,
                    predicate,
                    sort,
                    output,
                    group_near_duplicates,
                    adjust=not cosine,
                    stages=stages,
                    weigh=weigh,
                    least=min_confidence,
                )
                n_hits = answer(engine, question, context, shown)
            else:
                from cli.batch import Among, answer_batch

                among = Among(
                    context.settings.top,
                    target.value,
                    predicate,
                    adjust=not cosine,
                    lang=checked_tag(lang),
                    weigh=weigh,
                    least=min_confidence,
                )
                kind: Literal["text", "image"] = "text" if batch is not None else "image"
                n_hits = answer_batch(engine, lines, among, kind=kind, quiet=quiet)
        if fail_empty and n_hits == 0:
            raise typer.Exit(ExitCode.NO_RESULT)


def _refuse_beside_groups(flags: Mapping[str, bool]) -> None:
    for flag, is_given in flags.items():
        if is_given:
            raise SettingsError(
                f"{flag} and --group-near-duplicates do not go together", hint="drop one"
            )


def _check_least(min_confidence: float | None) -> None:
    if min_confidence is not None:
        from retrieval.calibrate import check_confidence

        check_confidence(min_confidence)


def _refuse_beside_batch(question: Question, output: Output, stages: Stages) -> None:
    if not question.is_empty or question.compose != "auto" or question.manner != Manner():
        raise QueryError(
            "--batch takes its queries from the file only",
            hint="drop the words and all options that are about the query",
        )
    if not stages.is_empty:
        raise QueryError("--batch has one stage only", hint="drop --prf, --rerank and --diverse")
    if output.form not in ("table", "json", "jsonl") or output.has_pictures:
        raise SettingsError(
            "--batch answers in JSON lines only",
            hint="drop --paths-only, --print0, --preview, --sheet and --html",
        )
