"""`polyseek label`: which of some labels fits each image, without training and without an index."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import ExitCode, reported_errors
from cli.options import Device, DeviceOption, JsonOption, QuietOption, examples
from cli.output import note, path_fields, printable, shown_path, write_json, write_text
from retrieval.errors import QueryError, SettingsError, SourceError

if TYPE_CHECKING:
    from indexer.adhoc import Skip
    from retrieval.labels import LabelScore
    from retrieval.model import FileRef

EXAMPLES = examples(
    "polyseek label holiday/*.jpg --labels labels.txt",
    "polyseek label ~/Pictures --labels labels.txt --top 1 --jsonl > labels.jsonl",
    "polyseek label cat.jpg --labels labels.txt --prompts prompts.txt",
)

SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image: labels, best first, or why there are none."""

    file: "FileRef"
    labels: "list[LabelScore] | Skip"


def label(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="Image files, and folders of them.")
    ],
    labels: Annotated[
        Path, typer.Option("--labels", metavar="FILE", help="One label a line, UTF-8.")
    ],
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FILE",
            help="One prompt a line, with {} for the label; several are averaged.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", "-k", "-t", metavar="N", help="Labels an image at most.")
    ] = 5,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Encoder; see `polyseek models list`."),
    ] = None,
    device: DeviceOption = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One image a line, as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if an image failed.")] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Tell which of your labels fits each image.

    Nothing is trained and no index is needed. The probability is among the labels that you give:
    give a label for "none of these" if that can be the answer.
    """
    flags = {"model": model, "device": device.value if isinstance(device, Device) else None}
    with reported_errors(as_json=json):
        if json and jsonl:
            raise SettingsError("--json and --jsonl do not go together", hint="choose one")
        if top < 1:
            raise QueryError(f"--top must be at least 1, got {top}")
        context = begin(flags, quiet=quiet)
        names = _lines(labels, "labels")
        asked = _lines(prompts, "prompts") if prompts else None
        outcomes = []
        for outcome in _outcomes(
            images, names, asked, context.settings.model, context.settings.device, top
        ):
            outcomes.append(outcome)
            if jsonl:
                write_json(as_json(outcome), indent=None)
            elif not json:
                write_text(as_text(outcome))
        if json:
            write_json({"images": [as_json(outcome) for outcome in outcomes]})
        n_failed = sum(not isinstance(outcome.labels, list) for outcome in outcomes)
        if n_failed:
            note(f"warning: {n_failed:,} of {len(outcomes):,} images not labelled", quiet=quiet)
        if strict and n_failed:
            raise typer.Exit(ExitCode.FAILURE)


def as_json(outcome: Outcome) -> dict[str, object]:
    """One image as documented for scripts."""
    fields: dict[str, object] = dict(path_fields(outcome.file.path))
    if not isinstance(outcome.labels, list):
        return {**fields, "labels": [], "error": outcome.labels.reason}
    return {
        **fields,
        "labels": [
            {
                "label": each.label,
                "probability": round(each.probability, SCORE_DIGITS),
                "score": round(each.score, SCORE_DIGITS),
            }
            for each in outcome.labels
        ],
    }


def as_text(outcome: Outcome) -> str:
    """One image for a reader: its path, then its labels, indented."""
    path = shown_path(outcome.file.path)
    if not isinstance(outcome.labels, list):
        return f"{path}: {outcome.labels.reason}"
    lines = [f"  {each.probability:6.1%}  {printable(each.label)}" for each in outcome.labels]
    return "\n".join([path, *lines])


def _outcomes(
    images: list[Path],
    labels: list[str],
    prompts: list[str] | None,
    model: str | None,
    device: str,
    top: int,
) -> Iterator[Outcome]:
    from indexer.adhoc import Skip, embed_files, files_of
    from retrieval.encoders.registry import default_encoder, get_encoder
    from retrieval.labels import DEFAULT_PROMPTS, Labeller

    files = files_of(images)
    if not any(not isinstance(each, Skip) for each in files):
        raise SourceError(
            f"no image in {', '.join(shown_path(path) for path in images[:3])}",
            hint="name image files, or folders that hold some",
        )
    encoder = get_encoder(model or default_encoder(), device=device)
    labeller = Labeller(encoder, labels, prompts or DEFAULT_PROMPTS)
    from retrieval.model import FileRef

    for each in files:
        if isinstance(each, Skip):
            yield Outcome(FileRef(each.path, 0, 0), each)
    found = [each for each in files if not isinstance(each, Skip)]
    for file, vector in embed_files(encoder, found):
        if isinstance(vector, Skip):
            yield Outcome(file, vector)
        else:
            yield Outcome(file, labeller.label(vector[None], top)[0])


def _lines(path: Path, what: str) -> list[str]:
    """The lines of a file that are not blank, each once."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    if not lines:
        raise QueryError(f"no {what} in {shown_path(path)}", hint="write one a line")
    return list(lines)
