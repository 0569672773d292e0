"""The options of `polyseek bench run`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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


DatasetsArgument = Annotated[
    list[str], typer.Argument(metavar="DATASET...", help="Names, or .toml files of your own.")
]
OutOption = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="RUN", help="Folder of the records, new or old."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The folder with the data sets; .toml files need none.",
        show_default=False,
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="Encoders to run. Default: mini."),
]
IndexesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        metavar="KIND",
        help="exact, auto, or a kind as `polyseek index --index` takes it. Default: exact.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", help="Default: the one of published results."),
]
CaptionsOption = Annotated[
    Captions | None,
    typer.Option(
        "--captions",
        metavar="all|first5|first",
        help="Which captions count. Default: as published results have it.",
        show_default=False,
    ),
]
LanguagesOption = Annotated[
    str | None,
    typer.Option(
        "--languages", metavar="TAGS|all", help="E.g. de,sw. Default: the data set's first."
    ),
]
PromptsOption = Annotated[
    Prompts,
    typer.Option(
        "--prompts",
        metavar="label|openai_en|translated",
        help="What is put around names of classes.",
    ),
]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        metavar="NAME",
        help="Of data sets that have several, e.g. openai or babelnet: whose English names "
        "babel-imagenet takes.",
        show_default=False,
    ),
]
ComposeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--compose",
        metavar="WAY",
        help="Of composed queries: image-only, text-only, image+text, or as `polyseek query "
        "--compose` takes it. Default: the three and auto.",
        show_default=False,
    ),
]
PhiOption = Annotated[
    Path | None,
    typer.Option("--phi", metavar="FILE", help="A map for --compose pseudo, of `train phi`."),
]
LimitOption = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", help="Take the first pictures only, or composed queries."),
]
DistractorsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--distractors",
        metavar="FOLDER",
        help="Pad the gallery of captions sets with the pictures of a folder.",
        show_default=False,
    ),
]
RepeatsOption = Annotated[
    int,
    typer.Option(
        "--repeats",
        metavar="N",
        help="Measure N times, embedding anew; on a CPU all have to be the same.",
    ),
]
