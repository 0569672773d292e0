"""`polyseek models fetch`, `pin` and `export-dir`: the files of open_clip models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin, pins_file
from cli.exits import reported_errors
from cli.options import AllowPickleOption, JsonOption, QuietOption, examples
from cli.output import note, printable, shown_path, write_json, write_text

if TYPE_CHECKING:
    from retrieval.encoders.openclip_source import ModelSource

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="openclip:MODEL:PRETRAINED, hf-hub:ORG/REPO@REVISION or local-dir:PATH.",
    ),
]

FETCH_EXAMPLES = examples(
    "polyseek models fetch openclip:ViT-B-32:laion2b_s34b_b79k",
    "polyseek models fetch hf-hub:timm/ViT-B-16-SigLIP@main --json",
)
PIN_EXAMPLES = examples(
    "polyseek models pin openclip:ViT-B-32:laion2b_s34b_b79k",
    "polyseek models pin --forget openclip:ViT-B-32:laion2b_s34b_b79k",
)
EXPORT_EXAMPLES = examples(
    "polyseek models export-dir openclip:ViT-B-32:laion2b_s34b_b79k /media/stick/ViT-B-32",
    "polyseek models export-dir local-dir:/models/old --allow-pickle /models/new",
)


def fetch(
    name: ModelArgument,
    allow_pickle: AllowPickleOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Get an open_clip model: download what is not here, and say what it is made of.

    Downloads lie in the hub's cache (HF_HOME) and need no network the next time. HF_TOKEN opens
    gated and private repositories.
    """
    with reported_errors(as_json=json):
        source = _located(name, allow_pickle=allow_pickle, quiet=quiet)
        from retrieval.encoders.pins import check_pins

        check_pins(pins_file(), source)
        files = [
            {
                "file": path.name,
                "path": str(path),
                "bytes": path.stat().st_size,
                "sha256": source.digests[path.name],
            }
            for path in (source.weights, *source.text_files)
        ]
        if json:
            commits = dict(source.commits)
            write_json({"name": str(source.name), "commits": commits, "files": files})
            return
        for file in files:
            write_text(f"{file['sha256']}  {file['bytes']:>13,}  {printable(str(file['path']))}")


def pin(
    name: ModelArgument,
    forget: Annotated[bool, typer.Option("--forget", help="Take the pin out instead.")] = False,
    allow_pickle: AllowPickleOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Trust an open_clip model as it is now, and refuse it once a byte of it has changed.

    The sha256 of every file and the commits of the hub are kept in the user's data folder. Every
    later use of the model, by any command, is held against them.
    """
    with reported_errors(as_json=json):
        from retrieval.encoders.names import parse_model_name
        from retrieval.encoders.pins import forget_pin, pin_model, read_pins

        pins = pins_file()
        if forget:
            begin({}, quiet=quiet)
            _require_open_clip(name)
            spelled = str(parse_model_name(name))
            changed = forget_pin(pins, spelled)
            said = "forgotten" if changed else "was not pinned"
        else:
            source = _located(name, allow_pickle=allow_pickle, quiet=quiet)
            spelled = str(source.name)
            changed = pin_model(pins, source)
            said = "pinned" if changed else "was pinned before, and is the same"
        kept = read_pins(pins).get(spelled)
        if json:
            shown = {"commits": dict(kept.commits), "files": dict(kept.files)} if kept else None
            write_json({"name": spelled, "changed": changed, "pin": shown})
            return
        write_text(printable(f"{spelled} {said}"))
        for file, sha256 in (kept.files if kept else {}).items():
            write_text(f"{sha256}  {printable(file)}")
        note(f"pins: {shown_path(pins)}", quiet=quiet)


def export_dir(
    name: ModelArgument,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to write it; new or empty.")
    ],
    allow_pickle: AllowPickleOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Write an open_clip model as one folder that works anywhere, without a network.

    It holds the configuration, the weights as safetensors and the tokenizer; its name is then
    local-dir:FOLDER. Embeddings stay the same.
    """
    with reported_errors(as_json=json):
        source = _located(name, allow_pickle=allow_pickle, quiet=quiet)
        from retrieval.encoders.openclip_bundle import export_bundle
        from retrieval.encoders.pins import check_pins

        check_pins(pins_file(), source)
        files = export_bundle(source, folder.expanduser().absolute())
        exported = f"local-dir:{folder.expanduser().absolute()}"
        if json:
            write_json({"name": exported, "files": [path.name for path in files]})
            return
        write_text(printable(exported))


def _located(name: str, *, allow_pickle: bool, quiet: bool) -> "ModelSource":
    """The files of a model; starts the command.

    Raises:
        EncoderUnavailableError: it is no open_clip model, or cannot be had.
    """
    context = begin({"allow_pickle": allow_pickle or None}, quiet=quiet)
    _require_open_clip(name)
    from retrieval.encoders.hub import hide_progress
    from retrieval.encoders.names import parse_model_name
    from retrieval.encoders.openclip_source import locate

    if quiet:
        hide_progress()
    return locate(parse_model_name(name), allow_pickle=context.settings.allow_pickle)


def _require_open_clip(name: str) -> None:
    from retrieval.encoders.names import FAMILIES, is_model_name
    from retrieval.errors import EncoderUnavailableError

    if not is_model_name(name):
        raise EncoderUnavailableError(
            f"{name} is no open_clip model: it has no files of its own to get",
            hint=f"names of open_clip models start with {', '.join(FAMILIES)}",
        )
