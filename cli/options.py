"""Options that several commands take, each written once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.question import Long, Target

TextArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT", help="Words, joined to one literal text."),
]
ImageOption = Annotated[
    list[Path] | None,
    typer.Option("--image", "-i", metavar="IMAGE", help="Like this image file."),
]
LangOption = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="TAG",
        help="Language of the texts, e.g. de or zh-Hant. Default: guessed, and said with --json.",
    ),
]
TargetOption = Annotated[
    Target,
    typer.Option(
        "--target",
        metavar="images|texts",
        help="Search the images, or the captions that came with them.",
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option("--top", "-k", "-t", metavar="N", help="Hits at most. Default: 10."),
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        help="Only items that satisfy a filter, e.g. 'width > 1000 and tag in (beach, sea)'.",
    ),
]
CosineOption = Annotated[
    bool,
    typer.Option(
        "--cosine",
        help="Rank by the cosine alone, also where the collection has a hubness bias.",
    ),
]
ConfidenceOption = Annotated[
    bool,
    typer.Option(
        "--confidence",
        help="Say how sure each hit is: how it scores beside known matches of the collection.",
    ),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="P",
        help="Drop hits less sure than this, 0.08 say; where none is left, there is no good match.",
        show_default=False,
    ),
]
CollectionOption = Annotated[
    Path | None,
    typer.Option(
        "--collection",
        "-c",
        metavar="FOLDER",
        help="The collection. Default: .polyseek, searched upward from the current folder.",
        show_default=False,
    ),
]
MaxMemoryOption = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        help="Memory to grow by at most, e.g. 500MB or 2GiB; the encoder is not counted.",
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", help="Results and errors only: no progress, no notes.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout; errors as JSON on stderr.")
]
AllowPickleOption = Annotated[
    bool,
    typer.Option("--allow-pickle", help="Also weights that are pickles; only tensors are read."),
]


MoreLikeOption = Annotated[
    list[int] | None,
    typer.Option("--more-like", metavar="ID", help="This item is right: more of its like."),
]
LessLikeOption = Annotated[
    list[int] | None,
    typer.Option("--less-like", metavar="ID", help="This item is wrong: less of its like."),
]
PrfOption = Annotated[
    bool,
    typer.Option("--prf", help="Take the best hits for right ones, and ask again."),
]
WithReferencesOption = Annotated[
    bool,
    typer.Option(
        "--with-references", help="Also return what the query itself shows, and marked items."
    ),
]
AnalogyOption = Annotated[
    tuple[str, str, str] | None,
    typer.Option(
        "--analogy",
        metavar="A B C",
        help="What is to C as B is to A; each is a text or the path of an image.",
    ),
]
EnsembleOption = Annotated[
    bool,
    typer.Option("--ensemble", help="Ask each text in eight English wordings, for their mean."),
]
LongOption = Annotated[
    Long,
    typer.Option(
        "--long",
        metavar="mean|min",
        help="A text longer than the encoder reads is asked in parts: find what fits their mean, "
        "or what fits every one of them.",
    ),
]
RerankOption = Annotated[
    str | None,
    typer.Option(
        "--rerank",
        metavar="exact|caption|blip:FOLDER",
        help="Order the best hits again: by the cosine alone, by their captions too, or by a BLIP "
        "model that looks at each picture and the text together.",
    ),
]
RerankTopOption = Annotated[
    int | None,
    typer.Option("--rerank-top", metavar="N", help="Hits that are re-ranked. Default: 64."),
]
DiverseOption = Annotated[
    float,
    typer.Option(
        "--diverse",
        metavar="SHARE",
        help="Hits that are unlike each other: 0 is the plain ranking, 0.3 mixes, below 1.",
        show_default=False,
    ),
]


class Device(StrEnum):
    """Where an encoder, exact search and builds run; the choices of `--device`."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


DeviceOption = Annotated[
    Device | None,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|mps",
        help="Where the encoder runs, and exact search and builds. Default: auto.",
        show_default=False,
    ),
]


def examples(*commands: str) -> str:
    """Examples for the end of a help text, each on a line of its own."""
    # The backspace tells the help formatter to leave the lines as they are.
    return "\b\n" + "\n".join(("For example:", *(f"  {command}" for command in commands)))
