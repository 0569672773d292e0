"""`polyseek train adapter`: a light encoder for queries to what a heavy one has indexed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.adapters import (
    GateOption,
    Method,
    MethodOption,
    SeedOption,
    StepsOption,
    checked_gate,
    finish,
    recipe_of,
)
from cli.context import Context, begin
from cli.exits import reported_errors
from cli.lessons import (
    at_least,
    at_least_one,
    encoder_of,
    folder_of,
    home_of,
    kept,
    lines_of,
    matched_images,
    texts_of,
)
from cli.options import CollectionOption, DeviceOption, JsonOption, QuietOption, examples
from cli.progress import step_progress
from retrieval.errors import SettingsError, TrainedMapError

if TYPE_CHECKING:
    from retrieval.encoders.base import Encoder
    from retrieval.learn.adapter_fit import Matched
    from retrieval.model import Modality

_EXAMPLES = examples(
    "polyseek train adapter --from mini-en --collection photos.polyseek",
    "polyseek train adapter --from mini-en -c photos.polyseek --texts queries.txt --texts-alone",
    "polyseek train adapter --from local-dir:small --to local-dir:large --images ~/Pictures "
    "--out adapter.safetensors",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adapter", epilog=_EXAMPLES)(adapter)


def adapter(
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="MODEL", help="The encoder that queries are to be asked with."
        ),
    ],
    collection: CollectionOption = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="MODEL",
            help="The encoder of the gallery, where there is no collection.",
            show_default=False,
        ),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(
            "--texts",
            metavar="FILE",
            help="Texts to learn from, one a line. Default: polyseek's own, and the collection's.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="Images to learn from. Default: some of the collection's.",
            show_default=False,
        ),
    ] = None,
    texts_alone: Annotated[
        bool,
        typer.Option("--texts-alone", help="Learn nothing of images: they cannot be asked with."),
    ] = False,
    method: MethodOption = Method.RIDGE,
    gate: GateOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where to write. Default: into the collection, where queries look for it.",
            show_default=False,
        ),
    ] = None,
    steps: StepsOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Ask a collection with another, lighter encoder than the one it was indexed with.

    Both embed the same texts and images; a map from the one space into the other is learned, and
    measured on some that were held out. It is refused if too few of them meet their own partner.
    With it, `polyseek query --model MODEL` works on the collection.
    """
    flags = {"collection": collection, "device": device.value if device else None}
    with reported_errors(as_json=json):
        least = checked_gate(gate)
        at_least_one(steps=steps)
        at_least(0, seed=seed)
        context = begin(flags, quiet=quiet)
        folder = folder_of(context, target)

        from retrieval.encoders.registry import get_encoder
        from retrieval.learn.adapter import adapter_name
        from retrieval.learn.adapter_fit import adapter_of, fit_adapter

        ours = get_encoder(source, device=context.settings.device)
        theirs = encoder_of(context, folder, target)
        path = home_of(out, folder, adapter_name(ours.info.fingerprint))
        if ours.info.fingerprint == theirs.info.fingerprint:
            raise SettingsError(f"{source} is what the gallery was embedded with: ask it directly")
        pictures = None
        if not texts_alone:
            pictures = matched_images(context, ours, theirs, folder, images)
            _check_enough(pictures)
        matched: dict[Modality, Matched] = {
            "text": _matched_texts(context, ours, theirs, folder, texts)
        }
        if pictures is not None:
            matched["image"] = pictures
        with step_progress("training", quiet=quiet) as on_progress:
            fitted = {
                modality: fit_adapter(each, method.value, recipe_of(steps, seed), on_progress)
                for modality, each in matched.items()
            }
        counts = {f"{modality}s": len(each.groups) for modality, each in matched.items()}
        made = adapter_of(ours.info, theirs.info, method.value, fitted, counts)
        finish(made, path, least, as_json=json)


def _check_enough(pictures: "Matched | None") -> None:
    """Refuse too few pictures before texts are embedded, which takes minutes.

    Raises:
        TrainedMapError: nothing can be held out of them.
    """
    from retrieval.learn.adapter_fit import FEWEST_TARGETS

    if pictures is not None and len(pictures.groups) < FEWEST_TARGETS:
        raise TrainedMapError(
            f"an adapter learns from {FEWEST_TARGETS} images at least, got {len(pictures.groups)}",
            hint="name more with --images FOLDER, or learn nothing of them: --texts-alone",
        )


def _matched_texts(
    context: Context, ours: "Encoder", theirs: "Encoder", folder: Path | None, texts: Path | None
) -> "Matched":
    """Texts as the two encoders read them."""
    from retrieval.learn.pairs import Pair, match_texts, own_pairs

    if texts is not None:
        said = lines_of(texts)
    else:
        said = [] if folder is None else texts_of(context, folder)
    # Polyseek's own first: what the cache keeps of them serves every collection.
    own = own_pairs() if texts is None else ()
    known = {each.text for each in own}
    pairs = (*own, *(Pair(text, text) for text in dict.fromkeys(said) if text not in known))
    with step_progress("embedding texts", quiet=context.quiet) as shown:
        return match_texts(pairs, kept(context, ours, shown), kept(context, theirs, shown))
